"""The calibration: what it draws, where it plants the truth, what it counts, what it withholds."""

import importlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ablations.power import minimum_detectable
from ablations.sequential import looks
from ablations.verdict import measure, settle, words
from scipy import stats

from ablations import calibration, claims, family, noise, places, spending
from ablations.calibration import bounded, calibrate, flag, load, save, shown
from ablations.noise import ALL, ONE, shapes, worlds
from ablations.records import Tier, Word, Zones
from ablations.simulation import PowerTask, Task, WholeTask
from ablations.tables import Calibration, Cell, Whole
from hrm.errors import UserError

LEVEL = 1 - 0.05 / 79


def a_cell(**changes):
    given = {
        "form": "quality",
        "noise": "normal",
        "varies": ONE,
        "n": 20,
        "looks": False,
        "level": LEVEL,
        "replicates": 200_000,
        "wrong": {"CONFIRMED": 60, "WEAKER": 70},
        "place": {"CONFIRMED": "weak edge", "WEAKER": "weak edge"},
        "plain": 90,
    }
    return Cell(**{**given, **changes})


def a_table(cells=None, **changes):
    if cells is None:
        cells = [
            a_cell(noise=shape, n=n, varies=varies)
            for shape in shapes
            for n in (12, 20, 40)
            for varies in (ONE, ALL)
        ]
    given = {
        "digest": calibration.digest(),
        "level": LEVEL,
        "replicates": 200_000,
        "cells": tuple(cells),
        "wholes": (Whole(looks=False, members=79, reports=10_000, confirmed=200, wrong=300),),
        "powers": (),
    }
    return Calibration(**{**given, **changes})


def short(monkeypatch):
    """A table of few cells."""
    monkeypatch.setattr(calibration, "sizes", (12,))
    monkeypatch.setattr(calibration, "sharp_replicates", {12: 50})
    monkeypatch.setattr(calibration, "fewest_reports", 10)
    few = {"quality": worlds["quality"], "non-inferior": worlds["non-inferior"]}
    monkeypatch.setattr(calibration, "worlds", few)
    monkeypatch.setattr(calibration, "enough", 20)
    monkeypatch.setattr(calibration, "shapes", {"normal": shapes["normal"]})


# -- noise ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("varies", [ONE, ALL])
@pytest.mark.parametrize("form", worlds)
@pytest.mark.parametrize("shape", shapes)
def test_contrasts_are_standard_and_symmetric_where_all_arms_vary(form, shape, varies):
    world = worlds[form]
    if world.arms == 1 and varies == ALL:
        with pytest.raises(AssertionError):
            world.draw(shapes[shape], varies, np.random.default_rng(0), (2, 2))
        return
    x = world.draw(shapes[shape], varies, np.random.default_rng(1), (4000, 20))
    assert x.shape == (4000, 20)
    assert (x.mean(), x.std()) == pytest.approx((0, 1), abs=1e-9)
    lopsided = abs(np.quantile(x, 0.9) + np.quantile(x, 0.1))
    if varies == ALL and form != "factorial":
        assert lopsided < (0.25 if form == "time-to-target" else 0.06)
    if varies == ONE and shape == "lognormal" and form != "time-to-target":
        assert lopsided > 0.2


@pytest.mark.parametrize("shape", ["normal", "lognormal", "outliers"])
def test_noises_have_the_shapes_that_they_are_named_for(shape):
    x = shapes[shape](np.random.default_rng(2), (200_000,))
    if shape == "outliers":
        assert (x > x.mean() + 1.5).mean() == pytest.approx(0.05, abs=0.004)
        return
    x = np.log(x) if shape == "lognormal" else x
    assert (stats.skew(x), stats.kurtosis(x)) == pytest.approx((0, 0), abs=0.03)


def test_ties_are_equal_five_times_in_eight_and_times_lie_on_their_grid():
    x = shapes["ties"](np.random.default_rng(3), (100_000,))
    _, counts = np.unique(x, return_counts=True)
    assert counts.max() / len(x) == pytest.approx(
        stats.norm.cdf(1.5) - stats.norm.cdf(-0.5), abs=0.01
    )
    times = noise._times(np.random.default_rng(4).standard_normal((2, 1000)))
    assert (times % noise.cadence == 0).all()


