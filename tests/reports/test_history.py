"""The page of the history, without asv."""

import re
from dataclasses import replace

import pytest

import reports
from ablations.records.history import History, Measured, Step, Steps
from reports import history
from tests.ablations.history.conftest import record

LEVELS = [0.004] * 8 + [0.005] * 4


@pytest.fixture
def made():
    commits = [
        record(n, seconds=level, claims={"gru-speed": "holds" if n % 2 else "open"})
        for n, level in enumerate(LEVELS)
    ]
    for commit in commits:
        commit.benchmarks["size.track_y"] = Measured(unit="bytes", version="1", values={"": 2.5e6})
    first, second = (
        Step(first=commits[a].commit, last=commits[b].commit, level=x)
        for a, b, x in ((0, 7, 0.004), (8, 11, 0.005))
    )
    steady = Step(first=commits[0].commit, last=commits[11].commit, level=2.5e6)
    steps = {"steps.time_x": {"gru": (first, second)}, "size.track_y": {"": (steady,)}}
    return History(commits=tuple(commits), steps=Steps(found=steps, by="asv 0.6.6"))


def test_series_have_values_and_levels_by_place(made):
    size, timed = history.series(made)
    assert (timed.name, timed.parameters, timed.unit) == ("steps.time_x", "gru", "seconds")
    assert timed.values == dict(enumerate(LEVELS))
    assert timed.levels == ((0, 7, 0.004), (8, 11, 0.005))
    assert timed.change == pytest.approx(0.25) and size.change == 0


def test_the_page_says_what_changed_and_where(made):
    page = history.page(made)
    assert "From 4 ms to 5 ms, 25\u00a0% more, at 0808080 (Change 8)." in page.replace(
        "4\u00a0ms", "4 ms"
    ).replace("5\u00a0ms", "5 ms")
    said = "12 commits, 1 January 2026: of 2 series of measurements, 1 went up by 5\u00a0% or more."
    assert said in page
    assert "2.5\u00a0MB; no step in 12 commits." in page


def test_a_level_of_one_commit_is_a_spike_and_no_change(made):
    levels = ((0, 4, 0.004), (5, 5, 0.009), (6, 11, 0.004))
    _, timed = history.series(made)
    spike = replace(timed, levels=levels)
    assert (spike.before, spike.change) == (0.004, 0.0)
    newest = replace(timed, levels=((0, 10, 0.004), (11, 11, 0.006)))
    assert newest.change == pytest.approx(0.5)
    assert replace(timed, levels=((0, 0, 0.02), (1, 11, 0.004))).before is None


def test_claims_whose_group_changed_stand_before_those_that_kept_theirs():
    claims = (
        {"a": "open", "b": "holds", "c": "open", "d": "open"},
        {"a": "fails", "b": "holds", "c": "holds"},
    )
    commits = [record(n, claims=of) for n, of in enumerate(claims)]
    assert history.judged(commits) == (["c", "a"], ["b", "d"])
    page = history.page(History(commits=tuple(commits), steps=Steps(found={}, by="")))
    assert page.index("#c") < page.index("#a") < page.index("2 claims have kept theirs")
    assert re.search(
        r"<code>0101010</code></th><td>Change 1</td>"
        + "".join(rf'<td class="figures">{n}</td>' for n in (2, 0, 1, 0)),
        page,
    )


def test_the_page_says_under_which_conditions_it_was_measured(made):
    page = history.page(made)
    assert "Measured on c, 2 cores." in page
    assert "0.4 to 0.4 processes per core were running" in page
    assert "In 12 of 12 commits, each time is from one or two samples." in page


def test_every_series_and_every_judged_claim_is_drawn_with_its_numbers_in_words(made):
    page = history.page(made)
    labels = re.findall(r'<svg class="plot (\w+)"[^>]*aria-label="([^"]*)"', page)
    kinds = [kind for kind, _ in labels]
    assert kinds.count("series") == 3 and kinds.count("strip") == 1  # one of them changed
    assert any(
        "12 commits, 4\u00a0ms to 5\u00a0ms, newest 5\u00a0ms" in label for _, label in labels
    )
    assert 'href="index.html#gru-speed"' in page


def test_dots_stand_in_the_order_of_commits_within_the_picture(made):
    _, timed = history.series(made)
    xs = [float(x) for x in re.findall(r'<circle cx="([\d.]+)%"', str(history.drawn(timed, 12)))]
    assert xs == sorted(xs) and xs[0] == 4 and xs[-1] == 96
    assert history.at(0, 1) == 50


def test_equal_histories_give_equal_pages_that_ask_nobody_for_anything(made):
    page = history.page(made)
    assert page == history.page(made)
    assert not re.search(r"(src|href)=\"(https?:)?//", page) and "<script" not in page


def test_another_version_or_commit_doesnt_join_a_series(made):
    new = record(20, seconds=9.0)
    new.benchmarks["steps.time_x"] = Measured(unit="seconds", version="2", values={"gru": 9.0})
    more = replace(made, commits=(*made.commits, new))
    (timed,) = [s for s in history.series(more) if s.name == "steps.time_x"]
    assert timed.values == {12: 9.0}


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.0123, "seconds", "12.3\u00a0ms"),
        (2.5e-6, "seconds", "2.5\u00a0µs"),
        (1234, "bytes", "1.23\u00a0kB"),
        (0.97, "ratio", "0.97"),
        (844610, "parameters", "844,610 parameters"),
        (7.07e9, "operations", "7.07\u00a0billion operations"),
        (0.0, "seconds", "0 seconds"),
    ],
)
def test_numbers_have_the_unit_that_suits_them(value, unit, said):
    assert history.amount(value, unit) == said


def test_hostile_subjects_are_escaped(made):
    hostile = replace(made.commits[8], subject="<script>x</script>")
    commits = tuple(hostile if c is made.commits[8] else c for c in made.commits)
    assert "<script" not in history.page(replace(made, commits=commits))


def test_a_report_links_to_its_history_where_there_is_one(varied, made, tmp_path):
    index = reports.render(varied, tmp_path, history=made)
    assert (tmp_path / "history.html").read_text(encoding="utf-8") == history.page(made)
    assert 'href="history.html"' in index.read_text(encoding="utf-8")
    assert 'href="history.html"' not in reports.page(varied)


def test_a_claim_that_the_history_has_links_to_its_groups_there(varied, made):
    (row, *_), claim = varied.rows, "gru-speed"
    known = replace(row, verdict=replace(row.verdict, id=claim))
    page = reports.page(replace(varied, rows=(known, *varied.rows[1:])), history=made)
    assert page.count('href="history.html#') == 1
    assert f'href="history.html#{claim}"' in page and f'id="{claim}"' in history.page(made)


def test_the_page_reads_in_a_browser_without_errors_or_a_sideways_scroll(browser, made, tmp_path):
    path = tmp_path / "history.html"
    path.write_text(history.page(made), encoding="utf-8")
    said = []
    for width in (360, 1280):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.close()
    assert not said
