"""Pictures with two axes, their captions, and the overview."""

import itertools
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from ablations.records.pictures import Kind, Line, Picture
from ablations.records.rows import Report
from ablations.rule.outcomes import Word
from reports import captions, lines, overview
from tests.reports.made import make_part, make_report, make_row, with_parts
from tests.reports.pictured import full_report, pictures

ROW = with_parts("drawn", Word.WEAKER, make_part(Word.WEAKER, 1 / 3.5, spread=0.02, seen=0.91))
every = pytest.mark.parametrize("kind", list(Kind))


def drawn(picture: Picture) -> ElementTree.Element:
    found = lines.drawn(ROW, picture)
    assert found is not None
    return ElementTree.fromstring(found)


def paths(root: ElementTree.Element, *classes: str) -> list[str]:
    return [
        e.attrib["d"]
        for e in root.iter("path")
        if set(e.attrib.get("class", "").split()) == set(classes)
    ]


@every
def test_every_kind_is_drawn_in_the_pages_colours_within_its_frame(kind: Kind) -> None:
    root = drawn(pictures()[kind])
    source = ElementTree.tostring(root, encoding="unicode")
    assert not re.search("#[0-9a-f]{3,6}\\b|rgb|style=", source)
    (inner,) = root.findall("svg")
    _, _, width, height = map(float, inner.attrib["viewBox"].split())
    assert len(inner) > 0
    for path in inner:
        numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", path.attrib["d"])]
        assert all(-1 <= n <= max(width, height) for n in numbers)


@every
def test_every_picture_says_its_numbers_and_what_it_does_not_show(kind: Kind) -> None:
    picture = pictures()[kind]
    label = drawn(picture).attrib["aria-label"]
    assert all(line.label in label for line in picture.lines)
    assert re.search(r"\d", label.split(":", 1)[1])
    said = captions.caption(ROW, picture)
    assert re.search("doesn’t|nothing", said), said
    assert "could have shown: 3.50 times" not in said
    assert said.endswith("pairs with this scatter could have shown: 9\u00a0% less.")


def test_a_curve_has_its_points_at_their_heights_and_its_band_around_it() -> None:
    line = Line(label="a", across=(0.0, 50.0, 100.0), middle=(0.0, 0.5, 1.0), n=3)
    line = replace(line, low=(0.0, 0.4, 0.9), high=(0.1, 0.6, 1.0))
    root = drawn(Picture(kind=Kind.COURSE, across="updates", up="accuracy", lines=(line,)))
    (path,) = paths(root, "s1")
    (x0, y0), (x1, y1), (x2, y2) = (
        tuple(map(float, point)) for point in re.findall(r"([\d.]+) ([\d.]+)", path)
    )
    assert x0 < x1 < x2
    assert y0 > y1 > y2  # pixels count downwards
    assert x1 - x0 == pytest.approx(x2 - x1, abs=1)
    (band,) = paths(root, "s1", "band")
    assert band.endswith("Z")
    assert len(re.findall(r"[\d.]+ [\d.]+", band)) == 6


def test_an_unknown_point_is_left_out_and_a_picture_without_any_is_none() -> None:
    line = Line(label="a", across=(0.0, 1.0), middle=(None, 2.0))
    picture = Picture(kind=Kind.COURSE, across="updates", up="accuracy", lines=(line,))
    assert paths(drawn(picture), "s1", "points")[0].count("M") == 1
    for empty in (replace(line, middle=(None, None)), Line(label="a", across=(), middle=())):
        assert lines.drawn(ROW, replace(picture, lines=(empty,))) is None
        assert lines.figure(ROW, replace(picture, lines=(empty,))) is None


def test_runs_that_never_arrived_are_counted_at_the_end_of_the_steps() -> None:
    picture = pictures()[Kind.ARRIVAL]
    root = drawn(picture)
    assert [t.text for t in root.iter("text") if t.text and "never" in t.text] == ["3 never"]
    steps = paths(root, "s1")[0]
    assert steps.count("H") == len(picture.lines[0].across) - 1
    assert "Never reached the target: 3 of 26 (lockstep)." in captions.caption(ROW, picture)


def test_counts_of_runs_that_never_arrived_do_not_lie_on_each_other() -> None:
    line = Line(label="a", across=(0.0, 400.0), middle=(0.0, 0.9), n=26, beyond=1)
    near = tuple(replace(line, label=f"{i}", middle=(0.0, 0.9 - i / 99)) for i in range(3))
    picture = replace(pictures()[Kind.ARRIVAL], lines=near)
    at = sorted(float(e.attrib["y"]) for e in drawn(picture).iter("text") if e.text == "1 never")
    assert len(at) == 3
    assert all(b - a >= 14 for a, b in itertools.pairwise(at))