# -- places ---------------------------------------------------------------------------------------
def test_every_word_that_can_be_false_is_false_somewhere():
    for margin, found in ((False, set(words[:-1])), (True, {Word.CONTRADICTED, Word.CONFIRMED})):
        assert {w for place in places.places(margin) for w in place.false} >= found - {
            Word.NO_EFFECT if margin else None
        }


@pytest.mark.parametrize("margin", [False, True])
def test_what_an_interval_around_the_truth_alone_says_is_never_false(margin):
    """The rule and the words' meanings agree: an interval that holds the truth isn't wrong."""
    for place in places.places(margin):
        for width in (1e-12, 0.1, 3.0, 30.0):
            for off in (-0.9, 0.0, 0.9):
                samples = replace(
                    measure(np.linspace(-1, 1, 20)[None] * width, 0.95),
                    mean=np.array([place.truth + off * width]),
                    half=np.array([width]),
                )
                samples = replace(samples, values=samples.values + samples.mean[:, None])
                word = words[settle(samples, place.zones, symmetric=True)[0]]
                assert places.says(word, place.truth, place.zones), (place.name, width, off)


@pytest.mark.parametrize(
    ("word", "zones", "true", "false"),
    [
        (Word.CONTRADICTED, {}, [-1.1], [-1.0, 0.0, 2.0]),
        (Word.NO_EFFECT, {}, [-1.0, 1.0], [-1.1, 1.1]),
        (Word.CONFIRMED, {}, [1.1], [1.0, -2.0]),
        (Word.CONFIRMED, {"band": (2.0, 3.0)}, [2.0, 3.0], [1.9, 3.1]),
        (Word.CONFIRMED, {"band": (2.0, 3.0), "at_least": True}, [2.0, 9.0], [1.9]),
        (Word.CONFIRMED, {"band": (0.5, 3.0)}, [1.1], [0.7]),
        (Word.CONFIRMED, {"margin": True}, [-0.9, 5.0], [-1.0]),
        (Word.EXCEEDED, {"band": (2.0, 3.0)}, [3.1], [3.0]),
        (Word.WEAKER, {"band": (2.0, 3.0)}, [1.5], [1.0, 2.0]),
        (Word.DIRECTION_ONLY, {}, [0.1], [0.0, -0.1]),
        (Word.INCONCLUSIVE, {}, [0.0, 9.0], []),
    ],
)
def test_words_mean_what_they_say(word, zones, true, false):
    fixed = Zones(null=1.0, null_reason="test", **zones)
    assert all(places.says(word, truth, fixed) for truth in true)
    assert not any(places.says(word, truth, fixed) for truth in false)


# -- cells ----------------------------------------------------------------------------------------
def test_equal_tasks_give_equal_cells_and_other_tasks_other_ones():
    task = Task(form="quality", noise="t3", varies=ALL, n=12, level=0.9, replicates=3000)
    first, again = task.run(), task.run()
    assert first == again
    assert (first.form, first.noise, first.varies, first.n) == ("quality", "t3", ALL, 12)
    assert first.wrong != replace(task, n=16).run().wrong
    assert set(first.wrong) == set(first.place) == {w.value for w in words[:-1]}


def test_normal_noise_in_all_arms_is_wrong_half_as_often_as_the_level_says():
    task = Task(form="ratio", noise="normal", varies=ALL, n=20, level=0.95, replicates=20_000)
    found = bounded(task.run())
    assert 0.4 < found.rate < found.bound < 0.62
    assert found.within
    assert found.plain is None


def test_a_tail_in_one_arm_is_wrong_many_times_too_often_unless_the_interval_is_wider():
    task = Task(form="quality", noise="lognormal", varies=ONE, n=20, level=LEVEL, replicates=20_000)
    found = bounded(task.run())
    assert found.plain > 10
    assert found.rate < 1.25


@pytest.mark.slow
@pytest.mark.parametrize("n", [14, 18, 26, 36])
@pytest.mark.parametrize("shape", ["lognormal", "outliers"])
def test_between_the_sizes_of_the_table_the_wider_interval_is_wide_enough(shape, n):
    task = Task(form="quality", noise=shape, varies=ONE, n=n, level=LEVEL, replicates=40_000)
    assert bounded(task.run()).rate < 1.25


