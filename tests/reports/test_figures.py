"""The pictures as SVG."""

import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.records.rows import Report, Row
from ablations.records.statements import Point
from ablations.rule.outcomes import Word
from reports import figures, sayings, svg
from reports.svg import Axis
from tests.reports.made import make_part, with_parts


def classes(source: str, name: str) -> list[ElementTree.Element]:
    """Return the elements of a class."""
    root = ElementTree.fromstring(source)
    return [e for e in root.iter() if name in e.attrib.get("class", "").split()]


def across(element: ElementTree.Element, name: str) -> float:
    return float(element.attrib[name].removesuffix("%"))


finite = st.floats(-1e6, 1e6)
positive = st.floats(1e-6, 1e6)


@given(st.lists(finite, min_size=1), st.lists(finite | st.none()))
def test_an_axis_holds_its_core_in_order(core: list[float], also: list[float | None]) -> None:
    axis = Axis.holding(core, also=also, log=False)
    assert all(axis.has(x) for x in core)
    places = [axis.at(x) for x in sorted(core)]
    assert places == sorted(places)
    assert all(svg.LEFT <= place <= svg.RIGHT for place in places)


@given(st.lists(positive, min_size=1), st.integers(3, 8))
def test_a_logarithmic_axis_has_few_ticks_all_on_it(core: list[float], most: int) -> None:
    axis = Axis.holding(core, log=True)
    ticks = axis.ticks(most)
    assert len(ticks) <= most
    assert all(axis.has(tick) for tick in ticks)
    assert ticks == sorted(set(ticks))


@given(st.lists(finite, min_size=2, unique=True), st.integers(3, 8))
def test_a_linear_axis_has_few_ticks_all_on_it(core: list[float], most: int) -> None:
    axis = Axis.holding(core, log=False)
    ticks = axis.ticks(most)
    assert 1 <= len(ticks) <= most
    assert all(
        axis.low - 1e-6 * (axis.high - axis.low) <= t <= axis.high + 1e-6 * (axis.high - axis.low)
        for t in ticks
    )


def test_what_is_far_out_does_not_flatten_the_axis() -> None:
    near = Axis.holding([0.0, 1.0], also=[1.5], log=False)
    far = Axis.holding([0.0, 1.0], also=[1.5, 1000.0, math.inf, None], log=False)
    assert near == far
    assert far.at(1000.0) == far.at(math.inf) == svg.RIGHT


def test_a_strip_has_a_mark_for_every_pair(varied: Report) -> None:
    for row in varied.rows:
        for part in row.parts:
            groups = classes(figures.strip(row, part), "pair")
            marks = [m for group in groups for m in group if m.tag in ("circle", "use", "text")]
            assert len(marks) == len(part.points), row.verdict.id
            faint = [m for group in groups if "unread" in group.attrib["class"] for m in group]
            assert len(faint) == sum(not p.read for p in part.points)


def test_pairs_that_go_on_are_arrows_and_unknown_ones_question_marks(
    find: Callable[[str], Row],
) -> None:
    row = find("act-savings-mixed")
    pairs = [m for g in classes(figures.strip(row, row.parts[0]), "pair") for m in g]
    arrows = [m.attrib["href"] for m in pairs if m.tag == "use"]
    assert sorted(arrows) == ["#mark-less", "#mark-less", "#mark-more", "#mark-more"]
    assert [m.text for m in pairs if m.tag == "text"] == ["?"]


def test_a_strip_shows_both_counts_at_the_edges_the_word_rests_on(
    find: Callable[[str], Row],
) -> None:
    row = find("controller-speed")
    shown = [e.text for e in classes(figures.strip(row, row.parts[0]), "count")]
    assert shown == ["0 ◂", "▸ 26", "26 ◂", "▸ 0"]


def test_zones_lie_where_the_scale_has_them(find: Callable[[str], Row]) -> None:
    row = find("act-savings-mixed")
    source = figures.strip(row, row.parts[0])
    (null,), (band,) = classes(source, "null"), classes(source, "band")
    assert across(band, "x") + across(band, "width") < across(null, "x")
    (neutral,) = classes(source, "neutral")
    assert across(null, "x") < across(neutral, "x1") < across(null, "x") + across(null, "width")
    open_band = find("more-of-it")
    (band,) = classes(figures.strip(open_band, open_band.parts[0]), "band")
    assert across(band, "x") + across(band, "width") >= svg.RIGHT


