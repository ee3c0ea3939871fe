"""Reports: exact and external claims, controls, the family, and equal bytes."""

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import pytest

from ablations.claims.ledger import Entry
from ablations.judging import timing
from ablations.judging.controls import passed
from ablations.judging.report import report, versions_seen
from ablations.records.checks import Check, Equal
from ablations.records.rows import SCHEMA, Report
from ablations.rule import Word
from ablations.specs.claim import CONTROLS, External, Tier
from ablations.specs.protocols import Execute
from ablations.specs.tests import Difference

SIZED = Difference(null=0.1, because="made up")


def fill_checks(lab, claim, *checks, status=None):
    memory = lab.Memory()
    found = [{"checks": [check.to_json() for check in checks]}]
    return memory.fill(claim, [(status or found[0],)])


def check(holds, what="rows"):
    return Equal(what, expected=7, observed=7 if holds else 8)


def test_an_exact_claim_is_exact_or_a_mismatch_with_both_values(lab):
    claim = lab.exact()
    row = lab.row(claim, fill_checks(lab, claim, check(True), check(True, "bytes")))
    assert row.verdict.verdict is Word.EXACT
    assert row.verdict.settled
    assert row.verdict.reason.startswith("2 of 2 checks agree; rows: documented 7, observed 7")
    assert row.verdict.estimate is None
    row = lab.row(claim, fill_checks(lab, claim, check(True), check(False, "bytes")))
    assert row.verdict.verdict is Word.MISMATCH
    assert row.verdict.reason == "1 of 2 checks differ: bytes: documented 7, observed 8 (equal)"


def test_checks_that_are_only_shown_decide_nothing(lab):
    claim = lab.exact()
    shown = Check(what="x", documented="1", observed="2", holds=False, rule="equal", primary=False)
    row = lab.row(claim, fill_checks(lab, claim, check(True), shown))
    assert row.verdict.verdict is Word.EXACT
    assert len(row.checks) == 2
    row = lab.row(claim, fill_checks(lab, claim, shown))
    assert (row.verdict.verdict, row.verdict.reason) == (Word.INVALID, "nothing was compared")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"checks": [{"what": "x"}]}, "its checks can't be read"),
        ({"checks": "text"}, "its checks can't be read"),
        ({"other": 1}, "its checks can't be read"),
    ],
)
def test_malformed_checks_are_one_named_fault(lab, found, said):
    claim = lab.exact()
    row = lab.row(claim, lab.Memory().fill(claim, [(found,)]))
    assert row.verdict.verdict is Word.INVALID
    assert said in row.verdict.reason


def test_an_exact_claim_without_an_outcome_is_invalid_or_not_run(lab):
    claim = lab.exact()
    for status, word in (
        (lab.Status.FAILED, Word.INVALID),
        (lab.Status.TIMED_OUT, Word.INVALID),
        (lab.Status.DIED, Word.NOT_RUN),
        ("gone", Word.INVALID),
        (None, Word.NOT_RUN),
    ):
        row = lab.row(claim, lab.Memory().fill(claim, [(status,)]))
        assert row.verdict.verdict is word, status


def test_an_external_claim_says_what_it_needs(lab):
    claim = External(id="large", reading="too large", needs="900 GPU hours", command="train.py")
    row = lab.row(claim, lab.Memory())
    assert row.verdict.verdict is Word.NOT_RUN
    assert row.verdict.reason == "it needs 900 GPU hours; `train.py` would run it"


# -- controls -------------------------------------------------------------------------------------
def control(lab, *, planted="", expected=Word.NO_EFFECT):
    apart = lab.replace(lab.COUNT, batch=64)  # so that the claim's runs aren't its own
    return SimpleNamespace(
        claim=lab.statistical(SIZED, name="controls/equal", protocol=apart, schedule=CONTROLS),
        planted=planted,
        expected=expected,
        entry=Entry(id="controls/equal", document="controls", claim="Equal is found equal."),
        guards=lambda claim: claim.id == "claim",
    )