def test_a_rule_without_its_guards_is_found_out(monkeypatch):
    task = Task(form="quality", noise="ties", varies=ALL, n=12, level=LEVEL, replicates=4000)
    assert bounded(task.run()).rate < 3
    monkeypatch.setattr("ablations.verdict.critical", lambda n, level: 1.5)
    assert bounded(task.run()).rate > 20


@pytest.mark.parametrize("form", ["quality", "ratio", "non-inferior", "trend"])
def test_several_looks_are_calibrated_too(form):
    task = Task(form=form, noise="normal", varies=ALL, n=32, level=0.9, replicates=4000, looks=True)
    found = bounded(task.run())
    assert 0.2 < found.rate < 0.7
    assert found.looks
    assert replace(task, varies=ONE).run().plain is None


@pytest.mark.parametrize("symmetric", [True, False])
def test_a_plans_power_is_measured_at_the_distance_that_it_calls_detectable(symmetric):
    task = PowerTask(symmetric=symmetric, n=20, level=LEVEL, samples=500)
    found = task.run()
    assert found == task.run()
    assert 0.7 < found.confirmed / found.samples < 0.9
    assert found.distance == minimum_detectable(1.0, 20, LEVEL, 0.8, symmetric=symmetric)


def test_whole_reports_count_those_with_any_false_confirmation():
    found = WholeTask(looks=False, members=30, reports=300, level=0.9).run()
    assert (found.members, found.reports) == (30, 300)
    assert 0.1 < found.confirmed / 300 < 0.9  # 30 members at 90 % each, not as a family
    strict = WholeTask(looks=False, members=30, reports=300, level=1 - 0.05 / 30).run()
    assert strict.confirmed <= strict.wrong
    assert strict.confirmed / 300 < 0.08
    assert WholeTask(looks=True, members=30, reports=300, level=1 - 0.05 / 30).run().looks


# -- the table ------------------------------------------------------------------------------------
def test_a_table_grows_cell_by_cell_and_is_resumed(monkeypatch, tmp_path):
    short(monkeypatch)
    path, told = tmp_path / "new" / "table.json", []

    def interrupt(share):
        told.append(share)
        if len(told) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate(60, 79, path=path, progress=interrupt)
    assert not path.exists()
    assert len(load(tmp_path / "new" / "table.json.part").cells) == 3
    left = []
    made = calibrate(60, 79, path=path, progress=left.append)
    assert (told[0], left[0], left[-1]) == pytest.approx((0.0, told[-1], 1.0))
    assert left == sorted(left)
    assert len(left) == 1 + len(made.cells) + len(made.wholes) + len(made.powers) - 3
    assert [p.name for p in path.parent.iterdir()] == ["table.json"]
    assert load(path) == made == calibrate(60, 79)
    drawn = []
    assert calibrate(60, 79, path=path, progress=drawn.append) == made
    assert drawn == []
    assert calibrate(61, 79, path=path) != made