def test_the_interval_spans_its_ends_and_goes_on_in_arrows(find: Callable[[str], Row]) -> None:
    row = find("act-savings-mixed")
    assert len(classes(figures.mini(row) or "", "interval")) == 3
    assert classes(figures.mini(row) or "", "end") == []
    assert len(classes(figures.mini(find("far-out")) or "", "end")) == 2
    assert classes(figures.mini(find("refinement-quality")) or "", "interval") == []


def test_ends_that_the_estimate_hides_are_not_drawn(find: Callable[[str], Row]) -> None:
    row = find("act-savings-mixed")
    near = replace(row.parts[0], low=row.parts[0].estimate, high=row.parts[0].estimate)
    assert len(classes(figures.strip(row, near), "interval")) == 1
    assert len(classes(figures.strip(row, row.parts[0]), "interval")) == 3


def test_lines_of_a_forest_share_one_axis(find: Callable[[str], Row]) -> None:
    rows = [find("act-savings-mixed"), find("gradient-variance")]
    axis = figures.forest_axis(rows)
    neutral = {
        across(line, "x1")
        for row in rows
        for line in classes(figures.forest_line(row, axis), "neutral")
    }
    assert len(neutral) == 1
    (tick,) = {figures.forest_ticks(axis, rows[:1]), figures.forest_ticks(axis, rows)}
    assert "equal" in tick
    open_row = find("far-out")
    assert 'class="plot line open"' in figures.forest_line(open_row, axis)


def test_a_ratio_beyond_a_shared_axis_is_an_arrow_at_its_end(find: Callable[[str], Row]) -> None:
    row = find("act-savings-mixed")
    far = replace(row.parts[0], estimate=500.0, low=400.0, high=600.0)
    rows = [row, replace(row, parts=(far,))]
    axis = figures.forest_axis(rows)
    assert (axis.low > 0.3, axis.high) == (True, figures.FARTHEST)
    drawn = figures.forest_line(rows[1], axis)
    assert not classes(drawn, "estimate")
    ends = classes(drawn, "end")
    assert {end.attrib["href"] for end in ends} == {"#mark-more"}
    assert {across(end, "x") for end in ends} == {96.0}


def test_shares_have_ticks_in_per_cent_and_their_differences_in_points() -> None:
    unit = "accuracy on all cells"
    points = make_part(Word.CONFIRMED, 0.44, log=False, unit=unit)
    level = make_part(Word.CONFIRMED, 0.44, log=False, unit=unit, labels=("trained",))
    said = []
    for part in (points, level):
        drawn = figures.strip(with_parts("shares", Word.CONFIRMED, part), part)
        said.append([tick.text or "" for tick in classes(drawn, "tick")])
    assert said[0][-1].startswith("+") and said[0][-1].removeprefix("+").isdigit()
    assert all(tick.endswith("\u00a0%") for tick in said[1])


def test_values_are_joined_once_a_step_and_seed(find: Callable[[str], Row]) -> None:
    for name, lines in (("controller-memory", 30), ("refinement-quality", 10)):
        row = find(name)
        (group,) = classes(figures.values(row, row.parts[0]) or "", "joined")
        assert len(group) == lines
    row = find("difficulty-correlation")
    assert figures.values(row, row.parts[0]) is None


def test_parts_of_a_conjunction_have_the_colours_of_their_own_words() -> None:
    words = (Word.CONFIRMED, Word.NO_EFFECT)
    row = with_parts("both", Word.NO_EFFECT, *(make_part(word, 0.7) for word in words))
    drawn = [figures.strip(row, part) for part in row.parts]
    assert ["strip holds" in str(one) for one in drawn] == [True, False]
    assert ["strip fails" in str(one) for one in drawn] == [False, True]
    alone = with_parts("undecided", Word.INCONCLUSIVE, make_part(Word.CONFIRMED, 0.7))
    assert "strip open" in str(figures.strip(alone, alone.parts[0])), "as its control has it"


