"""Verdicts and contrasts in words."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ablations.records.checks import AtMost
from ablations.records.rows import Failures, Report, Row
from ablations.rule.outcomes import Group, Word, group_of
from reports import findings, sayings
from reports.wording import Saying
from reports.words import decided_first, groups, looks
from tests.reports.made import make_part, with_parts

space = "\u00a0"


share = Saying(log=True)
folds = Saying(log=True, folds=True, less="faster", more="slower")
plain = Saying(log=False)
points = Saying(log=False, share=True)
level = Saying(log=False, share=True, level=True)


@pytest.mark.parametrize(
    ("saying", "numbers", "said"),
    [
        (share, (0.7, 0.683, 0.718), (f"30.0{space}% less", "28.2 to 31.7")),
        (share, (1.1, 1.02, 1.18), (f"10{space}% more", "2 to 18")),
        (share, (0.98, 0.95, 1.03), (f"2{space}% less", f"5{space}% less to 3{space}% more")),
        (share, (2.4, 2.0, 3.1), ("2.4 times as much", "2.0 to 3.1")),
        (share, (0.7, None, 0.718), (f"30.0{space}% less", "from 28.2")),
        (share, (0.7, 0.683, None), (f"30{space}% less", f"from 32{space}% less")),
        (share, (1.2, None, 1.25), (f"20{space}% more", f"up to 25{space}% more")),
        (share, (0.7, None, None), (f"30{space}% less", "")),
        (share, (1.0, None, None), ("equal", "")),
        (share, (0.0, None, None), ("nothing less", "")),
        (folds, (1 / 3.5, 1 / 4.1, 1 / 3.1), ("3.5 times faster", "3.1 to 4.1")),
        (folds, (1.5, 1.2, 1.9), ("1.5 times slower", "1.2 to 1.9")),
        (folds, (0.9, 0.8, 1.1), ("1.11 times faster", "1.25 times faster to 1.10 times slower")),
        (plain, (0.032, 0.014, 0.05), ("+0.032", "0.014 to 0.050")),
        (plain, (-0.5, -0.8, -0.2), ("−0.5", "−0.8 to −0.2")),
        (plain, (0.0, None, None), ("0", "")),
        (plain, (None, None, None), ("", "")),
        (points, (0.44, 0.27, 0.56), ("+44 points", "27 to 56")),
        (points, (-0.01, -0.04, 0.0), ("−1 point", "−4 to 0")),
        (points, (0.0, None, None), ("0 points", "")),
        (level, (0.926, 0.921, 0.935), (f"92.6{space}%", "92.1 to 93.5")),
        (level, (0.12, None, 0.2), (f"12{space}%", "up to 20")),
    ],
)
def test_a_contrast_is_said_as_its_document_prints_it(
    saying: Saying, numbers: tuple[float | None, ...], said: tuple[str, str]
) -> None:
    assert saying.interval(*numbers) == said


@pytest.mark.parametrize(
    ("unit", "labels", "said"),
    [
        ("accuracy on all cells", ("trained",), f"10{space}%"),
        ("accuracy on all cells", ("before", "after"), "+10 points"),
        ("share of boards answered exactly", ("before", "after"), "+10 points"),
        ("rank correlation of difficulty and steps", ("trained",), "0.1"),
        ("return at a price of 0.01 a step", ("before", "after"), "+0.1"),
    ],
)
def test_shares_are_said_in_per_cent_and_their_differences_in_points(
    unit: str, labels: tuple[str, ...], said: str
) -> None:
    part = make_part(Word.CONFIRMED, 0.1, log=False, unit=unit, labels=labels, spread=0.0)
    part = replace(part, low=None, high=None)
    assert sayings.measured(with_parts("shares", Word.CONFIRMED, part))[0] == said


def test_a_finding_about_shares_has_its_counts_in_points_or_per_cent(
    find: Callable[[str], Row],
) -> None:
    made = {"log": False, "unit": "accuracy on all cells"}
    part = make_part(Word.EXCEEDED, 0.44, **made)
    row = with_parts("shares", Word.EXCEEDED, part, sentence="in 16 of 16 it is above 0.166")
    assert sayings.gist(row) == (
        "In 26 of 26 seeds the difference is above +1 point. The effect is larger than documented."
    )
    level = make_part(Word.EXCEEDED, 0.44, labels=("trained",), **made)
    said = sayings.gist(with_parts("level", Word.EXCEEDED, level))
    assert said.startswith(f"In 26 of 26 seeds it is above 1{space}%. ")
    none = make_part(Word.NO_EFFECT, 0.0, spread=0.005, **made)
    said = sayings.gist(with_parts("none", Word.NO_EFFECT, none))
    assert said.startswith(
        "In 26 of 26 seeds the difference is below +1 point, in 26 of 26 above −1 point. "
    )
    ratio = find("act-savings-mixed")
    assert sayings.gist(ratio) == "In 24 of 26 seeds the reduction is above 20 %."


def test_a_claim_whose_runs_all_fail_says_so_where_nothing_else_is_known() -> None:
    part = replace(make_part(Word.CONTRADICTED, 0.1), estimate=None, low=None, high=None)
    row = with_parts("failing", Word.CONTRADICTED, part)
    fails = Failures(label="as coded", failed=16, of=16, low=0.8, high=1.0)
    assert sayings.measured(replace(row, failures=(fails,))) == ("fails in 16 of 16 seeds", "")
    some = replace(fails, failed=3)
    assert sayings.measured(replace(row, failures=(some,))) == ("", "")


@pytest.mark.parametrize(
    ("documented", "form", "said"),
    [
        ("0.25 → 0.05 ms, “5x”", "timing", "4 times faster"),
        ("3 times", "ratio", "4 times less"),
        ("40 %", "timing", f"75{space}% faster"),
        ("256 → 140", "ratio", f"75{space}% less"),
        ("on 4×4 boards, 4x2 cycles", "ratio", f"75{space}% less"),
        ("", "ratio", f"75{space}% less"),
    ],
)
def test_the_documents_figure_chooses_between_multiples_and_shares(
    find: Callable[[str], Row], documented: str, form: str, said: str
) -> None:
    row = find("act-savings-mixed")
    row = replace(row, verdict=replace(row.verdict, documented=documented, form=form))
    assert Saying.of(row, log=True).value(0.25) == said


def test_ticks_are_shares_near_one_and_multiples_beyond() -> None:
    shown = [share.tick(v) for v in (0.2, 0.8, 1.0, 1.1, 3.0)]
    assert shown == ["÷5", f"−20{space}%", "equal", f"+10{space}%", "×3"]
    assert [folds.tick(v) for v in (0.5, 1.5)] == ["÷2", "×1.5"]


def test_the_count_beside_a_word_is_that_of_the_statement_it_rests_on(
    find: Callable[[str], Row],
) -> None:
    assert sayings.counted(find("controller-memory")) == "26 of 26 seeds"
    assert sayings.counted(find("controller-speed")) == "26 of 26 processes"
    assert sayings.counted(find("params-increase")) == "0 of 1 check"
    assert sayings.counted(find("refinement-quality")) == "5 seeds so far"
    assert sayings.counted(find("arc-agi-1")) == ""
    few = replace(find("refinement-quality"), noun="processes")
    one = replace(few, verdict=replace(few.verdict, n=1))
    assert sayings.counted(one) == "1 process so far"
    edges = {
        name: [(e.edge, e.side) for e in sayings.telling(find(name).parts[0])]
        for name in ("controller-memory", "controller-speed", "forward-share", "gradient-variance")
    }
    assert edges["controller-memory"] == [(0.6, "below")]
    assert edges["controller-speed"] == [(0.25, "above"), (0.95, "below")]
    assert edges["forward-share"] == [(0.95, "above"), (1 / 0.95, "below")]
    assert edges["gradient-variance"] == [(1 / 0.95, "above")]


def test_all_of_too_few_pairs_are_so_many_so_far(find: Callable[[str], Row]) -> None:
    row = find("both-contrasts")
    (part,) = (sayings.deciding(row),)
    (first,) = sayings.telling(part)[:1]
    every = replace(first, pairs=first.of, exceptions=0, established=False)
    counts = tuple(every if e == first else e for e in part.exceptions)
    assert sayings.counted_in(row, replace(part, exceptions=counts)).endswith("seeds so far")


def test_edges_ascend_with_the_counts_on_both_sides(find: Callable[[str], Row]) -> None:
    found = sayings.sides(find("controller-speed").parts[0])
    assert [edge for edge, _, _ in found] == [0.16, 0.25, 0.95, 1 / 0.95]
    assert [(b and b.pairs, a and a.pairs) for _, b, a in found[1:3]] == [(0, 26), (26, 0)]


def test_an_open_conjunction_shows_the_part_that_is_open(find: Callable[[str], Row]) -> None:
    row = find("both-contrasts")
    assert sayings.deciding(row) is row.parts[1]
    assert sayings.counted(row).startswith("only ")
    assert "about 60 seeds would settle" in sayings.picture(row, row.parts[1])


def test_an_exact_claim_shows_both_values(find: Callable[[str], Row]) -> None:
    assert sayings.measured(find("params-baseline")) == ("844,610 = 844,610", "")
    assert sayings.measured(find("params-increase")) == ("~19 % ≠ 19.76 %", "")
    assert sayings.measured(find("late")) == ("", "")
    row = find("params-baseline")
    small = replace(row.checks[0], what="error", documented="no difference", observed="2e-16")
    assert sayings.measured(replace(row, checks=(small,))) == ("no difference, found 2e-16", "")
    within, beyond = (AtMost("rows", limit=1000, observed=n) for n in (812.0, 1200.0))
    assert sayings.measured(replace(row, checks=(within,))) == ("812 ≤ 1,000", "")
    assert sayings.measured(replace(row, checks=(beyond,))) == ("1,200 > 1,000", "")
    within = replace(row.checks[0], documented="35 to 50", observed="40", rule="one lies within")
    assert sayings.measured(replace(row, checks=(within,))) == ("35 to 50, found 40", "")


@pytest.mark.parametrize(
    ("documented", "observed", "rule", "holds", "said"),
    [
        ("17", "17", "equal", True, "17 = 17"),
        ("[17]", "[17]", "equal", True, "17 = 17"),
        ("-640", "-640", "equal", True, "-640 = -640"),
        ("60 of 60", "60 of 60; 7 at once", "equal counts", True, "60 of 60"),
        ("[3, 3]", "[3, 3]", "equal", True, "3, 3"),
        ("[3, 3, 3, 3, 3]", "[3, 3, 3, 3, 3]", "equal", True, "agrees"),
        ("[]", "[]", "equal", True, "agrees"),
        ("500K+", "707,979", "rounds to the printed figure", True, "707,979"),
        ("27M", "21,556,491", "rounds to the printed figure", False, "27M ≠ 21,556,491"),
        ("a difference", "0", "more than 0", False, "a difference, found 0"),
        ("41.4%", "35.14 (1 of 2 stages)", "rounds", False, "41.4% ≠ 35.14"),
        ("at most 2", "1.9", "at most 2", True, "1.9 ≤ 2"),
        (
            "each takes more than the last",
            "1, 1 " + "b" * 30,
            "rising",
            False,
            "1, 1 " + "b" * 30,
        ),
        ("each takes more than the last", "1, 2 " + "b" * 30, "rising", True, "agrees"),
    ],
)
def test_a_check_is_said_without_repetition(
    find: Callable[[str], Row], documented: str, observed: str, rule: str, holds: bool, said: str
) -> None:
    row = find("params-baseline")
    check = replace(row.checks[0], documented=documented, observed=observed, rule=rule, holds=holds)
    assert sayings.measured(replace(row, checks=(check,))) == (said, "")


def test_the_first_sentence_counts_the_groups(varied: Report) -> None:
    counts = {"holds": 61, "partly": 12, "fails": 40, "open": 31}
    rows = varied.rows[:1] * 144
    assert sayings.headline(replace(varied, rows=rows, groups=counts)) == (
        "Of 144 claims, 61 hold, 12 hold partly, 40 don’t, 31 are open."
    )
    one = replace(varied, rows=rows[:1], groups={"fails": 1})
    assert sayings.headline(one) == "Of 1 claim, 1 doesn’t."
    assert sayings.headline(replace(varied, rows=(), groups={})) == "No claim was asked for."


def test_pairs_are_counted_by_what_they_are(varied: Report, find: Callable[[str], Row]) -> None:
    rows = (find("controller-memory"), find("act-savings-mixed"), find("controller-speed"))
    assert [row.noun for row in rows] == ["seeds", "seeds", "processes"]
    counts = [row.verdict.n for row in rows]
    assert sayings.paired(replace(varied, rows=rows)) == (
        f"{counts[0] + counts[1]} seeds and {counts[2]} processes, summed over 3 claims"
    )
    assert sayings.paired(replace(varied, rows=())) == ""


def test_rows_without_runs_are_counted_by_why(varied: Report) -> None:
    told = [(why, [r.verdict.id for r in rows]) for why, rows in sayings.outside(varied)]
    assert told == [
        ("needs hardware or data that this harness doesn’t have", ["arc-agi-1"]),
        ("hasn’t been run yet", ["late"]),
    ]


def test_every_word_has_one_look_and_every_group_a_place() -> None:
    assert sorted(look.word for look in looks) == sorted(Word)
    assert len({look.icon for look in looks}) == len(looks)
    assert all(look.group is group_of(look.word) for look in looks)
    assert {named.group for named in groups} == set(Group) == set(decided_first)


def test_five_findings_take_turns_and_two_of_a_document_at_most(varied: Report) -> None:
    found = findings.chosen(varied)
    assert [row.verdict.group for row in found[:3]] == [Group.FAILS, Group.HOLDS, Group.PARTLY]
    assert len(found) == 5
    documents = [row.verdict.document for row in found]
    assert max(map(documents.count, documents)) <= 2
    assert found[0].verdict.id == "gradient-variance"  # 17 widths of its null zone


def test_a_report_where_nothing_is_decided_has_no_findings(varied: Report) -> None:
    rows = tuple(row for row in varied.rows if row.verdict.group is Group.OPEN)
    assert findings.chosen(replace(varied, rows=rows)) == []
