"""The table of documents, promises, commands and tests in docs/promises.md, from markers of tests.

python tests/documented/promises.py     writes it again
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "promises.md"
DOCUMENTS = ("all", "v2", "gru", "amulgent", "act-v1", "complete")
HEAD = """\
# What the documents promise, and how to get it

The table lists the features that the documents print or describe, as opposed to claims that are
measured. The test of each row checks that the feature works; `all` stands for all five documents.
`python tests/documented/promises.py` generates this page from the markers of tests.
[documents.md](documents.md) explains the documents. [migration.md](migration.md) lists every name,
every printed example and [every printed command](migration.md#commands). Missing features are
listed [below](#what-isnt-there).

| document | promise | command or code | test |
|---|---|---|---|
"""
TAIL = """
## What isn't there

- gru, *learning to learn across tasks*: the document says neither what is learned nor how. Several
  tasks can be trained jointly (`--tasks`), but nothing adapts within a task.
- amulgent, *adaptive exploration*: the document doesn't say what it adapts to;
  `exploration_prob` is constant.
- act-v1, *float16*: it works on GPUs, with loss scaling, but is refused on CPUs.
- complete, *comparison with cortical data*: the document names neither data nor a measure. `hrm
  plot RUN --only states` draws the dimensionality of both levels.

Features that a document lists as future work aren't promised, and aren't counted here.
"""


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Yield document, promise, command and test of each marker."""
    for path in sorted((ROOT / "tests" / "hrm").rglob("test_*.py")) + sorted(
        (ROOT / "tests" / "documented").glob("test_*.py")
    ):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.promise":
                    document, promise, command = (ast.literal_eval(a) for a in mark.args)
                    where = path.relative_to(ROOT / "tests").as_posix()
                    yield document, promise, command, f"{where}::{node.name}"


def page() -> str:
    """Return the page."""
    found = sorted(rows(), key=lambda row: (DOCUMENTS.index(row[0]), row[1]))
    listed = "".join(
        f"| {document} | {promise} | `{command}` | `{test}` |\n"
        for document, promise, command, test in found
    )
    return HEAD + listed + TAIL


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
