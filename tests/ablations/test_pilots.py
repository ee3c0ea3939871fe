"""Pilots: what plans rest on, in which order, and what makes the committed ones stale."""

import json
import math
from dataclasses import replace

import pytest

from ablations import claims, pilots, planning
from ablations.cli import main
from ablations.costs import Costs, Source
from ablations.fingerprint import fingerprint, kind
from ablations.forms import Quality, TimeToTarget
from ablations.pilots import Pilot, measure, read, spec_digest, write
from ablations.plan import pilot, plan
from ablations.records import Machine, Result, Status, Tier, Zones
from ablations.specs import PILOTS, Assumed
from ablations.store import Store
from hrm.errors import UserError

plain = Zones(null=1.0, null_reason="test")
scores = (1.0, 2.0, 3.0, 4.0, 5.0)
spread = math.sqrt(2.5)
every = (*claims.specs(), *(control.spec for control in claims.controls()))


def spec(name="refinement-quality", **changes):
    (claim,) = claims.choose([name])
    form = Quality(metric="score", zones=plain)
    return replace(claim, **{"form": form, "arms": claim.arms[:2], "beside": (), **changes})


def a_result(trial, cpu_seconds=2.0, status=Status.OK, **metrics):
    given = {"score": 0.0, "margin": 1.0, "error": 0.1, **metrics}
    return Result(
        fingerprint=fingerprint(trial),
        attempt="1",
        trial=trial,
        status=status,
        metrics=(given,) * len(trial.arms),
        error=None,
        deaths=0,
        wall_seconds=1.0,
        cpu_seconds=cpu_seconds,
        peak_memory_bytes=1,
        machine=Machine(cpu="a chip", cores=2, threads=1, system="s", accelerator=None, load=0.0),
        versions={"torch": "2"},
        sources="",
        commit=None,
        dirty=None,
        started="2025-01-01T00:00:00+00:00",
    )


def piloted(store, claim, contrasts=scores, last=(1.0, 0.1), **more):
    """Store pilot seeds with these contrasts; the last arm has this margin and error."""
    for trials, contrast in zip(pilot(claim).trials, contrasts, strict=False):
        store.add(a_result(trials[0], **more))
        margin, error = last
        store.add(a_result(trials[1], score=contrast, margin=margin, error=error, **more))
    return store


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "store", create=True)


@pytest.fixture
def commit(monkeypatch, tmp_path):
    """Commit what pilots of a claim gave, as `plan --pilot --output` does."""

    def committed(claim, *contrasts, **changes):
        store = Store.open(tmp_path / "theirs", create=True)
        entry = measure(claim, piloted(store, claim, contrasts or scores))
        path = tmp_path / "pilots.json"
        write(path, {claim.id: replace(entry, **changes)}, {claim.id: claim})
        monkeypatch.setattr(pilots, "committed", lambda: read(path))

    return committed


# -- what is measured -----------------------------------------------------------------------------
def test_pilots_tell_spread_validity_and_cost_of_the_seeds_that_are_complete(store):
    claim = spec()
    assert measure(claim, store) is None
    assert measure(claim, None) is None
    piloted(store, claim, scores[:4], cpu_seconds=7.0)
    store.add(a_result(pilot(claim).trials[4][0]))  # the other arm is missing
    found = measure(claim, store)
    assert found.seeds == tuple(PILOTS)[:4]
    assert (found.pairs, found.metric, found.log, found.cpu) == (4, "score", False, "a chip")
    assert found.sd == pytest.approx(math.sqrt(5 / 3))
    assert found.faults == ()
    assert found.cpu_seconds == {kind(trial): 7.0 for trial in pilot(claim).trials[0]}
    assert Pilot.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_an_arm_that_does_not_beat_the_trivial_baselines_is_a_fault_told_without_figures(store):
    found = measure(spec(), piloted(store, spec(), last=(0.29, 0.1)))
    assert found.faults == ("control failed: 2 segments beats the trivial baselines",)
    assert not any(character in found.faults[0] for character in "%.+")


def test_an_arm_that_seldom_arrives_is_a_fault(store):
    form = TimeToTarget(metric="curve", threshold=0.5, cap=100.0, zones=replace(plain, log=True))
    claim = spec(form=form)
    for i, trials in enumerate(pilot(claim).trials):
        for trial, at in zip(trials, (10.0, 20.0 + i if i > 1 else 200.0), strict=True):
            store.add(a_result(trial, curve=[[0, 0.0], [at, 1.0]]))
    assert measure(claim, store).faults == ("40% of an arm's runs never arrive before the cap",)


def test_faults_refuse_the_plan_whatever_the_seeds(store):
    claim = spec()
    found = planning.planning(claim, 40, piloted(store, claim, last=(0.0, 0.1)))
    assert "2 segments beats the trivial baselines" in found.refusal
    assert (found.could, found.sd, found.power) == (None, None, None)


def test_two_seeds_are_too_few_to_call_an_arm_hopeless(store):
    claim = spec()
    piloted(store, claim, scores[:2], last=(0.0, 0.1))
    assert measure(claim, store).faults
    assert planning.planning(claim, 40, store).refusal == ""


# -- which pilots are used ------------------------------------------------------------------------
def test_the_stores_pilots_come_before_the_committed_ones_and_those_before_the_spec(store, commit):
    claim = spec(assumed=Assumed(sd=9.0, reason="a paper says so"))
    assert planning.spread(claim, store)[:2] == (9.0, "assumed: a paper says so")
    commit(claim)
    sd, source, _ = planning.spread(claim, store)
    assert (sd, source) == (pytest.approx(spread), "5 committed pilot pairs")
    sd, source, _ = planning.spread(claim, piloted(store, claim, [2 * s for s in scores]))
    assert (sd, source) == (pytest.approx(2 * spread), "5 pilot pairs")


