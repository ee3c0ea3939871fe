"""Tables and lines on the terminal. Only this module and `progress` use Rich."""

import json
import math
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from rich import box
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from ablations.records.comparisons import Comparison, Side
from ablations.records.rows import Report, Row, Verdict
from ablations.rule import Group, Zones, group_of
from ablations.rule.outcomes import Word
from ablations.text import duration, number
from hrm.codec import Json
from hrm.system.console import console

STYLE = {
    Group.HOLDS: "green",
    Group.PARTLY: "yellow",
    Group.FAILS: "red",
    Group.OPEN: "magenta",
}
_few = 3  # up to this number, ids are listed rather than counted
_controls = "controls/"  # prefix of the ids of controls


# -- claims ---------------------------------------------------------------------------------------
def claims(rows: Sequence[Mapping[str, Json]]) -> None:
    """Print the claims, one line each: id, group, word, documented figure, statement."""
    out = console()
    ids = max((len(row["id"]) for row in rows), default=0)
    for row in rows:
        figure = "" if row["documented"] in ("", "—") else f"[dim]{escape(row['documented'])}[/] "
        word = f"{_word(row['word'])} " if row["word"] else ""
        line = f"[bold]{row['id']:<{ids}}[/] {row['group']} {word}{figure}{escape(row['claim'])}"
        out.print(line, no_wrap=True, overflow="ellipsis", highlight=False)
    without = sum(row["form"] is None for row in rows)
    said = f"; {without} have no spec yet" if without else ""
    out.print(f"{len(rows)} claims{said}. `ablations show ID` shows one of them in full.")


def claim(data: Mapping[str, Json]) -> None:
    """Print one claim: statement, interpretation, cells and zones."""
    out = console()
    word = f"  {_word(data['word'])}" if data["word"] else ""
    out.print(f"[bold]{escape(data['id'])}[/bold]{word}")
    out.print(Padding(escape(data["claim"]), (0, 0, 1, 0)))
    where = f"Document {data['document']}, {data['section']}"
    figure = "" if data["documented"] in ("", "—") else f"; documented: {data['documented']}"
    out.print(escape(f"{where}{figure}. Decided as {data['form']}."))
    out.print(Padding(escape(data["reading"]), (1, 0, 1, 0)))
    if data["differences"]:
        table = _table("the arms differ in", *data["arms"])
        for row in data["differences"]:
            table.add_row(escape(row["path"]), *(escape(v) for v in row["values"]))
        out.print(table)
    for cell in data.get("cells", ()):
        out.print(escape(f"{cell['label']}: {cell['quantity']}, by {setting(cell['protocol'])}"))
    for line in data.get("zones", ()):
        out.print(escape(line))
    if "pairs" in data:
        pairs = ", ".join(f"{tier} {n}" for tier, n in data["pairs"].items())
        out.print(f"Pairs by tier: {pairs}; seeds from {data['seeds'][0]}.")
    for name in ("needs", "command"):
        if name in data:
            out.print(escape(f"{name}: {data[name]}"))


def zones(found: Zones) -> list[str]:
    """Return the zones of a claim in the reader's unit, as sentences."""

    def span(low: float, high: float) -> str:
        ends = sorted(found.value(end) for end in (low, high))
        return " to ".join("any" if math.isinf(end) else f"{end:.4g}" for end in ends)

    said = []
    if found.nearly_all is not None:
        edge = found.value(found.nearly_all)
        return [f"Nearly all pairs should lie beyond {edge:.4g}: {found.because}."]
    assert found.null is not None
    said.append(f"No effect worth having: {span(-found.null, found.null)}; {found.because}.")
    if found.band is not None:
        said.append(f"Claimed size: {span(*found.band)}.")
    return said


