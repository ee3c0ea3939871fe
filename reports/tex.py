"""Claims as a LaTeX table for a paper's appendix; it needs booktabs and longtable."""

import re

from ablations.records.rows import Report, Row
from reports import sayings
from reports.documents import documents

_columns = ("Claim", "Documented", "Measured", "Counted", "Verdict")
END = r" \\[0pt]"  # with a length of its own, it takes no bracket that follows for one
_widths = (0.33, 0.15, 0.17, 0.10, 0.15)  # of the text's width
_special = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    **{sign: f"\\{sign}" for sign in "$&#_%"},
    # Characters of our texts and the documents' that old TeX engines lack.
    "\u2212": "$-$",
    "×": r"$\times$",
    "÷": r"$\div$",
    "±": r"$\pm$",
    "≈": r"$\approx$",
    "≠": r"$\neq$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "∞": r"$\infty$",
    "→": r"$\to$",
    "√": r"$\surd$",
    "λ": r"$\lambda$",
    "\u00a0": "~",
    "\u202f": "~",
    "…": r"\ldots{}",
    "–": "--",
    "—": "---",
    "“": "``",
    "”": "''",
    "’": "'",
    **{
        raised: f"$^{{{plain}}}$"
        for raised, plain in zip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789", strict=True)
    },
}
_opening = re.compile(r'(?<![^\s(\[/])"(?=\S)')
_unprintable = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")


def table(report: Report) -> str:
    """Return a table of all claims, by document, with booktabs' rules."""
    *left, last = (rf"p{{{width:g}\linewidth}}" for width in _widths)
    columns = "".join(rf">{{\raggedright}}{column}" for column in left) + last
    lines = [
        f"% {escaped(sayings.headline(report))}",
        r"% Needs \usepackage{array,booktabs,longtable}; some texts need LuaLaTeX's fonts.",
        r"{\footnotesize",
        rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
        r"\toprule",
        " & ".join(_columns) + END,
        r"\midrule \endhead",
        r"\bottomrule \endfoot",
    ]
    for document in documents(report):
        name = rf"\textbf{{{escaped(document.name)}}}"
        lines.append(
            rf"\addlinespace \multicolumn{{{len(_columns)}}}{{@{{}}l@{{}}}}{{{name}}}{END}"
        )
        lines += [_line(row) for row in document.rows]
    return "\n".join([*lines, r"\end{longtable}}"]) + "\n"


def escaped(said: str) -> str:
    """Return a text as LaTeX shows it, on one line; nothing in it is a command."""
    line = _opening.sub("“", " ".join(_unprintable.sub(" ", said).split()))
    return "".join(_special.get(sign, sign) for sign in line)


def _line(row: Row) -> str:
    cells = (
        row.statement,
        sayings.printed(row),
        sayings.result(row),
        sayings.counted(row),
        row.verdict.verdict.value,
    )
    return " & ".join(map(escaped, cells)) + END
