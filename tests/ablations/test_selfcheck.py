"""Known truths through the whole pipeline: how they are counted, and a few of them for real."""

import json
import tempfile
from dataclasses import replace

import pytest
from ablations.fingerprint import fingerprint
from ablations.runner import execute
from ablations.store import Store
from scipy import stats

from ablations import calibration, selfcheck
from ablations.cli import main


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(calibration, "flag", lambda *_, **__: "")


@pytest.fixture
def made(tmp_path):
    """Judge cases with made-up scores: by case, the second arm's and its spoilt one's."""

    def judged(number, second, planted):
        store = Store.open(tmp_path / "store", create=True)
        every = selfcheck.cases(number)
        like = execute(every[0].equal.flat[0])
        for i, case in enumerate(every):
            for j, trial in enumerate(case.equal.flat):
                wobble = 1 + 0.01 * (j % 5 - 2)
                metrics = (
                    {"score": 0.5, "planted_score": 0.5},
                    {"score": second(i) * wobble, "planted_score": planted(i) * wobble},
                )
                given = {"trial": trial, "fingerprint": fingerprint(trial), "metrics": metrics}
                store.add(replace(like, **given, attempt=f"{i}-{j}"))
        return selfcheck.judge(every, store)

    return judged


def test_cases_share_no_seed_and_both_claims_of_one_share_every_run():
    every = selfcheck.cases(4)
    for case in every:
        assert case.equal.flat == case.planted.flat
    seeds = [trial.seed for case in every for trial in case.equal.flat]
    assert len(set(seeds)) == len(seeds) == 4 * selfcheck.pairs
    apart = every[0].equal.claim.settings["apart"]
    assert apart > max(seeds), "the second arms' seeds are others"


@pytest.mark.parametrize(("number", "alpha"), [(59, 0.05 / 79), (1000, 0.01), (1, 0.5), (20, 0.05)])
def test_as_many_false_words_are_allowed_as_the_level_lets_come(number, alpha):
    most = selfcheck.allowed(number, alpha)
    assert stats.binom.sf(most, number, alpha) <= 0.05
    assert most == 0 or stats.binom.sf(most - 1, number, alpha) > 0.05


def test_equal_arms_and_planted_effects_that_are_found_pass(made):
    found = made(2, lambda _: 0.5, lambda _: 0.2)
    assert (found["equal"], found["planted"]) == ({"NO EFFECT": 2}, {"CONFIRMED": 2})
    assert (found["false"], found["wrong"], found["found"], found["passed"]) == (0, 0, 2, True)
    assert found["smallest"] == pytest.approx(0.4, rel=0.01)


def test_one_pair_of_equal_arms_that_differs_is_one_too_many(made):
    found = made(2, lambda i: 0.5 + 0.3 * i, lambda _: 0.2)
    assert found["false"] == 1
    assert not found["passed"]


@pytest.mark.parametrize("planted", [0.5, 0.05])
def test_a_planted_effect_of_another_size_does_not_pass(planted, made):
    found = made(2, lambda _: 0.5, lambda _: planted)
    assert found["wrong"] == 2
    assert not found["passed"]


@pytest.mark.slow
def test_a_few_known_truths_go_through_the_whole_pipeline(tmp_path, capsys):
    command = ["selfcheck", "--cases", "2", "--jobs", "1", "--store", str(tmp_path / "s"), "--json"]
    with pytest.raises(SystemExit) as ended:
        main([*command, "--docs", str(tmp_path / "docs.md")])
    found = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert (found["false"], found["wrong"]) == (0, 0)
    assert found["found"] >= 1
    assert "2 cases, each 20 pairs" in (tmp_path / "docs.md").read_text("utf-8")