# -- plans ----------------------------------------------------------------------------------------
def plan(data: Mapping[str, Json]) -> None:
    """Print a plan: runs, costs and chances of statistical claims, controls and exact claims."""
    out = console()
    paired = [row for row in data["claims"] if row["plan"]]
    apart = [row for row in paired if row["id"].startswith(_controls)]
    mine = [row for row in paired if row not in apart]
    for name, rows in (("claim", mine), (_controls, apart)):
        if rows:
            out.print(_plans(name, rows), "")
    exact = [row for row in data["claims"] if not row["plan"] and row["trials"]]
    if exact:
        table = _table("exact claim", "runs", "CPU\ns", numbers=("runs", "CPU\ns"))
        for row in exact:
            table.add_row(row["id"], *_costs(row))
        out.print(table, "")
    if paired:
        out.print(
            "settles: the probability that the claim is settled by the tier's last look, if it is "
            "true as documented and if there is no effect. 80, 90 %: the pairs that settle it with "
            "these probabilities if it is true. A ? is unknown until pilot seeds are run "
            "(`plan --pilot`)."
        )
        _sources("Spread", paired, lambda row: row["plan"]["source"])
    ran = [row for row in data["claims"] if row["trials"]]
    _sources("Cost", ran, lambda row: row["cost_source"])
    for row in paired:
        if row["plan"]["refusal"]:
            out.print(escape(f"Refused: {row['id']}: {row['plan']['refusal']}."))
    out.print(
        f"The {data['tier']} tier: {data['trials']} runs, {data['stored']} stored, at most "
        f"{duration(data['cpu_seconds'])} of CPU time left, about {duration(data['wall_seconds'])} "
        f"with {data['jobs']} jobs. Claims share runs, and stop once they are settled."
    )


def _plans(name: str, rows: Sequence[Mapping[str, Json]]) -> Table:
    figures = ("runs", "CPU\ns", "pairs", "spread", "settles", "80, 90 %")
    table = _table(name, *figures, numbers=figures)
    table.columns[0].no_wrap, table.columns[0].overflow = False, "fold"  # ids wrap, figures don't
    for row in rows:
        told = row["plan"]
        chances = {p["truth"]: _last(p, told["pairs"]) for p in told["prospects"]}
        both = (chances.get("as documented"), chances.get("no effect"))
        table.add_row(
            row["id"].removeprefix(_controls),
            *_costs(row),
            str(told["pairs"]),
            _figure(told["sd"]),
            ", ".join(dict.fromkeys(_figure(chance, "{:.0%}") for chance in both)),
            ", ".join(dict.fromkeys(_figure(told[k], "{}") for k in ("pairs_80", "pairs_90"))),
        )
    return table


def _last(prospect: Mapping[str, Json], pairs: int) -> float | None:
    """Return the probability that a claim is settled by the last look within `pairs` pairs."""
    found = [c for c in prospect["chances"] if c["look"] <= pairs]
    if not found:
        return None
    return float(found[-1]["holds"] + found[-1]["partly"] + found[-1]["fails"])


def _costs(row: Mapping[str, Json]) -> tuple[str, str]:
    """Return a plan's runs as "stored/all", and the CPU seconds of those that remain."""
    stored = f"{row['stored']}/" if row["stored"] else ""
    return f"{stored}{row['trials']}", f"{row['cpu_seconds']:,.0f}" if row["trials"] else ""