def test_cells_whose_names_do_not_fit_have_numbers_and_a_legend(
    find: Callable[[str], Row],
) -> None:
    row = find("controller-memory")
    names = row.labels
    assert [t.text for t in classes(figures.values(row, row.parts[0]) or "", "tick")] == [*names]
    assert figures.numbered(names) == ""
    for labels in (("a name that is long", "another"), ("a", "b", "c and d", "e", "f")):
        assert svg.fitting(labels, figures.LETTERS) == [str(i + 1) for i, _ in enumerate(labels)]
        said = str(figures.numbered(labels))
        assert [said.index(f"<li>{name}</li>") for name in labels] == sorted(
            said.index(f"<li>{name}</li>") for name in labels
        )


def test_a_part_without_an_estimate_has_no_picture_in_a_finding(
    find: Callable[[str], Row],
) -> None:
    row = find("act-savings-mixed")
    for estimate in (None, 0.0, -1.0, math.inf, math.nan):
        assert figures.mini(replace(row, parts=(replace(row.parts[0], estimate=estimate),))) is None
    assert figures.mini(find("arc-agi-1")) is None


def test_an_exact_claim_has_a_square_a_check(find: Callable[[str], Row]) -> None:
    drawn = figures.agreement(find("params-increase")) or ""
    assert (len(classes(drawn, "check-agrees")), len(classes(drawn, "check-differs"))) == (0, 1)
    assert figures.agreement(find("arc-agi-1")) is None


ends = st.none() | st.floats(-1e12, 1e12) | st.sampled_from([0.0, 1.0, 1e-300, 1e300])


@st.composite
def odd_points(draw: st.DrawFn) -> Point:
    """Any pair that a judge may hand over."""
    kind = draw(st.sampled_from(["known", "between", "infinite"]))
    if kind == "infinite":
        return Point(
            seed=0, values={}, low=None, high=None, infinite=draw(st.sampled_from([-1, 1]))
        )
    low, high = draw(ends), draw(ends)
    if kind == "known":
        high = low
    elif low is not None and high is not None:
        low, high = sorted((low, high))
    values = {"lockstep": draw(ends), "compacted": draw(ends)}
    return Point(seed=0, values=values, low=low, high=high, read=draw(st.booleans()))


@pytest.mark.parametrize("value", [2.2e-311, 5e-324, 1.7e308])
def test_a_logarithmic_axis_leaves_out_what_its_ends_can_t_be_told_apart_at(value: float) -> None:
    axis = Axis.holding([value, 1.0], log=True)
    assert 0 < axis.low < 1 < axis.high
    assert not axis.has(value)
    assert axis.at(value) == (svg.LEFT if value < 1 else svg.RIGHT)


@given(st.lists(odd_points()), ends, ends, ends, st.booleans())
def test_whatever_was_measured_has_a_picture_with_every_mark_on_it(
    points: list[Point], estimate: float | None, low: float | None, high: float | None, log: bool
) -> None:
    part = make_part(Word.WEAKER, 0.7 if log else 0.3, log=log)
    part = replace(part, points=tuple(points), estimate=estimate, low=low, high=high)
    row = with_parts("anything", Word.WEAKER, part)
    assert sayings.picture(row, part)
    for drawn in (figures.strip(row, part), figures.mini(row), figures.values(row, part)):
        for element in ElementTree.fromstring(drawn or "<svg/>").iter():
            for name in ("x", "x1", "x2", "cx"):
                if element.attrib.get(name, "").endswith("%"):
                    assert 0 <= across(element, name) <= 100
            for name in ("y", "y1", "y2", "cy"):
                assert 0 <= float(element.attrib.get(name, 0)) <= 300


def test_every_picture_says_its_numbers_in_words(varied: Report) -> None:
    for row in varied.rows:
        for part in row.parts:
            root = ElementTree.fromstring(figures.strip(row, part))
            assert root.attrib["role"] == "img"
            assert part.verdict in root.attrib["aria-label"]
            assert sayings.counted_in(row, part) in root.attrib["aria-label"]


@pytest.mark.parametrize("name", ["act-savings-mixed", "refinement-quality"])
def test_colours_are_the_pages(find: Callable[[str], Row], name: str) -> None:
    row = find(name)
    for drawn in (figures.strip(row, row.parts[0]), figures.values(row, row.parts[0])):
        assert drawn is not None
        assert not re.search("#[0-9a-f]{3,6}\\b|rgb|style=", drawn)