@pytest.mark.parametrize(
    ("expected", "word", "passes"),
    [
        (Word.NO_EFFECT, Word.NO_EFFECT, True),
        (Word.NO_EFFECT, Word.INCONCLUSIVE, None),
        (Word.NO_EFFECT, Word.NO_GAIN, True),
        (Word.NO_EFFECT, Word.DIRECTION_ONLY, False),
        (Word.NO_EFFECT, Word.CONTRADICTED, False),
        (Word.CONFIRMED, Word.CONFIRMED, True),
        (Word.CONFIRMED, Word.DIRECTION_ONLY, None),
        (Word.CONFIRMED, Word.NO_EFFECT, False),
        (Word.CONFIRMED, Word.SPLIT, False),
        (Word.CONFIRMED, Word.INVALID, False),
        (Word.CONTRADICTED, Word.CONTRADICTED, True),
        (Word.CONTRADICTED, Word.CONFIRMED, False),
        (Word.CONTRADICTED, Word.NOT_RUN, None),
    ],
)
def test_a_control_passes_fails_or_is_undecided_by_its_word(expected, word, passes):
    assert passed(expected, word) is passes


def test_a_control_whose_times_drift_is_undecided_and_one_with_another_fault_failed():
    drift = timing.drift([0.01 * i for i in range(16)])
    assert passed(Word.NO_EFFECT, Word.INVALID, [drift]) is None
    assert passed(Word.NO_EFFECT, Word.INVALID, [drift, "equal code differs"]) is False
    assert passed(Word.NO_EFFECT, Word.CONTRADICTED, [drift]) is False


def judged(lab, rows):
    claim, other, guard = lab.statistical(SIZED), lab.statistical(SIZED, name="other"), control(lab)
    memory = lab.Memory().fill(claim, lab.pairs([0.4] * 26))
    memory.fill(guard.claim, rows)
    # the other claim has the same cells, so the same runs
    found = lab.made([claim, other], memory, controls=[guard])
    return found, *(row.verdict for row in found.rows)


def test_a_failed_control_makes_what_it_guards_invalid(lab):
    found, guarded, other = judged(lab, lab.pairs([0.4] * 26))
    assert guarded.verdict is Word.INVALID
    assert not guarded.settled
    assert "control controls/equal failed: it is CONFIRMED rather than NO EFFECT" in guarded.reason
    assert "by itself CONFIRMED" in guarded.reason
    assert other.verdict is Word.CONFIRMED
    assert found.controls[0].passed is False
    assert found.controls[0].claims == ("claim",)
    assert found.rows[0].controls == ("controls/equal",)


def test_controls_take_nothing_away_before_there_is_a_word(lab):
    claim, guard = lab.statistical(SIZED), control(lab)
    memory = lab.Memory().fill(claim, lab.pairs([0.4] * 10))
    memory.fill(guard.claim, lab.pairs([0.4] * 26))
    found = lab.made([claim], memory, controls=[guard])
    assert found.controls[0].passed is False
    assert found.rows[0].verdict.verdict is Word.INCONCLUSIVE
    assert found.rows[0].verdict.reason == found.rows[0].verdict.sentence


def test_a_claim_stays_open_while_its_control_is_undecided(lab):
    found, guarded, other = judged(lab, lab.pairs(lab.spread(-0.6, 0.6)))
    assert found.controls[0].passed is None
    assert guarded.verdict is Word.INCONCLUSIVE
    assert not guarded.settled
    assert "control controls/equal is undecided: it is INCONCLUSIVE, in " in guarded.reason
    assert "by itself CONFIRMED" in guarded.reason
    assert other.verdict is Word.CONFIRMED


@dataclass(frozen=True, kw_only=True)
class Alone(Execute):
    alone: ClassVar[bool] = True


