import subprocess
import sys

import pytest

from ablations.runs import sources

files = {
    "trees/__init__.py": "from trees import base\n",
    "trees/base.py": '"""A docstring."""\nvalue = 1  # a comment\n',
    "trees/leaf.py": "import json\nfrom trees.branches import twig as t\n",
    "trees/branches/__init__.py": "",
    "trees/branches/twig.py": "def f():\n    from . import bud\n    from ..late import later\n",
    "trees/branches/bud.py": "class B:\n    '''Doc.'''\n    x: int\n    '''Of x.'''\n",
    "trees/late.py": "import trees.branches.bud, elsewhere.thing\nlater = 1\n",
    "trees/unused.py": "x = 1\n",
    "elsewhere/__init__.py": "",
    "elsewhere/thing.py": "x = 1\n",
}


@pytest.fixture
def forest(tmp_path, monkeypatch):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    sources.forget()
    yield tmp_path
    sources.forget()


def test_the_closure_follows_every_import_within_our_packages_and_nothing_else(forest):
    assert list(sources.closure(["trees.leaf"])) == [
        "trees",
        "trees.base",
        "trees.branches",
        "trees.branches.bud",
        "trees.branches.twig",
        "trees.late",
        "trees.leaf",
    ]
    assert not any(name.startswith(("trees", "elsewhere")) for name in sys.modules)


def test_the_closure_is_what_python_imports_of_ours():
    code = (
        "import sys, hrm.config\n"
        "print(*sorted(m for m in sys.modules if m.split('.')[0] in ('hrm', 'ablations')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert list(sources.closure(["hrm.config"])) == done.stdout.split()


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        ("trees/base.py", "# a comment", "# another one", True),
        ("trees/base.py", '"""A docstring."""\n', "\n\n", True),
        ("trees/branches/bud.py", "'''Doc.'''", "'''Other.'''", True),
        ("trees/branches/bud.py", "'''Of x.'''", "'''Of the x.'''", True),
        ("trees/unused.py", "x = 1", "x = 2", True),
        ("elsewhere/thing.py", "x = 1", "x = 2", True),
        ("trees/base.py", "value = 1", "value = 2", False),
        ("trees/branches/bud.py", "x: int", "x: str", False),
        ("trees/branches/__init__.py", "", "y = 1\n", False),
        ("trees/late.py", "later = 1", "later = 1; more = 2", False),
    ],
)
def test_only_an_edit_that_can_change_a_result_changes_the_digest(forest, file, old, new, same):
    before = sources.digest(["trees.leaf"])
    path = forest / file
    path.write_text(path.read_text().replace(old, new, 1))
    assert sources.digest(["trees.leaf"]) == before  # what this process may have imported
    sources.forget()
    assert (sources.digest(["trees.leaf"]) == before) is same


def test_a_module_that_moves_changes_the_digest(forest):
    before = sources.digest(["trees.unused"])
    (forest / "trees" / "unused.py").rename(forest / "trees" / "renamed.py")
    assert sources.digest(["trees.renamed"]) != before


def test_a_module_without_a_file_is_refused(forest):
    with pytest.raises(ModuleNotFoundError, match=r"trees\.absent"):
        sources.digest(["trees.absent"])
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        sources.digest(["nowhere"])


@pytest.mark.parametrize("room", ["specs", "metrics", "rule", "records.rows", "runs"])
def test_what_says_reads_judges_or_keeps_results_is_not_followed(room):
    assert sources.is_spec(f"ablations.{room}.anything")
    assert not sources.is_spec(f"ablations.{room}more")
    found = sources.closure(["ablations.protocols.base"])
    assert "ablations.protocols.base" in found
    assert not any(name.startswith(f"ablations.{room}") for name in found)


def test_a_function_among_the_claims_does_not_rest_on_all_their_specs(tmp_path, monkeypatch):
    room = tmp_path / "ablations" / "claims"
    for name, text in {
        "../__init__.py": "",
        "__init__.py": "from ablations.claims.paper import spec\n",
        "paper/__init__.py": "from ablations.claims.paper.spec import CLAIM\n",
        "paper/spec.py": "CLAIM = 1\n",
        "paper/exact.py": "from ablations.claims.paper.helper import help\n",
        "paper/helper.py": "help = 1\n",
    }.items():
        (room / name).parent.mkdir(parents=True, exist_ok=True)
        (room / name).write_text(text)
    monkeypatch.setattr(
        sources, "locate", lambda name: next(
            (p for p in (tmp_path.joinpath(*name.split("."), "__init__.py"),
                         tmp_path.joinpath(*name.split(".")).with_suffix(".py")) if p.is_file()),
            None,
        )
    )  # fmt: skip
    found = sources.closure(["ablations.claims.paper.exact"])
    assert list(found) == [
        "ablations",
        "ablations.claims.paper.exact",
        "ablations.claims.paper.helper",
    ]


def test_a_module_that_was_loaded_from_a_file_is_found(tmp_path, monkeypatch):
    path = tmp_path / "mine.py"
    path.write_text("x = 1\n")
    module = type(sys)("mine")
    module.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "mine", module)
    assert sources.locate("mine") == path
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine.py").write_text("x = 2\n")
    assert sources.locate("mine") == path, "the one that this process has"
    assert list(sources.closure(["mine"])) == ["mine"]


def test_files_have_a_digest_of_what_they_compute_whatever_they_import(forest):
    before = sources.of_files(["trees.leaf", "trees.base"])
    (forest / "trees/branches/twig.py").write_text("def f():\n    return 1\n")
    (forest / "trees/base.py").write_text('"""Another docstring."""\nvalue = 1\n')
    sources.forget()
    assert sources.of_files(["trees.base", "trees.leaf"]) == before
    (forest / "trees/base.py").write_text("value = 2\n")
    sources.forget()
    assert sources.of_files(["trees.base", "trees.leaf"]) != before


def test_files_that_are_not_there_have_no_digest():
    with pytest.raises(ModuleNotFoundError, match=r"no source file of hrm\.nothing"):
        sources.of_files(["hrm.nothing"])


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        ("trees/branches/twig.py", "def f()", "def g()", False),
        ("trees/branches/bud.py", "x: int", "y: int", False),
        ("trees/branches/bud.py", "Doc.", "Other.", True),
        ("trees/late.py", "later = 1", "later = 2", False),
        ("trees/leaf.py", "import json", "import math", True),
        ("elsewhere/thing.py", "x = 1", "x = 2", True),
    ],
)
def test_a_reader_rests_on_its_package_and_on_what_that_imports_of_ours(
    forest, file, old, new, same
):
    before = sources.of_reader("trees.branches.twig")
    text = (forest / file).read_text()
    assert old in text
    (forest / file).write_text(text.replace(old, new))
    sources.forget()
    assert (sources.of_reader("trees.branches.twig") == before) is same
