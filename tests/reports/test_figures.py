"""The figures show what the rows hold, where they hold it."""

import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import matplotlib as mpl
import pytest

from ablations.records import Report, Row
from reports import figures


@pytest.fixture
def find(varied: Report) -> Callable[[str], Row]:
    rows = {row.verdict.id: row for row in varied.rows}
    return rows.__getitem__


def spans(svg: str) -> dict[str, tuple[float, float]]:
    """Return where each claim's interval starts and ends, in the figure's pixels."""
    found = {}
    for group in ElementTree.fromstring(svg).iter("g"):
        if "data-claim" in group.attrib:
            drawn = group.find("path")
            assert drawn is not None
            xs = [float(x) for x, _ in re.findall(r"[ML] (\S+) (\S+)", drawn.attrib["d"])]
            found[group.attrib["data-claim"]] = (xs[0], xs[-1])
    return found


@pytest.mark.parametrize("narrow", [False, True])
def test_a_forest_draws_every_interval_to_one_logarithmic_scale(
    varied: Report, narrow: bool
) -> None:
    rows = [r for r in varied.rows if r.log and figures.drawable(r)]
    drawn = spans(figures.forest(rows, narrow=narrow))
    assert set(drawn) == {r.verdict.id for r in rows if r.verdict.low is not None}
    known = {r.verdict.id: r.verdict for r in rows}
    one, two = known["act-savings-mixed"], known["metarl-gradient-variance"]
    assert one.low and one.high and two.low and two.high
    (a, b), (c, d) = drawn[one.id], drawn[two.id]
    scale = (d - a) / math.log(two.high / one.low)
    assert b - a == pytest.approx(scale * math.log(one.high / one.low), abs=1e-3)
    assert c - a == pytest.approx(scale * math.log(two.low / one.low), abs=1e-3)


def test_differences_are_drawn_to_one_linear_scale(find: Callable[[str], Row]) -> None:
    drawn = spans(figures.forest([find("refinement-quality"), find("refinement-connection")]))
    (a, b), (c, d) = drawn["refinement-quality"], drawn["refinement-connection"]
    assert (d - c) / (b - a) == pytest.approx((6.0 - 2.2) / (7.8 + 1.4), abs=1e-4)


def test_an_unbounded_interval_ends_at_the_axis_and_widens_nothing(
    find: Callable[[str], Row],
) -> None:
    plain = [find("act-savings-mixed"), find("metarl-gradient-variance")]
    alone = spans(figures.forest(plain))
    beside = spans(figures.forest([*plain, find("deep-supervision")]))
    assert beside["act-savings-mixed"] == alone["act-savings-mixed"]
    low, high = beside["deep-supervision"]
    assert low < alone["act-savings-mixed"][0] and high > alone["metarl-gradient-variance"][1]


def test_a_row_without_an_estimate_or_off_its_axis_is_not_drawable(
    find: Callable[[str], Row],
) -> None:
    assert figures.drawable(find("one-pair")) and not figures.drawable(find("arc-agi-1"))
    row = find("act-savings-mixed")
    for estimate in (0.0, -1.0, math.inf, math.nan):
        assert not figures.drawable(replace(row, verdict=replace(row.verdict, estimate=estimate)))


def test_every_claims_own_figure_holds_its_interval_in_the_picture_and_in_words(
    varied: Report,
) -> None:
    for row in filter(figures.drawable, varied.rows):
        svg = figures.strip(row)
        label = ElementTree.fromstring(svg).attrib["aria-label"]
        assert "estimate" in label and row.verdict.verdict in label
        assert (row.verdict.id in spans(svg)) == (row.verdict.low is not None)


def test_pairs_hold_one_line_per_seed_and_one_dot_per_value(find: Callable[[str], Row]) -> None:
    for identity, seeds, values in (("act-savings-mixed", 12, 24), ("refinement-quality", 5, 15)):
        svg = figures.pairs(find(identity))
        assert svg is not None
        root = ElementTree.fromstring(svg)
        lines = [
            p
            for p in root.iter("path")
            if "stroke-opacity: 0.4" in p.attrib.get("style", "") and "L" in p.attrib["d"]
        ]
        dots = [u for u in root.iter("use") if "fill-opacity: 0.75" in u.attrib.get("style", "")]
        assert (len(lines), len(dots)) == (seeds, values)


def test_pairs_without_finite_values_are_not_drawn(find: Callable[[str], Row]) -> None:
    row = find("act-savings-mixed")
    broken = tuple(replace(p, values={"lockstep": math.inf, "other": 1.0}) for p in row.points)
    assert figures.pairs(replace(row, points=broken)) is None
    assert figures.pairs(replace(row, points=())) is None


def test_figures_take_their_colours_from_the_page(find: Callable[[str], Row]) -> None:
    row = find("act-savings-mixed")
    for svg in (figures.forest([row]), figures.strip(row), figures.pairs(row)):
        assert svg is not None
        assert "var(--ink)" in svg and not re.search("#[0-9a-f]{6}[^0-9a-f]", svg)


def test_a_users_plot_settings_have_no_say(find: Callable[[str], Row]) -> None:
    row = find("act-savings-mixed")
    settings: dict[Any, Any] = {"font.size": 30.0, "lines.linewidth": 9.0, "svg.fonttype": "path"}
    before = figures.strip(row)
    with mpl.rc_context(settings):
        assert figures.strip(row) == before
