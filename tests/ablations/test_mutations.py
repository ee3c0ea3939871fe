"""The checks are checked: a rule that is broken on purpose makes a named quick test fail.

Each mutant is one changed function, compiled into its module for as long as pytest runs the tests
that should notice, in this process. A mutant that no test notices fails here.
"""

import ast
import contextlib
import copy
import functools
import importlib
import inspect
import io
import sys
import textwrap
from pathlib import Path

import pytest

from ablations import verdict

HERE = Path(__file__).parent
STRICTER = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
TURNED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
ZONES = (
    "test_verdict.py::test_an_interval_on_either_side_of_each_edge_gives_the_word_of_its_zone",
    (
        "test_verdict.py::"
        "test_an_interval_that_ends_on_an_edge_to_the_last_bit_is_decided_as_documented"
    ),
    "test_verdict.py::test_zero_is_not_excluded_by_an_interval_that_ends_on_it",
    "test_verdict.py::test_a_claim_that_nothing_is_lost_reads_the_near_bound_against_its_margin",
    "test_verdict.py::test_a_margin_that_is_met_to_the_last_bit_is_not_beyond",
)
AIMS = (
    "test_verdict.py::test_a_plan_aims_at_half_the_band_or_else_at_the_null_zone",
    "test_verdict.py::test_a_documented_range_with_equal_ends_is_met_by_equal_contrasts_alone",
)
GUARDS = (
    "test_verdict.py::test_a_word_that_excludes_zero_needs_the_sign_flips_at_the_same_level",
    "test_verdict.py::test_no_effect_needs_the_sign_flips_about_both_edges_of_the_null_zone",
    "test_verdict.py::test_a_margin_is_guarded_by_the_sign_flips_about_it",
)
WITHHELD = (
    "test_verdict.py::test_below_the_floor_of_the_sign_flips_every_word_is_withheld",
    "test_verdict.py::test_above_a_fifth_censored_only_directions_can_be_told",
    "test_verdict.py::test_skewed_contrasts_withhold_whatever_they_would_have_said",
    "test_verdict.py::test_without_symmetry_by_construction_a_word_needs_a_wider_interval",
)
PAIRS = (
    "test_forms.py::test_the_ith_processes_of_a_block_are_a_pair",
    "test_forms.py::test_pairs_stay_together_whatever_their_order",
)
LOOKS = (
    "test_sequential.py::test_looks_spend_what_obrien_and_fleming_would_and_no_more_than_the_level",
    "test_sequential.py::test_a_look_at_which_flips_cannot_reject_spends_nothing",
    "test_sequential.py::test_a_sample_stops_at_the_look_that_settles_it",
    "test_spending.py::test_following_a_claim_is_walking_its_sample",
    "test_spending.py::test_a_report_never_decides_such_a_claim_at_the_full_level",
    "test_calibration.py::test_looks_that_were_drawn_for_another_form_or_for_other_arms_stand_for_nothing",
)
SEEDS = ("test_decide.py::test_half_a_pair_is_no_pair",)


def source(function):
    return textwrap.dedent(inspect.getsource(function))


def found(module, name):
    """Return a function, "f" or "Class.f"."""
    return functools.reduce(getattr, name.split("."), importlib.import_module(module))


@contextlib.contextmanager
def mutated(function, tree):
    """Give a function another body, for as long as this lasts, wherever it was imported to."""
    made = {}
    code = compile(ast.fix_missing_locations(tree), f"<mutant of {function.__name__}>", "exec")
    exec(code, function.__globals__, made)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(function, "__code__", made[function.__name__].__code__)
        yield


def noticed(tests):
    """Return whether any of the tests fails; they run in this process, quickly, one by one."""
    shown = io.StringIO()
    options = ["-q", "-x", "--assert=plain", "-p", "no:cacheprovider"]
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(shown),
        contextlib.redirect_stderr(shown),
    ):
        patch.setattr(sys, "meta_path", [*sys.meta_path])  # asv leaves an importer behind
        status = pytest.main([*options, *(str(HERE / test) for test in tests)])
    assert status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), (status, shown.getvalue())
    return status == pytest.ExitCode.TESTS_FAILED


