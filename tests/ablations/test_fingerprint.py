import subprocess
import sys
from dataclasses import replace

import pytest

from ablations import fingerprint, sources
from ablations.records import Trial
from hrm.errors import UserError
from hrm.system import environment

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


def trial(**changes):
    asked = Trial(workload="trees.leaf:grow", arms=({"kind": "A"},), settings={"steps": 1}, seed=0)
    return replace(asked, **changes)


# -- sources --------------------------------------------------------------------------------------
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
        "import sys, ablations.store\n"
        "print(*sorted(m for m in sys.modules if m.split('.')[0] in ('hrm', 'ablations')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert list(sources.closure(["ablations.store"])) == done.stdout.split()


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


# -- fingerprints ---------------------------------------------------------------------------------
def test_equal_trials_have_equal_fingerprints_whatever_the_order_of_keys(forest):
    one = trial(settings={"a": 1, "b": [1.5, None]})
    other = trial(settings={"b": [1.5, None], "a": 1})
    assert fingerprint.fingerprint(one) == fingerprint.fingerprint(other)
    assert len(fingerprint.fingerprint(one)) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"workload": "trees.leaf:shrink"},
        {"workload": "trees.late:grow"},
        {"arms": ({"kind": "B"},)},
        {"arms": ({"kind": "A"}, {"kind": "A"})},
        {"settings": {"steps": 2}},
        {"seed": 1},
        {"alone": True},
        {"modules": ("trees.unused",)},
    ],
)
def test_each_part_of_a_trial_counts(forest, change):
    assert fingerprint.fingerprint(trial(**change)) != fingerprint.fingerprint(trial())


def test_the_sources_of_further_modules_count(forest):
    def now():
        sources.forget()
        return [fingerprint.fingerprint(trial(modules=m)) for m in ((), ("trees.unused",))]

    before = now()
    (forest / "trees" / "unused.py").write_text("x = 2\n")
    after = now()
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_the_cpu_model_counts_only_for_what_is_timed_alone(forest, monkeypatch):
    def on(model):
        monkeypatch.setattr(environment, "cpu_model", lambda: model)
        return [fingerprint.fingerprint(trial(alone=alone)) for alone in (False, True)]

    one, other = on("one"), on("other")
    assert one[0] == other[0]
    assert one[1] != other[1]


def test_versions_count(forest, monkeypatch):
    before = fingerprint.fingerprint(trial())
    newer = {**fingerprint.versions(), "torch": "99.0"}
    monkeypatch.setattr(fingerprint, "versions", lambda: newer)
    assert fingerprint.fingerprint(trial()) != before


def test_the_accelerators_name_counts_on_cuda(forest, monkeypatch):
    def on(name):
        monkeypatch.setattr(environment, "accelerator", lambda: name)
        return fingerprint.fingerprint(trial(device="cuda"))

    assert on("one") != on("other")


def test_a_device_that_is_not_there_is_one_line(forest, monkeypatch):
    monkeypatch.setattr(environment, "accelerator", lambda: None)
    for device in ("cuda", "abacus"):
        with pytest.raises(
            UserError, match=f"device is '{device}'; allowed .*--device cpu"
        ) as found:
            fingerprint.fingerprint(trial(device=device))
        assert "\n" not in str(found.value)


def test_a_workload_without_a_dot_is_one_of_ours():
    assert fingerprint.workload(trial(workload="training:boards")) == (
        "ablations.workloads.training",
        "boards",
    )
    assert fingerprint.workload(trial()) == ("trees.leaf", "grow")


def test_neither_torch_nor_numpy_is_imported_for_a_fingerprint(forest):
    code = (
        "import sys\n"
        "from ablations.fingerprint import fingerprint\n"
        "from ablations.records import Trial\n"
        "print(fingerprint(Trial(workload='trees.leaf:grow', arms=(), settings={}, seed=0)))\n"
        "print(*{'torch', 'numpy', 'trees'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    printed, imported = done.stdout.split("\n")[:2]
    assert printed == fingerprint.fingerprint(trial(arms=(), settings={}))
    assert imported == ""
