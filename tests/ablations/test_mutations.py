"""The tests of what surrounds the rule are tested: what is broken on purpose, a test notices.

Broken are the ways in which a harness flatters its claims: runs that are left out, sides that are
exchanged, controls and records that nobody looks at. The rule has its own mutants beside it.
"""

import ast

import pytest

from tests.ablations.mutants import found, mutated, noticed, replaced, source

CASES = ("judging/test_case.py",)
CELLS = ("judging/test_cells.py",)
REPORTS = ("judging/test_report.py",)
TIMES = ("judging/test_timing.py",)
GARDEN = ("judging/test_garden.py",)
METRICS = ("metrics/test_scores.py", "metrics/test_curves.py", "metrics/test_ladder.py")
STORE = ("runs/test_store.py",)
JOURNAL = ("runs/test_journal.py",)
KEPT = ("evidence/test_kept.py",)

JUDGING = [
    # Runs that are unknown, diverged, or not there, taken for none.
    ("judging.cells.value_of", "if run.lost:", "if False:", CASES),
    ("judging.cells.value_of", "metric.of_diverged()", "UNKNOWN", CASES),
    ("judging.cells.value_of", "abs(end) > LARGEST", "False", CASES),
    ("judging.cells.value_of", "if not low <= high or absurd", "if absurd", CASES),
    ("judging.cells.gather", "break", "continue", CASES),
    ("judging.cells.gather", "*_failed(rows),", "", CASES),
    ("judging.cells._pair", "if fault), *wrong)", "if fault),)", CASES),
    ("judging.cells.Reader._find", "self.runs.unknown(key) or", "", CELLS),
    ("judging.cells.Reader._find", "lost and (", "(", CELLS),
    ("judging.cells.Reader._find", "result is None or not", "not", CELLS),
    ("judging.cells.Reader._find", "or self._cut_off(trial)", "", CELLS),
    ("judging.cells.Reader._cut_off", "(lost and killed)", "lost", CELLS),
    ("judging.cells.Reader._cut_off", "(lost and killed)", "killed", CELLS),
    ("judging.cells.Reader._cut_off", "or self._cut_off(parent)", "", CELLS),
    ("judging.cells.Reader._of_parent", "Status.DIED if self._cut_off(trial) else", "", CELLS),
    ("judging.cells.Reader._of_parent", "if status in _fatal:", "if True:", CASES),
    ("judging.cells.Reader._of_parent", "if status in _fatal:", "if False:", CASES),
    # Sides and failures exchanged, means dropped: nothing is SPLIT any more.
    ("judging.case.oriented", "x.low * zones.sign, x.high * zones.sign", "x.low, x.high", CASES),
    ("judging.case.oriented", "x.mean * zones.sign", "x.mean", CASES),
    ("judging.case.oriented", "mean_value=[x.mean * zones.sign for x in contrasts],", "", CASES),
    (
        "judging.case.oriented",
        "[_sides(x, test, zones) for x in contrasts] if contrasts else None",
        "None",
        CASES,
    ),
    (
        "judging.case._sides",
        "any(p > 0 for p in pushes), any(p < 0 for p in pushes)",
        "any(p < 0 for p in pushes), any(p > 0 for p in pushes)",
        CASES,
    ),
    ("judging.case._sides", "weight * zones.sign", "weight", CASES),
    ("judging.case._sides", "1 if value.high == math.inf else -1", "-1", CASES),
    ("judging.case._sides", "return False, any(contrast.failed)", "pass", CASES),
    # Faults, skill and controls ignored.
    ("judging.case.Case.word", "self.faults or", "", CASES),
    ("judging.case.Case.settled", "and not self.faults", "", CASES),
    ("judging.case.judged", "faults += objections.unskilled(skill)", "pass", CASES),
    ("judging.case.judged", "pairs[: verdicts[0].look or len(pairs)]", "pairs", CASES),
    ("judging.faults.skills", "cell.label not in claim.unskilled", "True", CASES),
    ("judging.faults.skills", "max(spread, boards) / math.sqrt(len(margins))", "boards", CASES),
    ("judging.faults.unskilled", "one.needed and not one.passed", "False", CASES),
    ("judging.faults.shared_end", "first and all(end == first for end in ends)", "False", CASES),
    ("judging.faults.shared_end", "all(value.failed for", "all(False for", CASES),
    ("judging.faults._margin", "return 0.0, 0.0", "return 1.0, 0.0", CASES),
    ("judging.faults.unsteady", "sorted(pairs, key=_started)", "pairs", TIMES),
    ("judging.row._guarded", "if failed:", "if False:", REPORTS),
    ("judging.row._guarded", "if undecided and group", "if False and group", REPORTS),
    ("judging.controls.passed", "if word in _passes[expected]", "if True", REPORTS),
    ("judging.controls.passed", "all(map(timing.drifts, faults))", "False", REPORTS),
    ("judging.controls.undecided", "row.stored < row.planned", "False", REPORTS),
    ("judging.controls.undecided", "control.passed is None", "False", REPORTS),
    ("judging.timing.most_lag", "max(MOST_LAG, ", "min(MOST_LAG, ", TIMES),
    ("judging.timing.most_lag", "ALARM / SERIES", "ALARM", TIMES),
    ("judging.garden.add", "one not in set(known)", "False", GARDEN),
]
METRIC = [
    (
        "metrics.base.Metric.worst",
        "if self.higher_is_better",
        "if not self.higher_is_better",
        METRICS,
    ),
    ("metrics.value.number", "if math.isnan(value)", "if False", METRICS),
    ("metrics.value.beyond", "failed=True", "failed=False", METRICS),
    ("metrics.value.beyond", "high=math.inf", "high=cap", METRICS),
    ("metrics.value.diverged", "if higher_is_better else", "if not higher_is_better else", METRICS),
    ("metrics.value.diverged", "failed=True", "failed=False", METRICS),
    ("metrics.scores.skill", "own - trivial", "own", METRICS),
    ("metrics.scores.skill", 'error=margin["error"]', "error=0.0", METRICS),
    ("metrics.scores.Skill.shown", "ERRORS * self.error", "self.error", METRICS),
    ("metrics.scores.chosen", "<= stratum[1]", "< stratum[1]", METRICS),
    ("metrics.curves.Arrival.read", "if at <= self.cap else beyond(self.cap)", "", METRICS),
    (
        "metrics.curves.Arrival.read",
        "averaged(self._curve(found)[counted > 0], self.smooth)",
        "self._curve(found)[counted > 0]",
        METRICS,
    ),
    ("metrics.curves.Arrival.read", "not np.isfinite(scores).all() or", "", METRICS),
]
RUNS = [
    ("runs.store.Store._standing", "min(over, default=None)", "max(over, default=None)", STORE),
    ("runs.store.Store._standing", "else e.fault)", "else False)", STORE),
    (
        "runs.store.Store.unknown",
        "bool(self._entries[fingerprint][standing].fault)",
        "False",
        STORE,
    ),
    (
        "runs.store.Store._compare",
        "entry.fault or OTHER * (entry.digest != digest)",
        "entry.fault",
        STORE,
    ),
    ("runs.store.Store._examine", "result.sidecar is not None", "False", STORE),
    ("runs.store.Store.read", "(result.fingerprint, result.attempt) != key", "False", STORE),
    ("runs.store.Store.add", "self.journal.append([_line(key, entry)])", "[]", STORE),
    ("runs.journal.Journal.verify", 'entry.get("previous") != previous', "False", JOURNAL),
    ("evidence.kept.Evidence.open", 'said.get("head") != journal.head', "False", KEPT),
    ("runs.journal.Journal.append", '"previous": previous, ', "", JOURNAL),
    ("runs.journal.Journal.append", "file.truncate(end)\n        try", "try", JOURNAL),
]
MUTANTS = [*JUDGING, *METRIC, *RUNS]


@pytest.mark.slow
def test_what_is_not_broken_is_not_noticed():
    same = found("judging.cells.gather")
    with mutated(same, ast.parse(source(same))):
        assert not noticed(
            *CASES, *CELLS, *REPORTS, *TIMES, *GARDEN, *METRICS, *STORE, *JOURNAL, *KEPT
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "old", "new", "tests"), MUTANTS, ids=[f"{m[0]}: {m[1]}" for m in MUTANTS]
)
def test_nothing_that_flatters_a_claim_goes_unnoticed(name, old, new, tests):
    with mutated(found(name), replaced(name, old, new)):
        assert noticed(*tests)
