"""The table *document × promise × command × test* of docs/promises.md, from the tests' markers.

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

Features that the documents print or describe, not claims to be measured: each row's test tries that
it works. `all` is what all five share. Written by `python tests/documented/promises.py` from the
markers of the tests. [documents.md](documents.md) explains the documents, and
[migration.md](migration.md) has every name, every printed example and
[every printed command](migration.md#commands). What isn't there [stands below](#what-isnt-there).

| document | promise | command or code | test |
|---|---|---|---|
"""
TAIL = """
## What isn't there

- gru, *learning to learn across tasks*: the document says neither what is learned nor how. Several
  tasks are trained jointly (`--tasks`), and nothing adapts within a task.
- amulgent, *exploration that adapts*: the document doesn't say to what; `exploration_prob` is
  constant.
- act-v1, *float16*: it trains on GPUs, with a scaled loss, and is refused on CPUs.
- complete, *comparison with cortical data*: neither data nor a measure is named. `hrm plot RUN
  --only states` draws the dimensions of both levels.

What a document lists as future work isn't promised, and isn't counted.
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