def comparisons(name):
    """Yield each mutant of a function of the verdict in which one comparison is another."""
    tree = ast.parse(source(getattr(verdict, name)))
    for at, node in enumerate(ast.walk(tree)):
        for i, operator in enumerate(node.ops if isinstance(node, ast.Compare) else ()):
            for how in (STRICTER, TURNED):
                if type(operator) in how:
                    other = copy.deepcopy(tree)
                    changed = next(n for k, n in enumerate(ast.walk(other)) if k == at)
                    changed.ops[i] = how[type(operator)]()
                    yield pytest.param(name, other, id=f"{name}: {ast.unparse(changed)}")


def replaced(function, old, new):
    """Return a function's tree with a piece of its text replaced."""
    text = source(function)
    assert text.count(old) == 1, (old, text)
    return ast.parse(text.replace(old, new))


ZONE_MUTANTS = [*comparisons("_rule")]
AIM_MUTANTS = [*comparisons("edges"), *comparisons("resolution")]


def test_every_comparison_of_the_rule_has_two_mutants():
    assert len(ZONE_MUTANTS) == 2 * 13
    assert len(AIM_MUTANTS) == 2 * (2 + 2)


@pytest.mark.slow
def test_what_is_not_broken_is_not_noticed():
    with mutated(verdict._rule, ast.parse(source(verdict._rule))):
        assert not noticed(ZONES[:1])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "tree"), ZONE_MUTANTS)
def test_no_comparison_with_a_zone_can_change_unnoticed(name, tree):
    with mutated(getattr(verdict, name), tree):
        assert noticed(ZONES)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "tree"), AIM_MUTANTS)
def test_no_edge_that_a_plan_aims_at_can_change_unnoticed(name, tree):
    with mutated(getattr(verdict, name), tree):
        assert noticed(AIMS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "name", "old", "new", "tests"),
    [
        # Without the sign flips, or with too few of them.
        ("verdict", "_guards", "return (-zones.null, zones.null)", "return ()", GUARDS),
        ("verdict", "_guards", "(-zones.null, zones.null)", "(-zones.null,)", GUARDS),
        ("verdict", "_guards", "(-zones.null, zones.null)", "(zones.null,)", GUARDS),
        ("verdict", "_guards", "else (0.0,)", "else ()", GUARDS),
        ("verdict", "_guards", "(-zones.null,) if zones.margin else ", "", GUARDS),
        ("verdict", "settle", "rows[samples.rejects(", "rows[True | samples.rejects(", GUARDS),
        # Words where none should be.
        (
            "verdict",
            "settle",
            "left = ~samples.looks_skewed(zones)",
            "left = samples.skewed | True",
            WITHHELD,
        ),
        ("verdict", "settle", "widening(n, symmetric) * ", "", WITHHELD),
        ("verdict", "decide", "censored > most_censored", "censored < 0", WITHHELD),
        ("verdict", "decide", "max(fewest_values, fewest_pairs(level))", "fewest_values", WITHHELD),
        # Seeds without one of their arms.
        (
            "forms.paired",
            "Paired.contrasts",
            "numbers(arm, self.metric)",
            "sorted(numbers(arm, self.metric))",
            PAIRS,
        ),
        (
            "forms.base",
            "differences",
            "np.log(treatment / baseline)",
            "np.log(treatment / baseline[::-1])",
            PAIRS,
        ),
        ("forms.base", "differences", "treatment - baseline", "treatment - baseline.mean()", PAIRS),
        ("judging", "metrics_of", "if any(", "if all(", SEEDS),
        # Looks at the full level, at a level that flips can't reach, beyond a stop, uncalibrated.
        ("sequential", "levels", ") - spent", ")", LOOKS),
        ("sequential", "levels", "n == looks[0] or n < fewest_pairs(1 - share)", "False", LOOKS),
        ("sequential", "follow", "judge(step) not in undecided", "False", LOOKS),
        ("sequential", "walk", "going & ~np.isin", "~np.isin", LOOKS),
        ("judging", "in_looks", "step.pairs), step.level)", "step.pairs))", LOOKS),
        (
            "calibration",
            "flag",
            "(c.form, c.varies, c.level) == (form,",
            "(form, c.varies, c.level) == (form,",
            LOOKS,
        ),
    ],
)
def test_neither_guard_nor_pair_nor_process_can_go_unnoticed(module, name, old, new, tests):
    function = found(module if module.startswith("bench") else f"ablations.{module}", name)
    with mutated(function, replaced(function, old, new)):
        assert noticed(tests)