def test_few_difficulties_are_the_ticks_themselves() -> None:
    line = Line(label="a", across=(1.0, 2.0), middle=(2.0, 3.0), n=26)
    picture = replace(pictures()[Kind.DIFFICULTY], lines=(line,))
    ticks = [e.text for e in drawn(picture).iter("text") if e.attrib.get("class") == "tick"]
    assert ticks == ["1", "2", picture.across]
    close = replace(line, across=(1.0, 1.01, 2.0), middle=(2.0, 2.0, 3.0))
    ticks = [
        e.text
        for e in drawn(replace(picture, lines=(close,))).iter("text")
        if e.attrib.get("class") == "tick"
    ]
    assert "1.01" not in ticks


def test_bytes_are_said_in_a_unit_of_three_digits() -> None:
    texts = [t.text for t in drawn(pictures()[Kind.MEMORY]).iter("text")]
    assert "MB" in texts
    assert all(len(text or "") < 7 for text in texts if text and text[0].isdigit())


def test_one_line_needs_no_key_and_several_have_one_each() -> None:
    assert lines.key(pictures()[Kind.STEPS]) == ""
    assert lines.key(pictures()[Kind.COURSE]).count("<svg") == 2


def test_places_with_long_names_are_numbered_and_named_in_the_key() -> None:
    picture = pictures()[Kind.CELLS]
    shown = {t.text for t in drawn(picture).iter("text")}
    assert {"1", "2", "3", "4"} <= shown
    assert all(f"<li>{name}</li>" in lines.key(picture) for name in picture.names)
    short = replace(picture, names=("a", "b", "c", "d"))
    assert {"a", "b", "c", "d"} <= {t.text for t in drawn(short).iter("text")}
    assert lines.key(short) == ""


@pytest.mark.parametrize(("axis", "said"), [("up", "Vertical"), ("across", "Horizontal")])
def test_a_long_name_of_an_axis_stands_above_the_picture(axis: str, said: str) -> None:
    picture = pictures()[Kind.COURSE]
    assert getattr(picture, axis) in {t.text for t in drawn(picture).iter("text")}
    assert 'class="key"' not in str(lines.figure(ROW, picture))
    name = "halting steps in training, over the last 25% of the updates"
    long = replace(picture, **{axis: name})
    assert name not in {t.text for t in drawn(long).iter("text")}
    assert f'<p class="key">{said} axis: {name}</p>' in str(lines.figure(ROW, long))


def test_the_smallest_effect_is_said_where_there_is_a_look() -> None:
    part = ROW.parts[0]
    assert captions.smallest(ROW, replace(part, look=0)) == []
    (said,) = captions.smallest(ROW, replace(part, seen=None))
    assert "couldn’t show that the claim holds" in said


def test_the_overview_is_text_in_the_pages_colours_and_twice_the_same() -> None:
    report = full_report(24, 26)
    for draw in (overview.effects, overview.words):
        overview._swarm.cache_clear()
        overview._heat.cache_clear()
        first = draw(report)
        overview._swarm.cache_clear()
        overview._heat.cache_clear()
        assert first is not None
        assert draw(report) == first
        assert "#0000" not in first
        assert "#0001" not in first
        assert "<text" in first
        assert "<metadata" not in first
        root = ElementTree.fromstring(first)
        assert root.attrib["role"] == "img"
        assert "HRM v2 enhancements" in root.attrib["aria-label"]


def test_the_swarm_has_a_claim_on_the_side_that_its_document_says() -> None:
    along = with_parts("along", Word.CONFIRMED, make_part(Word.CONFIRMED, 0.7))
    against = with_parts("against", Word.CONTRADICTED, make_part(Word.CONTRADICTED, 1.4))
    found = overview.leaning(along), overview.leaning(against)
    assert found[0] is not None
    assert found[1] is not None
    assert found[0] > 1 > -1 > found[1]
    far = with_parts("far", Word.CONFIRMED, make_part(Word.CONFIRMED, 1e-9))
    assert overview.leaning(far) == overview.FARTHEST
    assert overview.leaning(make_row("exact", Word.EXACT)) is None
    assert overview.effects(make_report((along, against))) is None
    assert overview.words(make_report(())) is None
    assert overview.words(make_report((make_row("late", Word.NOT_RUN),))) is None


def test_a_long_name_of_a_document_leaves_room_for_the_heat_map():
    row = make_row("far", Word.EXCEEDED, document="a document of many words " * 8)
    found = overview.words(make_report((row,)))
    assert found is not None and "a document of many words a document of …" in found


def test_every_number_of_the_overview_is_the_reports(varied: Report) -> None:
    found = overview.words(varied)
    assert found is not None
    shown = [
        t.text
        for t in ElementTree.fromstring(found).iter()
        if t.tag.endswith("}text") or t.tag == "text"
    ]
    counts = sorted(int(text) for text in shown if text and text.strip().isdigit())
    assert sum(counts) == len(varied.rows)
