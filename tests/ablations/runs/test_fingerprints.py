import subprocess
import sys
from dataclasses import dataclass, replace

import pytest
from tiny_runs.kinds import Number, Tiny, TinyAlone

from ablations.records.trials import Trial
from ablations.runs import fingerprints, sources
from ablations.runs.fingerprints import fingerprint
from ablations.specs.protocols import Check, Protocol, Time
from hrm.config.parts import Part
from hrm.errors import UserError
from hrm.system import environment

ARM = Number().to_json()


def trial(protocol=None, **changes):
    asked = Trial(protocol=(protocol or Tiny()).to_json(), arms=(ARM,), seed=0)
    return replace(asked, **changes)


def a_kind(name, base, module):
    """A class as a module of somebody else's defines it."""
    fields = {"after": None} if base is Protocol else {}
    said = {"__module__": module, "__annotations__": dict.fromkeys(fields, Protocol | None)}
    return dataclass(frozen=True, kw_only=True)(
        type(name, (base,), {**said, **fields, "module": module})
    )


THEIRS = [
    a_kind("TheirsOne", Protocol, "theirs.one"),
    a_kind("TheirsOther", Protocol, "theirs.other"),
    a_kind("TheirArm", Part, "theirs.arm"),
]


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """Two protocols, an arm and a metric of somebody else, each in a file of its own."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    for name in ("__init__", "one", "other", "arm", "metric", "helper"):
        (folder / f"{name}.py").write_text("x = 1\n")
    (folder / "one.py").write_text("from theirs import helper\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    sources.forget()
    yield folder
    sources.forget()


def theirs(name, after=None):
    protocol = {"kind": name} if after is None else {"kind": name, "after": {"kind": after}}
    return Trial(protocol=protocol, arms=({"kind": "TheirArm"},), seed=0)


# -- trials ---------------------------------------------------------------------------------------
def test_equal_trials_have_equal_fingerprints_whatever_the_order_of_keys():
    turned = dict(reversed(Tiny().to_json().items()))
    assert fingerprint(trial(protocol=Tiny())) == fingerprint(replace(trial(), protocol=turned))
    assert len(fingerprint(trial())) == 64


@pytest.mark.parametrize(
    "changed",
    [
        trial(Tiny(does="other")),
        trial(Tiny(after=Tiny())),
        trial(TinyAlone()),
        trial(arms=(Number(value=11).to_json(),)),
        trial(arms=(ARM, ARM)),
        trial(seed=1),
    ],
)
def test_each_part_of_a_trial_counts(changed):
    assert fingerprint(changed) != fingerprint(trial())


def test_what_a_trial_starts_from_counts_through_all_generations():
    chains = {
        fingerprint(trial(Tiny(after=Tiny(after=Tiny(does=does), seconds=seconds))))
        for does in ("a", "b")
        for seconds in (1.0, 2.0)
    }
    assert len(chains) == 4


def test_a_kind_is_shared_by_trials_that_differ_in_the_seed_alone():
    assert fingerprints.kind(trial(seed=1)) == fingerprints.kind(trial(seed=2))
    assert fingerprints.kind(trial(Tiny(does="b"))) != fingerprints.kind(trial())


# -- sources --------------------------------------------------------------------------------------
def test_what_trials_of_all_seeds_share_is_encoded_once(monkeypatch):
    encoded = []
    known = fingerprints.canonical
    monkeypatch.setattr(fingerprints, "canonical", lambda data: encoded.append(data) or known(data))
    asked = trial(Tiny(does="once", after=Tiny()), arms=(ARM, Number(value=7).to_json()))
    found = {fingerprint(replace(asked, seed=seed)) for seed in range(60)}
    assert len(found) == 60
    small = [data for data in encoded if isinstance(data, dict) and "seed" in data]
    assert len(small) == 60 * 2, "each trial's, and that of what it starts from"
    assert len(encoded) - len(small) < 10


def test_what_is_remembered_of_one_object_is_never_said_of_another(monkeypatch):
    monkeypatch.setattr(fingerprints, "MOST_TEXTS", 3)
    asked = [trial(arms=(Number(value=n).to_json(),)) for n in range(10)]
    first = [fingerprint(t) for t in asked]
    assert len(set(first)) == 10
    assert [fingerprint(t) for t in asked] == first


def test_the_modules_are_the_protocols_and_those_of_parts_and_functions_but_no_specs():
    assert fingerprints.modules(trial()) == ("tiny_runs.doing", "tiny_runs.kinds")
    check = Check(function="tiny_runs.coordinator:main")
    assert fingerprints.modules(trial(check)) == (
        "ablations.protocols.check",
        "tiny_runs.coordinator",
        "tiny_runs.kinds",
    )
    timed = Time(targets=("tiny_runs.stored:one", "tiny_runs.doing:other"), batches=(1,))
    assert fingerprints.modules(trial(timed)) == (
        "ablations.protocols.time",
        "tiny_runs.doing",
        "tiny_runs.kinds",
        "tiny_runs.stored",
    )


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        ("one", {"one", "chain"}),
        ("helper", {"one", "chain"}),
        ("other", {"other", "chain"}),
        ("arm", {"one", "other", "chain"}),
        ("metric", set()),
    ],
)
def test_an_edit_invalidates_the_runs_that_rest_on_it_and_no_others(outside, edited, changed):
    trials = {
        "one": theirs("TheirsOne"),
        "other": theirs("TheirsOther"),
        "chain": theirs("TheirsOther", after="TheirsOne"),
    }

    def now():
        sources.forget()
        return {name: fingerprint(asked) for name, asked in trials.items()}

    before = now()
    path = outside / f"{edited}.py"
    path.write_text(path.read_text() + "y = 2\n")
    after = now()
    assert {name for name in trials if before[name] != after[name]} == changed


def test_a_kind_that_nobody_loaded_is_one_line_with_the_option_that_loads_it():
    with pytest.raises(UserError, match=r"kind is 'Unheard', .* with --include$"):
        fingerprint(replace(trial(), arms=({"kind": "Unheard"},)))


# -- machines -------------------------------------------------------------------------------------
def test_the_cpu_model_counts_only_for_what_is_timed_alone(monkeypatch):
    def on(model):
        monkeypatch.setattr(environment, "cpu_model", lambda: model)
        return [fingerprint(trial(kind())) for kind in (Tiny, TinyAlone)]

    one, other = on("one"), on("other")
    assert one[0] == other[0]
    assert one[1] != other[1]


def test_versions_count(monkeypatch):
    before = fingerprint(trial())
    newer = {**fingerprints.versions(), "torch": "99.0"}
    monkeypatch.setattr(fingerprints, "versions", lambda: newer)
    assert fingerprint(trial()) != before


def test_the_accelerators_name_counts_on_cuda(monkeypatch):
    def on(name):
        monkeypatch.setattr(environment, "accelerator", lambda: name)
        return fingerprint(trial(device="cuda"))

    assert on("one") != on("other")


def test_a_device_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr(environment, "accelerator", lambda: None)
    for device in ("cuda", "abacus"):
        with pytest.raises(
            UserError, match=f"device is '{device}'; allowed .*--device cpu"
        ) as found:
            fingerprint(trial(device=device))
        assert "\n" not in str(found.value)


def test_neither_torch_nor_numpy_nor_the_protocol_is_imported_for_a_fingerprint():
    code = (
        "import sys\n"
        "from tiny_runs.kinds import Number, Tiny\n"
        "from ablations.runs.fingerprints import fingerprint\n"
        "from ablations.records.trials import Trial\n"
        "asked = Trial(protocol=Tiny().to_json(), arms=(Number().to_json(),), seed=0)\n"
        "print(fingerprint(asked))\n"
        "print(*{'torch', 'numpy', 'tiny_runs.doing'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    printed, imported = done.stdout.split("\n")[:2]
    assert printed == fingerprint(trial())
    assert imported == ""


def test_what_compiled_steps_cost_is_looked_up_as_what_eager_ones_do():
    eager, compiled = (trial(Tiny(after=Tiny(compiled=how), compiled=how)) for how in (False, True))
    assert fingerprints.kind(eager) == fingerprints.kind(compiled)
    assert fingerprint(eager) != fingerprint(compiled)
