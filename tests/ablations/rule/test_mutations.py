"""The tests of the rule are tested: a rule that is broken on purpose makes a named test fail.

Each mutant is one changed function, or one changed figure of a table, for as long as pytest runs
the tests that should notice, in this process. A mutant that no test notices fails here.
"""

import ast
import copy

import pytest

from ablations.rule.table import TABLES
from tests.ablations.mutants import found, mutated, noticed, replaced, source

TURNED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
ZONES = (
    "rule/test_verdict.py::test_equal_pairs_in_each_zone_and_on_each_edge_have_its_word",
    "rule/test_verdict.py::test_pairs_on_both_sides_of_everything_are_inconclusive",
    "rule/test_verdict.py::test_the_interval_is_that_of_all_looks_reached",
    "rule/test_verdict.py::test_looks_that_exclude_each_other_are_invalid",
    "rule/test_verdict.py::test_a_share_and_a_median_that_exclude_each_other_are_invalid",
    "rule/test_verdict.py::test_a_share_that_was_established_stays_so",
)
COUNTS = (
    "rule/test_verdict.py::test_a_statement_may_have_as_many_exceptions_as_the_table_says_and_no_more",
    "rule/test_verdict.py::test_a_share_may_have_as_many_exceptions_as_its_table_says_and_no_more",
    "rule/test_verdict.py::test_before_the_first_look_nothing_is_established",
    "rule/test_verdict.py::test_pairs_beyond_the_last_look_reached_are_not_read",
    "rule/test_verdict.py::test_the_interval_is_that_of_all_looks_reached",
    "rule/test_verdict.py::test_counts_are_of_the_latest_look_that_establishes_them",
    "rule/test_verdict.py::test_looks_that_exclude_each_other_are_invalid",
)
UNKNOWN = (
    "rule/test_verdict.py::test_an_unknown_pair_is_an_exception_on_every_side",
    "rule/test_verdict.py::test_a_censored_pair_lies_beyond_an_edge_only_if_all_of_it_does",
    "rule/test_verdict.py::test_diverged_runs_are_counted_and_never_dropped",
    "rule/test_pairs.py",
)
TIES = (
    "rule/test_verdict.py::test_equal_pairs_in_each_zone_and_on_each_edge_have_its_word",
    "rule/test_verdict.py::test_rounding_lets_no_tie_through",
    "rule/test_pairs.py::test_a_pair_on_an_edge_or_across_it_is_not_beyond_it",
)
SPLITS = (
    "rule/test_verdict.py::test_a_mean_against_the_word_splits_it",
    "rule/test_verdict.py::test_a_mean_beyond_the_edge_of_a_share_splits_it",
    "rule/test_verdict.py::test_a_mean_of_nothing_or_on_the_border_splits_no_word",
    "rule/test_verdict.py::test_failures_of_the_arm_that_a_word_favours_split_it",
    "rule/test_verdict.py::test_failures_split_a_word_where_mcnemars_exact_test_is_significant",
    "rule/test_verdict.py::test_a_word_that_is_not_settled_is_not_split",
    "rule/test_verdict.py::test_a_stop_says_the_word_of_its_own_look",
)
SETTLED = (
    "rule/test_verdict.py::test_a_claim_is_settled_at_the_first_look_that_fixes_its_group",
    "rule/test_verdict.py::test_a_direction_and_an_open_claim_go_on_until_the_last_look",
    "rule/test_verdict.py::test_looks_that_exclude_each_other_are_invalid",
    "rule/test_verdict.py::test_a_fault_makes_a_claim_invalid_whatever_its_pairs_say",
    "rule/test_verdict.py::test_many_samples_stop_at_the_first_look_that_settles_them",
)
NEEDS = (
    (
        "rule/test_verdict.py::"
        "test_the_pairs_that_a_claim_needs_are_those_of_the_first_look_that_is_likely_enough"
    ),
    "rule/test_verdict.py::test_a_claim_that_no_look_would_settle_needs_no_number",
    "rule/test_verdict.py::test_a_share_needs_a_look_of_its_own_table",
    "rule/test_verdict.py::test_what_takes_two_statements_needs_both",
)
JOINT = ("rule/test_verdict.py::test_a_conjunction_holds_if_all_parts_hold_and_fails_if_one_fails",)
PRINTED = (
    "rule/test_table.py::test_the_tables_are_those_that_are_printed",
    "rule/test_table.py::test_no_look_could_have_one_exception_more",
    "rule/test_table.py::test_all_looks_and_both_sides_of_all_members_stay_within_the_error_of_the_family",
)
DERIVED = PRINTED[1:]
AGREE = ("rule/test_verdict.py::test_the_engine_and_an_independent_recomputation_agree",)


def comparisons(name):
    """Yield each mutant of a function in which one comparison is turned.

    Whether it is strict makes no difference there: pairs within rounding of an edge lie on it.
    """
    tree = ast.parse(source(found(name)))
    for at, node in enumerate(ast.walk(tree)):
        for i, operator in enumerate(node.ops if isinstance(node, ast.Compare) else ()):
            if type(operator) in TURNED:
                other = copy.deepcopy(tree)
                changed = next(n for k, n in enumerate(ast.walk(other)) if k == at)
                changed.ops[i] = TURNED[type(operator)]()
                yield pytest.param(name, other, id=f"{at} {ast.unparse(changed)}")