def test_too_few_pilots_in_the_store_leave_the_committed_ones(store, commit):
    claim = spec()
    commit(claim)
    assert planning.spread(claim, piloted(store, claim, (1.0, 9.0)))[1] == "5 committed pilot pairs"


def test_committed_faults_refuse_a_plan_too(commit):
    claim = spec()
    commit(claim, faults=("an arm learns nothing",))
    assert "an arm learns nothing" in planning.planning(claim, 20, None).refusal


@pytest.mark.parametrize(
    "changed",
    [
        {"settings": {"train": 1}},
        {"workload": "training:planted"},
        {"modules": ("hrm.tasks.sudoku",)},
        {"arms": spec("deep-supervision").arms[:2]},
        {"joint": True},
        {"form": Quality(metric="valid", zones=plain)},
        {"form": Quality(metric="score", zones=replace(plain, log=True))},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_changed_spec_makes_its_committed_pilots_stale_and_the_plan_says_so(changed, commit):
    commit(spec())
    found = planning.planning(spec(**changed), 20, None)
    assert found.sd is None
    assert found.source == "unknown: the committed pilots are of another spec"


def test_words_zones_and_tiers_may_change_without_another_pilot(commit):
    claim = spec()
    commit(claim)
    form = Quality(metric="score", zones=replace(plain, null=7.0, sign=-1), symmetry="test")
    other = replace(claim, reading="r", form=form, seeds=dict.fromkeys(Tier, 40), cost=1.0)
    assert planning.spread(other, None)[1] == "5 committed pilot pairs"


def test_a_threshold_is_part_of_what_is_measured():
    (claim,) = claims.choose(["deep-supervision"])
    other = replace(claim, form=replace(claim.form, threshold=0.5))
    assert spec_digest(claim) != spec_digest(other)


def test_pilots_of_earlier_code_are_used_and_called_so(commit):
    commit(spec(), sources="other code")
    assert planning.spread(spec(), None)[1] == "5 committed pilot pairs of earlier code"


def test_pilots_of_another_device_are_not_used(commit):
    commit(spec())
    assert planning.spread(spec(), None, "cuda")[:2] == (
        None,
        "unknown: the committed pilots are of another device, cpu",
    )


def test_the_spread_of_timings_is_never_committed_but_their_cost_is(commit, store):
    claim = spec(alone=True)
    commit(claim)
    sd, source, _ = planning.spread(claim, None)
    assert sd is None
    assert source == "unknown: timings spread as their machine does, and no pilot is stored here"
    trials = plan(claim, Tier.QUICK).flat
    assert Costs([], None).of(trials[0]) == 2.0
    assert planning.spread(claim, piloted(store, claim))[:2] == (
        pytest.approx(spread),
        "5 pilot pairs",
    )


# -- costs ----------------------------------------------------------------------------------------
def test_costs_come_from_committed_pilots_before_the_spec_with_their_processor(commit, store):
    claim = spec(cost=30.0)
    planned = plan(claim, Tier.QUICK)
    commit(claim)
    costs = Costs([planned], store)
    assert costs.of(planned.flat[0]) == 2.0
    assert costs.source(planned.flat) is Source.COMMITTED
    assert costs.cpus(planned.flat) == ("a chip",)
    store.add(a_result(pilot(claim).flat[0], cpu_seconds=5.0))
    costs = Costs([planned], store)
    assert costs.of(planned.flat[0]) == 5.0
    assert costs.source(planned.flat[:1]) is Source.PROBE
    other = plan(spec(cost=30.0, settings={"train": 1}), Tier.QUICK)
    costs = Costs([other], store)
    assert (costs.of(other.flat[0]), costs.cpus(other.flat)) == (30.0, ())


# -- the file -------------------------------------------------------------------------------------
def test_the_committed_file_has_current_pilots_of_known_claims_alone():
    found = pilots.committed()
    specs = {claim.id: claim for claim in every}
    assert set(found) <= set(specs)
    for name, entry in found.items():
        assert entry.spec == spec_digest(specs[name]), f"{name}: `ablations plan --pilot --output`"
        assert set(entry.seeds) <= set(PILOTS)
        assert set(entry.cpu_seconds) == {kind(t) for t in pilot(specs[name]).trials[0]}
        assert (entry.sd is None) == (specs[name].alone or entry.pairs < 3)


def test_writing_keeps_the_pilots_of_other_known_claims_and_drops_the_rest(tmp_path, store):
    first, second = spec(), spec("act-savings-mixed", id="act-savings-mixed", joint=False)
    entry = measure(first, piloted(store, first))
    path = tmp_path / "new" / "pilots.json"
    write(path, {"gone": entry, first.id: entry}, {"gone": first, first.id: first})
    write(path, {second.id: entry}, {second.id: second, first.id: first})
    assert list(read(path)) == [second.id, first.id]
    assert read(path)[first.id] == entry


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": {"spec": "x"}}'])
def test_a_file_that_holds_something_else_is_refused_and_left_alone(text, tmp_path):
    path = tmp_path / "pilots.json"
    path.write_text(text)
    with pytest.raises(UserError, match="can't be read as pilots"):
        write(path, {}, {})
    assert path.read_text() == text


def test_output_without_pilot_is_refused(capsys, tmp_path):
    path = tmp_path / "pilots.json"
    with pytest.raises(SystemExit, match="2"):
        main(["plan", "halt-max", "--output", str(path), "--store", str(tmp_path / "store")])
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and "--pilot" in said.err
    assert not path.exists()