def _sources(
    what: str,
    rows: Sequence[Mapping[str, Json]],
    source: Callable[[Mapping[str, Json]], str],
) -> None:
    """Print the sources of figures, most common first, with the number or ids of their claims."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(source(row), []).append(row["id"])
    parts = []
    for name, ids in sorted(found.items(), key=lambda item: -len(item[1])):
        whose = ", ".join(ids) if len(ids) <= _few else f"{len(ids)} of {len(rows)}"
        parts.append(f"{name} ({whose})")
    if parts:
        console().print(escape(f"{what}: {'; '.join(parts)}."))


def _figure(value: float | None, form: str = "{:.2g}") -> str:
    return "?" if value is None else form.format(value)


# -- runs and verdicts ----------------------------------------------------------------------------
def ran(summary: Mapping[str, Json], store: str) -> None:
    """Print a summary of a run."""
    out = console()
    left = f" {summary['left']} didn't fit the budget." if summary["left"] else ""
    out.print(
        f"{summary['trials']} runs: {summary['stored_before']} were stored in {escape(store)}, "
        f"{summary['run']} are new.{left} {len(summary['settled'])} claims need no further pair."
    )
    for row in summary["refused"]:
        out.print(escape(f"Not run: {row['id']}: {row['reason']}; --all runs it anyway."))
    for error in summary["failed"]:
        console(stderr=True).print(f"[red]failed[/red] {escape(error)}", soft_wrap=True)


def verdicts(report: Report) -> None:
    """Print the verdicts, each with its reason below it."""
    out = console()
    for row in report.rows:
        out.print("  ".join(_verdict(row)), highlight=False)
        out.print(Padding(escape(row.verdict.reason), (0, 0, 1, 2)), highlight=False)
    tally(report)
    if report.calibration is not None and not report.calibration.get("current", True):
        out.print("The committed calibration is of an earlier rule; run `ablations calibrate`.")


def _verdict(row: Row) -> list[str]:
    v = row.verdict
    told = [f"[bold]{escape(v.id)}[/]", _word(v.verdict)]
    if v.estimate is not None:
        told.append(escape(_estimated(v)))
    if v.documented not in ("", "—"):
        told.append(f"documented {escape(v.documented)}")
    return told


def _estimated(said: Verdict | Side) -> str:
    low = -math.inf if said.low is None else said.low
    high = math.inf if said.high is None else said.high
    ends = f" [{number(low)}, {number(high)}]" if math.isfinite(low) or math.isfinite(high) else ""
    return f"{number(said.estimate)}{ends}, n = {said.n}"


def tally(report: Report) -> None:
    """Print how many claims hold, hold partly, fail and are open, and with which words."""
    groups = ", ".join(f"{n} {_verb(Group(g), n)}" for g, n in report.groups.items() if n)
    words = ", ".join(f"{n} {word}" for word, n in report.tally.items())
    console().print(
        f"{len(report.rows)} claims, {report.tier} tier: {groups or 'none'} ({words}).",
        soft_wrap=True,
    )


def _verb(group: Group, n: int) -> str:
    one = n == 1
    return {
        Group.HOLDS: "holds" if one else "hold",
        Group.PARTLY: "holds partly" if one else "hold partly",
        Group.FAILS: "fails" if one else "fail",
        Group.OPEN: "is open" if one else "are open",
    }[group]


def rendered(report: Report, path: Path) -> None:
    """Print the tally, and the path of the report."""
    tally(report)
    console().print(f"Report: {escape(str(path))}", soft_wrap=True)


# -- two reports ----------------------------------------------------------------------------------
def comparison(found: Comparison) -> None:
    """Print the differences between two reports, changed groups first, with their reasons."""
    out = console()
    for _, title, moves in found.kinds:
        if moves:
            out.print(f"[bold]{title}[/]")
        for move in moves:
            words = " → ".join(map(_word, (move.before.word, move.after.word)))
            told = " → ".join(map(_side, (move.before, move.after)))
            out.print(f"[bold]{escape(move.id)}[/]  {words}  {escape(told)}", highlight=False)
            said = "; ".join(move.why) or "no recorded input differs"
            out.print(Padding(escape(f"{said}."), (0, 0, 1, 2)), highlight=False)
    same = "claim is" if found.equal == 1 else "claims are"
    alone = [
        f"{len(ids)} only in {name}"
        for name, ids in ((found.before, found.missing), (found.after, found.added))
        if ids
    ]
    out.print(
        escape(
            f"{found.before} → {found.after}: {len(found.moved)} groups changed, "
            f"{len(found.reworded)} words, {len(found.shifted)} estimates or values; "
            f"{', '.join([f'{found.equal} {same} the same', *alone])}."
        ),
        soft_wrap=True,
    )


def _side(side: Side) -> str:
    return "no estimate" if side.estimate is None else _estimated(side)


# -- shared ---------------------------------------------------------------------------------------
def data(found: Json) -> int:
    """Print JSON, and return exit status 0."""
    sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return 0


def say(text: str) -> None:
    """Print a message on stderr."""
    sys.stderr.write(f"ablations: {text}\n")
    sys.stderr.flush()


def line(text: str) -> None:
    """Print a line of results."""
    console().print(escape(text), soft_wrap=True)


def setting(value: Json) -> str:
    """Return a setting on one line; a part as its kind and fields."""
    if isinstance(value, list):
        return "(" + ", ".join(map(setting, value)) + ")"
    if not isinstance(value, dict):
        return str(value)
    fields = ", ".join(f"{k}={setting(v)}" for k, v in value.items() if k != "kind")
    return f"{value.get('kind', '')}({fields})"


def _word(word: str) -> str:
    return f"[{STYLE[group_of(Word(word))]}]{word}[/]"


def _table(*columns: str, numbers: Collection[str] = ()) -> Table:
    """Return a table whose first column (ids or names) and numbers are never wrapped.

    Args:
        columns: Names of the columns.
        numbers: Columns to align on the right; if there are any, columns are set close together.
    """
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, show_edge=not numbers, collapse_padding=bool(numbers)
    )
    for i, name in enumerate(columns):
        table.add_column(
            name,
            no_wrap=i == 0 or name in numbers,
            justify="right" if name in numbers else "left",
        )
    return table