def swapped():
    """Yield each mutant in which two neighbouring words have changed places."""
    name = "rule.verdict._plain_words"
    tree = ast.parse(source(found(name)))
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_first"
    ]
    for number, call in enumerate(calls):
        for i in range(len(call.args) - 1):
            words = [ast.unparse(arg.elts[0]) for arg in call.args[i : i + 2]]
            other = copy.deepcopy(tree)
            args = [
                node
                for node in ast.walk(other)
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_first"
            ][number].args
            args[i], args[i + 1] = args[i + 1], args[i]
            yield pytest.param(name, other, id=f"{number}: {' and '.join(words)}")


WORD_MUTANTS = [*comparisons("rule.verdict._plain_words")]
FREE = {  # neighbours that exclude each other: their order is free
    "0: Word.CONTRADICTED and Word.NO_EFFECT",
    "0: Word.NO_GAIN and Word.EXCEEDED",
    "0: Word.EXCEEDED and Word.CONFIRMED",
    "0: Word.AT_LEAST and Word.WEAKER",
    "1: Word.CONTRADICTED and Word.CONFIRMED",
    "2: Word.NO_EFFECT and Word.CONFIRMED",
}
ORDER_MUTANTS = [mutant for mutant in swapped() if mutant.id not in FREE]
FIGURES = [
    pytest.param(number, kind, look, by, id=f"{table.members} {kind} {look} {by:+d}")
    for number, table in enumerate(TABLES)
    for kind in ("exceptions", "shares")
    for look in getattr(table, kind)
    for by in (-1, 1)
]


def test_every_comparison_and_every_order_that_matters_has_a_mutant():
    assert len(WORD_MUTANTS) == 19
    assert len(ORDER_MUTANTS) == 7
    assert {mutant.id for mutant in swapped()} >= FREE


@pytest.mark.slow
def test_what_is_not_broken_is_not_noticed():
    for tests in (ZONES, COUNTS, UNKNOWN, TIES, SPLITS, SETTLED, NEEDS, JOINT, PRINTED, AGREE):
        with mutated(found("rule.verdict._judge"), ast.parse(source(found("rule.verdict._judge")))):
            assert not noticed(*tests)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "kind", "look", "by"), FIGURES)
def test_no_figure_of_a_table_can_change_unnoticed(number, kind, look, by):
    table = TABLES[number]
    figures = getattr(table, kind)
    try:
        object.__setattr__(table, kind, {**figures, look: figures[look] + by})
        assert noticed(*PRINTED)
        if kind == "exceptions":  # by counting alone, whatever is printed
            assert noticed(*DERIVED)
    finally:
        object.__setattr__(table, kind, figures)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "tree"), WORD_MUTANTS)
def test_no_comparison_with_a_zone_can_change_unnoticed(name, tree):
    with mutated(found(name), tree):
        assert noticed(*ZONES)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "tree"), ORDER_MUTANTS)