def test_two_processes_fill_the_same_table_as_one(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where the machine's lock is
    task = Task(form="quality", noise="normal", varies=ALL, n=12, level=0.9, replicates=50)
    tasks = [task, replace(task, noise="t3")]
    assert dict(calibration._run(tasks, 2)) == {t: t.run() for t in tasks}


def test_a_killed_process_ends_the_calibration_with_a_way_on(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where the machine's lock is
    task = Task(form="quality", noise="normal", varies=ALL, n=12, level=0.9, replicates=50)
    monkeypatch.syspath_prepend(Path(__file__).parent)
    die = importlib.import_module("tiny_workloads.jobs").die
    monkeypatch.setattr(calibration, "_work", die)
    with pytest.raises(UserError, match=r"killed.*run the same command again"):
        list(calibration._run([task, replace(task, n=16)], 2))


def test_what_cannot_be_written_is_refused_before_anything_is_drawn(tmp_path):
    (tmp_path / "file").write_text("")
    for path, why in ((tmp_path, "it is a folder"), (tmp_path / "file" / "x", "can't be written")):
        with pytest.raises(UserError, match=why):
            calibrate(10**9, 79, path=path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_table_of_another_engine_or_family_is_not_resumed(monkeypatch, tmp_path):
    short(monkeypatch)
    path = tmp_path / "table.json"
    made = calibrate(50, 79, path=path)
    save(replace(made, digest="another"), path)
    fresh = []
    assert calibrate(50, 79, path=path, progress=fresh.append) == made
    assert fresh[0] == 0.0


def test_a_file_that_is_no_table_is_the_users_mistake(tmp_path):
    for text in ("", "[]", "{}", '{"digest": 1}'):
        (tmp_path / "table.json").write_text(text)
        with pytest.raises(UserError, match="holds no calibration"):
            load(tmp_path / "table.json")


def test_the_digest_covers_the_engine_and_nothing_else():
    import ablations.sources

    listed = ablations.sources.closure([f"ablations.{name}" for name in calibration.engine])
    assert {f"ablations.{name}" for name in calibration.engine} <= set(listed)
    assert len(calibration.digest()) == 64
    assert "report" not in calibration.engine


# -- what is withheld -----------------------------------------------------------------------------
def test_a_claim_within_its_cell_is_decided():
    for n in (12, 15, 20, 39, 40, 1000):
        assert flag(a_table(), "quality", n, symmetric=False, level=LEVEL) == ""
        assert flag(a_table(), "quality", n, symmetric=True, level=LEVEL) == ""


def test_one_noise_beyond_its_bound_withholds_its_form_its_pairs_and_its_arms_alone():
    cells = [
        replace(c, wrong={"NO EFFECT": 150}) if (c.n, c.noise, c.varies) == (20, "t3", ONE) else c
        for c in a_table().cells
    ]
    table = a_table(cells)
    assert "at 20 pairs with t3 noise in one arm" in flag(
        table, "quality", 20, symmetric=False, level=LEVEL
    )
    assert flag(table, "quality", 31, symmetric=False, level=LEVEL) != ""
    assert flag(table, "quality", 40, symmetric=False, level=LEVEL) == ""
    assert flag(table, "quality", 19, symmetric=False, level=LEVEL) == ""
    assert flag(table, "quality", 20, symmetric=True, level=LEVEL) == ""


def test_looks_beyond_their_bound_withhold_claims_of_that_form_that_were_looked_at():
    forms = ("quality", "trend")
    cells = [replace(cell, form=form) for form in forms for cell in a_table().cells]
    cells += [
        a_cell(noise=shape, looks=True, n=32, form=form) for form in forms for shape in shapes
    ]
    for form in forms:
        assert flag(a_table(cells), form, 20, symmetric=False, level=LEVEL, looks=True) == ""
    cells[-1] = replace(cells[-1], wrong={"CONFIRMED": 150})
    found = flag(a_table(cells), "trend", 20, symmetric=False, level=LEVEL, looks=True)
    assert found.startswith("after several looks with ties noise in one arm")
    assert flag(a_table(cells), "trend", 20, symmetric=False, level=LEVEL) == ""
    assert flag(a_table(cells), "quality", 20, symmetric=False, level=LEVEL, looks=True) == ""


def test_looks_that_were_drawn_for_another_form_or_for_other_arms_stand_for_nothing():
    looks = [a_cell(noise=shape, looks=True, n=32) for shape in shapes]
    trend = [replace(cell, form="trend") for cell in a_table().cells]
    cells = [*a_table().cells, *trend, *looks]
    for form, symmetric in (("trend", False), ("quality", True)):
        found = flag(a_table(cells), form, 32, symmetric=symmetric, level=LEVEL, looks=True)
        assert found.endswith("aren't calibrated after several looks")


def test_a_cell_of_a_claims_pairs_withholds_it_after_several_looks_too():
    cells = [
        replace(c, wrong={"NO EFFECT": 150}) if (c.n, c.noise, c.varies) == (20, "t3", ONE) else c
        for c in a_table().cells
    ]
    cells += [a_cell(noise=shape, looks=True, n=32) for shape in shapes]
    found = flag(a_table(cells), "quality", 20, symmetric=False, level=LEVEL, looks=True)
    assert found.startswith("at 20 pairs with t3 noise in one arm")


def test_every_form_that_can_be_looked_at_has_cells_of_its_looks():
    tasks = [task for task in calibration._tasks(1, LEVEL) if task.looks]
    drawn = {(task.form, task.varies, task.noise) for task in tasks}
    assert len(drawn) == len(tasks)
    assert {task.n for task in tasks} == {looks[-1]}
    for claim in filter(spending.looks_at, claims.specs()):
        varies = ALL if claim.statistics.symmetry else ONE
        assert {(claim.statistics.name, varies, shape) for shape in shapes} <= drawn
    for form, world in worlds.items():
        for varies in (ONE, ALL):
            timed_or_impossible = form == "timing" or (varies == ALL and world.arms == 1)
            assert ((form, varies, "ties") in drawn) != timed_or_impossible


def test_what_is_not_calibrated_is_withheld():
    assert flag(None, "quality", 20, symmetric=True, level=LEVEL) == "nothing is calibrated yet"
    for table, form, n in (
        (a_table(), "ratio", 20),
        (a_table(), "quality", 11),
        (a_table([c for c in a_table().cells if c.noise != "ties"]), "quality", 20),
        (a_table([replace(c, level=0.95) for c in a_table().cells]), "quality", 20),
        (a_table([replace(c, looks=True) for c in a_table().cells]), "quality", 20),
    ):
        assert "aren't calibrated" in flag(table, form, n, symmetric=False, level=LEVEL)


def test_too_few_replicates_do_not_pass_for_a_bound():
    assert not bounded(a_cell(replicates=2000, wrong={"CONFIRMED": 0})).within
    assert bounded(a_cell(replicates=20_000, wrong={"CONFIRMED": 0})).within
    assert not bounded(a_cell(wrong={"CONFIRMED": 0, "WEAKER": 145})).within


def test_the_report_says_whether_the_engine_is_the_one_that_was_measured():
    made = a_table()
    found = shown(made, 79)
    assert found.current
    assert len(found.cells) == len(made.cells)
    assert (found.whole, found.limit) == (0.02, 1.25)
    assert 0.02 < found.whole_bound < 0.025
    assert not shown(replace(made, digest="another"), 79).current
    assert not shown(made, 80).current
    assert shown(None, 79) is None


# -- the committed table --------------------------------------------------------------------------
def test_the_committed_table_has_every_cell_and_keeps_whole_reports_within_five_percent():
    made = calibration.committed()
    assert made is not None
    assert made.level == family.level()
    wanted = {
        (t.form, t.noise, t.varies, t.n, t.looks, t.level) for t in calibration._tasks(1, LEVEL)
    }
    assert {(c.form, c.noise, c.varies, c.n, c.looks, c.level) for c in made.cells} == wanted
    found = shown(made, len(family.members()))
    assert found.whole_bound <= calibration.most_wrong
    assert len(made.wholes) == 2


@pytest.mark.parametrize("form", worlds)
@pytest.mark.parametrize("n", [20, 32, 40])
def test_no_verdict_of_any_form_is_withheld_at_the_pairs_of_tiers(form, n):
    made = calibration.committed()
    assert flag(made, form, n, symmetric=form == "timing", level=LEVEL) == ""


def test_no_verdict_of_a_claim_or_control_is_withheld_at_the_pairs_that_it_plans():
    made, decided = calibration.committed(), set()
    for spec in (*claims.specs(), *(control.spec for control in claims.controls())):
        form = spec.statistics
        for tier in Tier if form is not None else ():
            n = spec.seeds[tier] * spec.pairs
            if spec.trained and tier is Tier.QUICK:
                continue
            said = flag(made, form.name, n, symmetric=bool(form.symmetry), level=LEVEL)
            assert said == "", (spec.id, tier)
            decided.add(tier)
    assert decided == set(Tier)


@pytest.mark.parametrize("claim", [*filter(spending.looks_at, claims.specs())], ids=lambda c: c.id)
@pytest.mark.parametrize("n", looks[2:])
def test_no_verdict_is_withheld_at_the_looks_that_settle_claims(claim, n):
    form = claim.statistics
    made = calibration.committed()
    assert flag(made, form.name, n, symmetric=bool(form.symmetry), level=LEVEL, looks=True) == ""


def test_the_committed_powers_are_within_three_points_of_what_plans_promise():
    powers = calibration.committed().powers
    assert {(p.symmetric, p.n) for p in powers} == {
        (symmetric, n) for symmetric in (True, False) for n in calibration.sizes
    }
    for power in powers:
        assert power.samples >= 10_000
        assert abs(power.confirmed / power.samples - power.promised) < 0.03


def test_a_saved_table_comes_back_and_is_one_line_a_cell(tmp_path):
    path = tmp_path / "table.json"
    save(a_table(), path)
    assert load(path) == a_table()
    assert json.loads(path.read_text())["level"] == LEVEL
    assert sum('"form"' in line for line in path.read_text().splitlines()) == len(a_table().cells)