def test_a_claim_stays_open_where_its_control_drifts(lab):
    claim, guard = lab.statistical(SIZED), control(lab)
    guard.claim = lab.statistical(
        SIZED, name="controls/equal", protocol=Alone(after=None), schedule=CONTROLS
    )
    memory = lab.Memory().fill(claim, lab.pairs([0.4] * 26))
    memory.fill(guard.claim, lab.pairs([0.01 * i - 0.1 for i in range(26)]))
    found = lab.made([claim], memory, controls=[guard])
    assert found.controls[0].passed is None
    guarded = found.rows[0].verdict
    assert guarded.verdict is Word.INCONCLUSIVE
    assert not guarded.settled
    assert "control controls/equal is undecided: contrasts drift" in guarded.reason


def test_a_claim_isn_t_decided_before_its_control_is_run(lab):
    _, guarded, other = judged(lab, lab.pairs([0.0] * 10))
    assert guarded.verdict is Word.INCONCLUSIVE
    assert not guarded.settled
    assert "control controls/equal has 20 of 52 runs" in guarded.reason
    assert "by itself CONFIRMED" in guarded.reason
    assert other.verdict is Word.CONFIRMED


def test_a_control_that_passed_early_is_run(lab):
    rows = lab.pairs(lab.spread(-0.05, 0.05, 16))
    found, guarded, _ = judged(lab, rows)
    assert found.controls[0].passed is True
    assert guarded.verdict is Word.CONFIRMED


# -- the whole ------------------------------------------------------------------------------------
def test_a_report_counts_words_groups_and_the_family_s_fates(lab):
    up = lab.statistical(SIZED, name="up")
    absent = lab.statistical(SIZED, name="absent", labels=("v", "w"), protocol=lab.TRAIN)
    memory = lab.Memory().fill(up, lab.pairs([0.4] * 26))
    found = lab.made(
        [up, absent],
        memory,
        members={"a": ("up",), "b": ("absent",), "c": ("nowhere",), "d": ("up", "absent")},
    )
    assert found.tally == {"CONFIRMED": 1, "NOT RUN": 1}
    assert found.groups == {"holds": 1, "partly": 0, "fails": 0, "open": 1}
    assert found.family.to_json() == {
        "members": 4,
        "holds": 2,
        "partly": 0,
        "fails": 0,
        "open": 0,
        "not_run": 1,
        "without_spec": 1,
    }
    assert found.runs == 52
    assert found.looks["26"] == 3


def test_a_record_is_looked_up_once_whatever_reads_it(lab):
    claim = lab.statistical(SIZED)
    memory = lab.Memory().fill(claim, lab.pairs(lab.spread(0.3, 0.5)))
    desk = lab.desk(memory)
    versions_seen([claim], desk)
    report([claim], desk, lab.claim_set([claim]))
    assert memory.read == len(memory.results) == 2 * 26


def test_equal_stores_give_equal_bytes_which_are_strict_json(lab):
    claim, other = lab.statistical(SIZED), lab.exact()
    rows = lab.pairs(lab.spread(0.2, 0.6))
    rows[4] = (lab.Status.DIVERGED, 1.0)
    rows[5] = ("gone", 1.0)

    def text():
        memory = lab.Memory().fill(claim, rows)
        memory.fill(other, [({"checks": [check(True).to_json()]},)])
        return json.dumps(lab.made([claim, other], memory).to_json(), allow_nan=False)

    assert text() == text()
    again = Report.from_json(json.loads(text()))
    assert json.dumps(again.to_json()) == text()
    assert again.schema == SCHEMA


def test_the_documented_keys_of_a_verdict_are_stable(lab):
    claim = lab.statistical(SIZED)
    keys = list(lab.row(claim, lab.Memory()).verdict.to_json())
    assert keys == [
        "id", "document", "section", "form", "documented", "estimate", "low", "high", "n", "tier",
        "verdict", "reason", "group", "look", "exceptions", "sentence", "settled",
    ]  # fmt: skip


def test_a_tier_reads_no_pairs_beyond_its_own(lab):
    claim = lab.statistical(Difference(null=0.1, because="made up"))
    memory = lab.Memory().fill(claim, lab.pairs(lab.spread(-0.6, 0.6, 60)))
    assert lab.row(claim, memory, Tier.STANDARD).verdict.n == 26
    assert lab.row(claim, memory, Tier.FULL).verdict.n == 60