def test_no_two_words_can_change_places_unnoticed(name, tree):
    with mutated(found(name), tree):
        assert noticed(*ZONES, *AGREE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "old", "new", "tests"),
    [
        # Bounds off by one, exceptions counted on the wrong side, looks taken alone.
        ("rule.interval.intervals", "ends[:, c]", "ends[:, c + 1]", COUNTS),
        ("rule.interval.intervals", "ends[:, c]", "ends[:, max(c - 1, 0)]", COUNTS),
        ("rule.interval.intervals", "last[:, n - 1 - c]", "last[:, n - 2 - c]", COUNTS),
        ("rule.interval.intervals", "last[:, n - 1 - c]", "last[:, c]", COUNTS),
        ("rule.interval.intervals", "np.maximum(low[i - 1],", "np.maximum(-math.inf,", COUNTS),
        ("rule.interval.intervals", "np.minimum(high[i - 1],", "np.minimum(math.inf,", COUNTS),
        ("rule.interval.intervals", "table.reached(pairs.n)", "pairs.n", COUNTS),
        ("rule.interval.share_reached", "<= table.shares[n]", "< table.shares[n]", COUNTS),
        ("rule.interval.share_reached", "<= table.shares[n]", "<= table.shares[n] + 1", COUNTS),
        ("rule.interval.share_reached", "n - beyond", "beyond", COUNTS),
        ("rule.interval.share_reached", "found[i] = found[i - 1]", "pass", ZONES),
        ("rule.interval.established", "<= c", "< c", COUNTS),
        ("rule.interval.established", "look - int(", "int(", COUNTS),
        ("rule.interval.established", "max(found", "min(found", COUNTS),
        ("rule.table.Table.reached", "look <= n", "look < n", COUNTS),
        ("rule.verdict.judge", "pairs.first(look or pairs.n)", "pairs", COUNTS),
        # Ties let through.
        ("rule.verdict._plain_words", "found.low > found.high", "found.low >= found.high", ZONES),
        ("rule.pairs.Pairs.beyond", "self.low > edge", "self.low >= edge", TIES),
        ("rule.pairs.Pairs.beyond", "self.high < edge", "self.high <= edge", TIES),
        ("rule.pairs.Pairs.beyond", "edge + rounding", "edge", TIES),
        ("rule.verdict._plain_words", "found.low - zones.rounding", "found.low", TIES),
        ("rule.verdict._plain_words", "found.high + zones.rounding", "found.high", TIES),
        # Unknown and censored pairs taken for known ones.
        (
            "rule.pairs.Pairs.within",
            "np.where(np.isnan(a), -math.inf, a)",
            "np.nan_to_num(a)",
            UNKNOWN,
        ),
        (
            "rule.pairs.Pairs.within",
            "np.where(np.isnan(b), math.inf, b)",
            "np.nan_to_num(b)",
            UNKNOWN,
        ),
        ("rule.pairs.Pairs.within", "(a, b,", "(a, a,", UNKNOWN),
        ("rule.pairs.Pairs.exact", "np.isnan(x).any()", "False", UNKNOWN),
        ("rule.interval.intervals", "if pairs.known", "if True", UNKNOWN),
        ("rule.pairs.Pairs.beyond", "self.low > edge", "self.high > edge", UNKNOWN),
        ("rule.pairs.Pairs._made", "np.isfinite(low) & (low == high)", "np.isfinite(low)", UNKNOWN),
        # SPLIT dropped, or said of too much.
        ("rule.verdict._judge", "by_mean | by_failures", "by_failures", SPLITS),
        ("rule.verdict._judge", "by_mean | by_failures", "by_mean", SPLITS),
        ("rule.verdict._judge", "by_mean | by_failures", "by_mean & by_failures", SPLITS),
        ("rule.verdict._allowed_means", "np.where(none, -w, -math.inf)", "-math.inf", SPLITS),
        ("rule.verdict._allowed_means", "none | no_gain", "none", SPLITS),
        ("rule.verdict._allowed_means", "none | no_gain", "no_gain", SPLITS),
        ("rule.verdict._allowed_means", "up &= ~down", "pass", SPLITS),
        ("rule.verdict._allowed_means", "down |= up & (found.high < 0)", "pass", SPLITS),
        ("rule.verdict._allowed_means", "np.where(down, edge,", "np.where(False, edge,", SPLITS),
        ("rule.verdict._allowed_means", "np.where(up, edge,", "np.where(False, edge,", SPLITS),
        (
            "rule.verdict._allowed_means",
            "0.0 if zones.nearly_all is None else zones.nearly_all",
            "0.0",
            SPLITS,
        ),
        ("rule.verdict._spoken_against", "(mean < least[i])", "(mean <= least[i])", SPLITS),
        ("rule.verdict._spoken_against", "(mean > most[i])", "(mean >= most[i])", SPLITS),
        ("rule.verdict._spoken_against", "_means(pairs, n)", "_means(pairs, pairs.n)", SPLITS),
        ("rule.verdict._fails_more", "2 * bdtr", "bdtr", SPLITS),
        ("rule.verdict._fails_more", "~failed[..., 0]", "failed[..., 1]", SPLITS),
        ("rule.verdict._fails_more", "~failed[..., 1]", "failed[..., 0]", SPLITS),
        ("rule.verdict._fails_more", "significant & (adverse > favourable)", "significant", SPLITS),
        ("rule.verdict._means", "counts, math.nan", "n, math.nan", SPLITS),
        # Stopped too early, or too late.
        ("rule.verdict.Words.settled", "~np.isin", "np.isin", SETTLED),
        ("rule.verdict.Words.stopped", "settled.argmax(axis=0)", "0", SETTLED),
        ("rule.verdict._settled_since", "or group is not groups[-1]", "", SETTLED),
        ("rule.verdict.judge", "look == table.looks[-1] or", "", SETTLED),
        ("rule.verdict.judge", "and not faults)", ")", SETTLED),
        # Needs that aren't.
        ("rule.needs.further", ">= POWER", "> 0", NEEDS),
        ("rule.needs.further", "look > pairs.n and", "", NEEDS),
        ("rule.needs.further", "sum(1 - part", "min(1 - part", NEEDS),
        ("rule.needs._chances", "table.shares if shares else", "", NEEDS),
        ("rule.needs._chances", "(pairs.n, pairs.n - hits)", "(0, 0)", NEEDS),
        # Conjunctions.
        ("rule.verdict.conjunction", "Group.FAILS, Group.OPEN,", "Group.OPEN, Group.FAILS,", JOINT),
        ("rule.verdict.conjunction", "group is Group.FAILS or all", "all", JOINT),
        ("rule.verdict.conjunction", "or all(", "or any(", JOINT),
    ],
)
def test_no_part_of_the_rule_can_go_unnoticed(name, old, new, tests):
    with mutated(found(name), replaced(name, old, new)):
        assert noticed(*tests)
