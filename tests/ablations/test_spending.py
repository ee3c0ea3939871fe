"""Looks within a budget: what is run next, when it stops, and that nothing is looked at twice."""

import itertools
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ablations import calibration, claims, decide, pilots, sequential, spending
from ablations.cli import main
from ablations.forms import Quality
from ablations.plan import over
from ablations.records import Design, Tier, Word, Zones
from ablations.runner import execute
from ablations.sequential import follow, looks, open_words, see, stops, walk
from ablations.specs import TRAINED, Assumed
from ablations.store import Store
from ablations.verdict import measure, settle, words
from hrm.errors import UserError

family = 1 - 0.05 / 79
plain = Zones(null=1.0, null_reason="test", unit="points")


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    """Workloads of the tests, a lock of its own, no controls, and nothing withheld."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(claims, "controls", lambda: ())
    monkeypatch.setattr(claims, "unguarded", lambda _: ())
    monkeypatch.setattr(calibration, "flag", lambda *_, **__: "")
    monkeypatch.setattr(pilots, "committed", dict)


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "store", create=True)


def a_claim(effect, noise=0.5, name="refinement-quality", **changes):
    """A trained claim whose scores are drawn by the seed."""
    (claim,) = claims.choose([name])
    given = {
        "form": Quality(metric="score", zones=plain, symmetry="test"),
        "workload": "tiny_workloads.jobs:noisy",
        "arms": claim.arms[:2],
        "settings": {"effects": [0.0, effect], "noise": noise},
        "modules": (),
        "joint": True,
        "beside": (),
        "seeds": TRAINED,
        "cost": 1.0,
    }
    return replace(claim, **{**given, **changes})


def run_all(store, claim, seeds):
    for trial in over(claim, seeds).flat:
        store.add(execute(trial))


def runner(store, log=None):
    """Run a batch at once, noting it."""

    def run(batch):
        if log is not None:
            log.append((batch.claim.id, batch.look, batch.pairs, len(batch.trials)))
        for trial in batch.trials:
            store.add(execute(trial))

    return run


def row(claim, store, tier=Tier.STANDARD):
    return decide.report([claim], store, tier).rows[0]


# -- following one claim --------------------------------------------------------------------------
def test_an_arm_that_is_invalid_at_one_look_may_be_told_from_trivial_ones_at_the_next():
    def at(word, available=31):
        return follow(available, family, lambda step: word, lambda step: False)

    assert (at(Word.INVALID).pairs, at(Word.INVALID).stopped) == (20, False)
    assert (at(Word.CONFIRMED).pairs, at(Word.CONFIRMED).stopped) == (20, True)
    assert at(Word.INVALID, 32).stopped, "the last look is the last"


@pytest.mark.parametrize("truth", [0.0, 1.0, 1.6, 3.0])
def test_following_a_claim_is_walking_its_sample(truth):
    x = np.random.default_rng(7).normal(truth, 0.7, (60, 32))
    walked, stopped = walk(see(x, family), plain, symmetric=True)
    last = sequential.levels(family)[-1]
    for values, word, pairs in zip(x, walked, stopped, strict=True):
        seen = {}

        def judge(step, values=values, seen=seen):
            found = settle(measure(values[None, : step.pairs], step.level), plain, symmetric=True)
            seen[step.look] = words[found[0]]
            return seen[step.look]

        def futile(step, values=values):
            seen = measure(values[None, : step.pairs], last)
            return bool(stops(seen, plain, symmetric=True)[0])

        step = follow(32, family, judge, futile)
        assert step.pairs == pairs
        assert step.stopped
        assert seen.get(step.look, Word.INCONCLUSIVE) is words[word]


def test_pairs_short_of_the_first_look_are_no_look():
    step = follow(11, family, None, None)
    assert (step.look, step.pairs, step.settles, step.stopped) == (0, 11, False, False)


def test_what_comes_after_a_stop_is_never_looked_at():
    def judge(step):
        assert step.pairs == 20, "the look that settled it was the last one"
        return Word.CONFIRMED

    assert follow(32, family, judge, lambda _: False).pairs == 20


# -- spending -------------------------------------------------------------------------------------
def test_seeds_are_spent_look_by_look_until_a_claim_is_settled(store):
    claim, log = a_claim(3.0), []
    spending.declare([claim], store)
    spending.spend([claim], store, runner(store, log), lambda: 1e9)
    assert [entry[1:] for entry in log] == [(1, 12, 12), (2, 16, 4), (3, 20, 4)]
    found = row(claim, store)
    assert found.verdict.verdict is Word.CONFIRMED
    assert "stopped at look 3 of 4 (20 pairs" in found.verdict.reason
    assert found.level == pytest.approx(sequential.levels(family)[2])
    assert found.verdict.n == 20
    assert found.command.endswith("--until-decided")


def test_what_is_hopeless_stops_at_the_first_look_and_says_so(store):
    claim, log = a_claim(1.0, noise=3.0), []
    spending.declare([claim], store)
    spending.spend([claim], store, runner(store, log), lambda: 1e9)
    assert [entry[1] for entry in log] == [1]
    found = row(claim, store)
    assert found.verdict.verdict is Word.INCONCLUSIVE
    assert "stopped at look 1 of 4 (12 pairs" in found.verdict.reason
    assert "want of hope" in found.verdict.reason


def test_a_stopped_claim_stays_as_it_is_whatever_is_run_later(store):
    claim = a_claim(1.0, noise=3.0)
    spending.declare([claim], store)
    spending.spend([claim], store, runner(store), lambda: 1e9)
    before = row(claim, store).verdict
    run_all(store, claim, range(12, 32))
    for tier in (Tier.STANDARD, Tier.FULL):
        after = row(claim, store, tier).verdict
        assert replace(after, tier="standard") == before


def test_a_report_never_decides_such_a_claim_at_the_full_level(store):
    # At 20 pairs the full level would settle it, the third look's doesn't.
    zones = replace(plain, null=0.05)
    for seed in itertools.count():
        x = np.random.default_rng(seed).normal(0.0, 1.0, 20)
        x = x - x.mean() + 1.15
        at_once = settle(measure(x[None], family), zones, symmetric=True)[0]
        looked = settle(measure(x[None], sequential.levels(family)[2]), zones, symmetric=True)[0]
        if words[at_once] not in open_words and words[looked] in open_words:
            break
    claim = a_claim(0.0, form=Quality(metric="score", zones=zones, symmetry="test"))

    def fill(where):
        for trial, value in zip(over(claim, range(20)).flat, x, strict=True):
            made = execute(trial)
            first, second = made.metrics
            given = ({**first, "score": 0.0}, {**second, "score": float(value)})
            where.add(replace(made, metrics=given))

    fixed = Store.open(store.folder.parent / "fixed", create=True)
    fill(fixed)
    assert row(claim, fixed).verdict.verdict is words[at_once]
    spending.declare([claim], store)
    fill(store)
    found = row(claim, store).verdict
    assert found.verdict is words[looked]
    assert "at look 3 of 4 (20 pairs" in found.reason
    assert "the next at 32" in found.reason


def test_the_quick_tier_shows_an_estimate_as_ever(store):
    claim = a_claim(3.0)
    spending.declare([claim], store)
    run_all(store, claim, range(3))
    found = row(claim, store, Tier.QUICK)
    assert found.verdict.verdict is Word.INCONCLUSIVE
    assert "quick tier" in found.verdict.reason


def test_the_likeliest_to_settle_for_its_cost_goes_first(store):
    likely = a_claim(3.0, assumed=Assumed(sd=0.3, reason="test"))
    other = {"name": "deep-supervision", "settings": {"effects": [0.0, 2.0], "noise": 0.9}}
    unlikely = a_claim(2.0, assumed=Assumed(sd=30.0, reason="test"), **other)
    log = []
    spending.declare([unlikely, likely], store)
    spending.spend([unlikely, likely], store, runner(store, log), lambda: 1e9)
    assert [entry[0] for entry in log][:3] == ["refinement-quality"] * 3
    assert "deep-supervision" in [entry[0] for entry in log]


def test_nothing_is_begun_without_budget(store):
    claim = a_claim(3.0)
    spending.declare([claim], store)
    spending.spend([claim], store, lambda _: pytest.fail("begun"), lambda: 0.0)


def test_a_run_that_fails_is_not_tried_for_ever(store):
    claim = a_claim(3.0, workload="tiny_workloads.jobs:fail")
    spending.declare([claim], store)
    log = []
    spending.spend([claim], store, runner(store, log), lambda: 1e9)
    assert len(log) == 1
    assert row(claim, store).verdict.verdict is Word.INVALID


def test_a_pair_without_a_contrast_stops_a_claim_and_turns_into_no_word(store):
    claim = a_claim(3.0)
    spending.declare([claim], store)

    def run(batch):
        for trial in batch.trials:
            made = execute(trial)
            if trial.seed == 4:
                spoilt = ({**made.metrics[0], "score": float("nan")}, made.metrics[1])
                made = replace(made, metrics=spoilt)
            store.add(made)

    spending.spend([claim], store, run, lambda: 1e9)
    found = row(claim, store)
    assert found.verdict.verdict is Word.INCONCLUSIVE
    assert "stopped at look 1 of 4" in found.verdict.reason
    assert "1 of 12 pairs have no finite contrast" in found.verdict.reason


@pytest.mark.parametrize(("effect", "word"), [(3.0, Word.CONFIRMED), (0.0, Word.NO_EFFECT)])
def test_equal_contrasts_are_settled_by_the_first_look_that_may(effect, word, store):
    claim = a_claim(effect, noise=0.0)
    spending.declare([claim], store)
    spending.spend([claim], store, runner(store), lambda: 1e9)
    found = row(claim, store).verdict
    assert (found.verdict, found.n) == (word, 20)


def test_only_trained_claims_with_enough_seeds_are_looked_at():
    assert spending.looks_at(a_claim(1.0))
    (cheap,) = claims.choose(["metarl-gradient-variance"])
    (exact,) = claims.choose(["halt-max"])
    assert not any(map(spending.looks_at, (cheap, exact)))
    few = dict.fromkeys(TRAINED, 20)
    assert not spending.looks_at(a_claim(1.0, seeds=few))


def test_a_claim_whose_standard_tier_is_complete_was_decided_at_once(store):
    claim = a_claim(3.0)
    run_all(store, claim, range(19))
    assert not spending.is_decided(claim, store, "cpu")
    run_all(store, claim, range(19, 20))
    assert spending.is_decided(claim, store, "cpu")


# -- the design in the store ----------------------------------------------------------------------
def test_a_design_is_written_once_and_read_again(store):
    claim = a_claim(1.0)
    assert store.design(claim.id) is None
    spending.declare([claim], store)
    found = Store.open(store.folder).design(claim.id)
    assert (found.claim, found.looks) == (claim.id, looks)
    spending.declare([claim], store)
    assert store.design(claim.id) == found


def test_a_design_of_other_looks_or_a_spoilt_one_is_refused(store):
    claim = a_claim(1.0)
    store.declare(Design(claim=claim.id, looks=(5, 10), declared="", commit=None))
    with pytest.raises(UserError, match=r"looked at with \[5, 10\] pairs"):
        row(claim, store)
    (path,) = store.folder.glob("designs/*.json")
    path.write_text("{")
    with pytest.raises(UserError, match="nobody knows how often"):
        row(claim, store)


# -- the command line -----------------------------------------------------------------------------
@pytest.fixture
def ablations(capsys, tmp_path):
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([*map(str, arguments), "--store", str(tmp_path / "cli")])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


@pytest.fixture
def specs(monkeypatch):
    """Make these the claims that there are."""

    def set_(*made):
        monkeypatch.setattr(claims, "specs", lambda: made)
        monkeypatch.setattr("ablations.family.problems", lambda *_: iter(()))
        return made

    return set_


def test_until_decided_runs_what_it_takes_and_resumes(ablations, specs, tmp_path):
    (claim,) = specs(a_claim(3.0))
    command = ("run", "--until-decided", "--budget", "10min", "--jobs", 1, "--json")
    status, out, err = ablations(*command)
    assert status == 0, err
    data = json.loads(out)
    assert data["looks"] == [{"id": claim.id, "look": 3, "pairs": 20, "stopped": True}]
    assert (data["tier"], data["trials"], data["run"], data["left"]) == ("full", 20, 20, 0)
    assert "to look 1, with 12 pairs; " in err and "of the budget are left" in err
    status, out, _ = ablations(*command)
    again = json.loads(out)
    assert (status, again["run"], again["stored_before"]) == (0, 0, 20)
    status, out, _ = ablations("verdicts", "--tier", "standard", "--json")
    assert json.loads(out)[0]["verdict"] == "CONFIRMED"


def test_a_budget_that_ends_keeps_what_is_done_and_the_same_command_goes_on(ablations, specs):
    specs(a_claim(3.0, cost=100.0))
    command = ("run", "--until-decided", "--jobs", 1, "--json")
    status, out, _ = ablations(*command, "--budget", "30s")
    data = json.loads(out)
    assert (status, data["run"]) == (0, 0), "each run is expected to take longer"
    assert data["looks"][0]["look"] == 0
    status, out, _ = ablations(*command)
    assert json.loads(out)["looks"][0]["stopped"]


@pytest.fixture
def uninterrupted(ablations, specs, tmp_path):
    """The looks and the verdict of a claim whose pairs come without a break."""
    specs(a_claim(3.0))
    status, out, _ = ablations("run", "--until-decided", "--jobs", 1, "--json")
    assert status == 0
    decided = verdict_of(ablations)
    (tmp_path / "cli").rename(tmp_path / "uninterrupted")
    return json.loads(out)["looks"], decided


def verdict_of(ablations):
    status, out, _ = ablations("verdicts", "--tier", "full", "--json")
    assert status == 0
    (found,) = json.loads(out)
    assert found["verdict"] == "CONFIRMED" and "look 3 of 4 (20 pairs, level" in found["reason"]
    return found


def records(tmp_path):
    return {path.name for path in (tmp_path / "cli").glob("runs/*/*.json")}


@pytest.mark.parametrize(("at", "look"), [(5, 1), (12, 2), (19, 3)])
def test_after_an_interrupt_the_same_command_goes_on_at_the_same_look(
    at, look, uninterrupted, ablations, specs, tmp_path
):
    once = {"once": str(tmp_path / "once"), "at": at}
    claim = a_claim(3.0, workload="tiny_workloads.jobs:noisy_and_interrupted")
    specs(replace(claim, settings={**claim.settings, **once}))
    command = ("run", "--until-decided", "--budget", "1h", "--jobs", 1, "--json")
    status, out, err = ablations(*command)
    assert (status, out) == (130, "")
    assert err.splitlines()[-1].endswith("finished runs are stored, the same command resumes")
    kept = records(tmp_path)
    assert len(kept) == at
    status, out, err = ablations(*command)
    data = json.loads(out)
    assert f"to look {look}, with {looks[look - 1]} pairs" in err.splitlines()[0]
    assert (status, data["stored_before"], data["run"], data["left"]) == (0, at, 20 - at, 0)
    assert (data["looks"], verdict_of(ablations)) == uninterrupted
    assert kept < records(tmp_path)


@pytest.mark.parametrize("stored", [5, 14])
def test_a_budget_that_ends_within_a_look_leaves_the_rest_of_it(
    stored, uninterrupted, ablations, specs, tmp_path, monkeypatch
):
    specs(a_claim(3.0))
    command = ("run", "--until-decided", "--budget", "1h", "--jobs", 1, "--json")
    reached = sum(n <= stored for n in looks)
    with monkeypatch.context() as patch:
        spent = lambda _: 0.0 if len(records(tmp_path)) >= stored else 3600.0  # noqa: E731
        patch.setattr("ablations.cli.running._Budget.left", spent)
        status, out, _ = ablations(*command)
    data, next_look = json.loads(out), looks[reached]
    assert (status, data["run"], data["left"]) == (0, stored, next_look - stored)
    assert not data["looks"][0]["stopped"]
    assert data["looks"][0]["look"] == reached
    kept = records(tmp_path)
    status, out, _ = ablations(*command)
    data = json.loads(out)
    assert (status, data["stored_before"], data["run"], data["left"]) == (0, stored, 20 - stored, 0)
    assert (data["looks"], verdict_of(ablations)) == uninterrupted
    assert kept < records(tmp_path)


def test_a_budget_holds_for_a_tier_too(ablations, specs):
    specs(a_claim(3.0, cost=100.0))
    status, out, _ = ablations("run", "--tier", "quick", "--budget", "30s", "--jobs", 1, "--json")
    data = json.loads(out)
    assert (status, data["trials"], data["run"], data["left"]) == (0, 3, 0, 3)


def test_a_claim_that_was_decided_at_once_is_left_alone(ablations, specs, tmp_path):
    (claim,) = specs(a_claim(3.0))
    run_all(Store.open(tmp_path / "cli", create=True), claim, range(20))
    status, out, err = ablations("run", "--until-decided", "--jobs", 1, "--json")
    assert status == 0
    assert json.loads(out)["looks"] == []
    assert "was decided at once" in err
    assert Store.open(tmp_path / "cli").design(claim.id) is None


def test_a_tier_is_refused_beside_looks(ablations, specs):
    specs(a_claim(3.0))
    status, out, err = ablations("run", "--until-decided", "--tier", "standard")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "leave --tier out" in err


@pytest.mark.parametrize("budget", ["2", "h", "0s", "-1h", "2 days", "1e3s"])
def test_a_budget_that_is_no_time_is_refused(budget, ablations):
    status, _, err = ablations("run", f"--budget={budget}")
    assert status == 2
    assert "90s, 30min or 2h" in err


# -- refusals -------------------------------------------------------------------------------------
def test_a_plan_that_can_decide_nothing_is_refused_unless_anyway(ablations, specs):
    (claim,) = specs(a_claim(3.0, assumed=Assumed(sd=3.0, reason="test")))
    command = ("run", "--tier", "standard", "--jobs", 1)
    status, out, err = ablations(*command)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert claim.id in err and "seeds could" in err and "--anyway" in err
    status, out, _ = ablations("plan", "--tier", "standard", "--json")
    (planned,) = json.loads(out)["claims"]
    assert planned["plan"]["refusal"] and planned["plan"]["could"] > 20
    assert not planned["decides"]
    assert ablations(*command, "--anyway")[0] == 0
    status, out, _ = ablations("run", "--tier", "quick", "--jobs", 1)
    assert status == 0, "the quick tier shows estimates, and refuses nothing"


def test_one_refused_plan_leaves_the_others(ablations, specs):
    good = a_claim(3.0, name="deep-supervision")
    bad = a_claim(3.0, assumed=Assumed(sd=3.0, reason="test"), seeds=dict.fromkeys(Tier, 13))
    specs(bad, good)
    status, out, err = ablations("run", "--tier", "standard", "--jobs", 1, "--json")
    data = json.loads(out)
    assert status == 0
    assert [r["id"] for r in data["refused"]] == [bad.id]
    assert data["refused"][0]["seeds"] > 13
    assert f"refused: {bad.id}" in err
    assert data["run"] == 20


def test_pilots_are_run_on_demand_and_give_the_spread(ablations, specs, tmp_path):
    (claim,) = specs(a_claim(3.0))
    status, out, _ = ablations("plan", "--probe", "--json", "--jobs", 1)
    (probed,) = json.loads(out)["claims"]
    assert (status, probed["cost_source"], probed["plan"]["sd"]) == (0, "a probe", None)
    status, out, _ = ablations("plan", "--pilot", "--json", "--jobs", 1)
    (piloted,) = json.loads(out)["claims"]
    assert piloted["plan"]["source"] == "5 pilot pairs"
    assert piloted["stored"] == 0
    assert row(claim, Store.open(tmp_path / "cli")).verdict.verdict is Word.NOT_RUN
    status, out, _ = ablations("plan", "--tier", "standard")
    assert status == 0
    assert "probe" in " ".join(out.split())


def test_a_family_that_is_out_of_step_is_refused(ablations, specs, monkeypatch):
    specs(a_claim(3.0))
    monkeypatch.setattr("ablations.family.problems", lambda *_: iter(["claim 'x' has no member"]))
    for command in ("plan", "run", "verdicts"):
        status, out, err = ablations(command)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "family.json" in err and "claim 'x' has no member" in err
