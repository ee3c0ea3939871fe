"""Training: seeds, boards, budgets, and what a run leaves."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ablations.metrics.scores import Accuracy
from ablations.protocols import boards, ours, train
from ablations.specs.protocols import Evaluate
from hrm.errors import Diverged, UserError
from hrm.tasks.regression import Regression
from hrm.training import compiled
from tests.ablations.protocols.plain_network import PlainNetwork
from tests.ablations.protocols.tiny import (
    BOARDS,
    SHORT,
    TRAIN,
    board,
    observed,
    outcome,
    without_dropout,
)

FRESH = replace(TRAIN, boards=replace(BOARDS, seed=None))


def same(a, b):
    assert set(a) == set(b)
    return all(np.array_equal(a[key], b[key]) for key in a)


# -- what is drawn from what ----------------------------------------------------------------------
def test_equal_seeds_give_equal_runs_and_others_other_ones():
    first, again, other = (observed(TRAIN, board(), seed=seed) for seed in (0, 0, 1))
    assert same(first, again)
    assert not np.array_equal(first["update_loss"], other["update_loss"])


def test_each_seed_has_boards_of_its_own_unless_the_boards_have_a_seed():
    def inputs(given, seed):
        return boards.table(given, seed).splits.test.inputs

    assert not np.array_equal(inputs(FRESH.boards, 0), inputs(FRESH.boards, 1))
    assert np.array_equal(inputs(BOARDS, 0), inputs(BOARDS, 1))
    assert np.array_equal(inputs(BOARDS, 0), inputs(FRESH.boards, 1)), "the seed of BOARDS is 1"


def test_boards_are_dealt_once_a_process_and_found_on_disk_by_the_next(monkeypatch):
    boards._table.cache_clear()
    first = boards.table(BOARDS, 0)
    assert boards.table(BOARDS, 5) is first
    boards._table.cache_clear()
    monkeypatch.setattr(type(BOARDS.task), "generate", lambda *_: pytest.fail("made again"))
    again = boards.table(BOARDS, 0)
    assert again is not first
    assert again.splits.train.digest() == first.splits.train.digest()


def test_a_cache_that_cannot_be_written_stops_nothing(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    boards._table.cache_clear()
    assert len(boards.table(replace(BOARDS, seed=77), 0).splits.test) == 16


def test_replicas_share_boards_and_rates_and_draw_their_own_weights_and_order():
    with_rates = replace(FRESH, rate_factors=(0.5, 2.0))
    first, second = (
        outcome(replace(with_rates, replica=number), board(), seed=3) for number in (0, 1)
    )
    a, b = first.observations[0], second.observations[0]
    assert a["rate_factor"] == b["rate_factor"] != 1.0
    assert np.array_equal(a["trivial_right"], b["trivial_right"])
    assert not np.array_equal(a["update_loss"], b["update_loss"])
    assert not torch.equal(first.weights["embed.map.weight"], second.weights["embed.map.weight"])


def test_the_factor_of_the_rates_is_drawn_log_uniformly_by_the_seed_alone():
    protocol = replace(TRAIN, rate_factors=(0.5, 2.0))
    factors = [train.rate_factor(protocol, seed) for seed in range(400)]
    assert all(0.5 <= f <= 2.0 for f in factors)
    assert abs(np.mean(np.log(factors))) < 0.06  # the log's sd is 0.4, of the mean 0.02
    assert train.rate_factor(protocol, 7) == factors[7]
    assert train.rate_factor(replace(protocol, boards=FRESH.boards, replica=2), 7) == factors[7]
    assert train.rate_factor(TRAIN, 7) == 1.0


def test_all_rates_are_multiplied_and_nothing_else():
    given = replace(SHORT, learning_rate=1e-2, halting_rate=1e-3, puzzle_rate=None)
    found = train.scaled(given, 2.0)
    assert (found.learning_rate, found.halting_rate, found.puzzle_rate) == (2e-2, 2e-3, None)
    assert replace(found, learning_rate=1e-2, halting_rate=1e-3) == given


# -- what is planted ------------------------------------------------------------------------------
def test_a_share_of_the_labels_is_exchanged_for_other_classes():
    dealt = boards.table(BOARDS, 0)
    given = dealt.splits.train
    spoilt = train.mislabelled(dealt.task, given, 0.5, 0)
    changed = (spoilt.targets != given.targets).mean()
    assert changed == pytest.approx(0.5, abs=0.06)
    assert spoilt.targets.min() >= 0
    assert spoilt.targets.max() < dealt.task.classes
    assert np.array_equal(spoilt.inputs, given.inputs)
    assert train.mislabelled(dealt.task, given, 0.0, 0) is given


def test_wrong_labels_reach_the_training_and_the_scores_stay_those_of_the_right_ones():
    right, wrong = observed(TRAIN, board()), observed(replace(TRAIN, wrong_labels=1.0), board())
    assert not np.array_equal(right["update_loss"], wrong["update_loss"])
    assert np.array_equal(right["trivial_right"], wrong["trivial_right"])


def test_numbers_have_no_wrong_labels():
    task = Regression()
    given = boards.Table(task, task.generate(0, 4, 2, 2)).splits.train
    with pytest.raises(UserError, match=r"wrong_labels is 0\.5"):
        train.mislabelled(task, given, 0.5, 0)


# -- what is left ---------------------------------------------------------------------------------
def test_a_run_leaves_its_course_and_its_boards():
    found = observed(replace(TRAIN, training=replace(SHORT, updates=5, evaluate_every=2)), board())
    assert found["evaluation_update"].tolist() == [2, 4, 5]
    assert len(found["update_loss"]) == len(found["update_norm"]) == 5
    assert (found["update_norm"] > 0).all()
    assert found["evaluation_loss"][0] == pytest.approx(found["update_loss"][:2].mean(), rel=1e-6)
    per_board = ("right", "unknown", "all_right", "exact", "valid", "steps", "difficulty")
    assert {len(found[key]) for key in (*per_board, "trivial_right")} == {16}
    assert found["right"].dtype == found["unknown"].dtype == np.uint8
    assert (found["right"] <= found["unknown"]).all()
    assert found["parameters"] == sum(p.numel() for p in ours.initial(board(), 0).parameters())
    assert found["max_steps"] == 3
    assert found["trivial_method"] in ("copy", "frequent", "candidate")


def test_what_is_stored_gives_the_tasks_own_scores():
    trained = outcome(TRAIN, board())
    (found,) = trained.observations
    dealt, model = boards.table(BOARDS, 0), ours.own(board())
    model.build(dealt.task, 0, "cpu")
    model.load(trained.weights)
    scores = dealt.task.score(dealt.splits.test, model.answer(dealt.splits.test).predictions)
    read = {
        cells: Accuracy(cells=cells).read(found).low
        for cells in ("unknown", "all", "exact", "valid")
    }
    expected = {"unknown": scores.unknown, "all": scores.tokens}
    expected |= {"exact": scores.exact, "valid": scores.valid}
    assert read == {cells: pytest.approx(shares.mean()) for cells, shares in expected.items()}


def test_final_weights_answer_as_the_training_said():
    trained = outcome(TRAIN, board())
    again = observed(Evaluate(after=TRAIN), board(), weights=trained.weights)
    for key in ("right", "exact", "valid", "steps", "trivial_right"):
        assert np.array_equal(trained.observations[0][key], again[key])


def test_averaged_weights_are_what_a_run_leaves():
    averaging = replace(TRAIN, training=replace(SHORT, ema=0.9))
    plain, averaged = (outcome(protocol, board()).weights for protocol in (TRAIN, averaging))
    assert not torch.equal(plain["embed.map.weight"], averaged["embed.map.weight"])


def test_a_run_that_diverges_says_where_and_what_it_saw_before():
    wild = replace(SHORT, updates=40, learning_rate=1e30)
    with pytest.raises(Diverged) as error:
        outcome(replace(TRAIN, training=wild), board())
    (seen,) = error.value.metrics
    assert len(seen["update_loss"]) in (error.value.step - 1, error.value.step)
    assert all(math.isfinite(loss) for loss in seen["update_loss"])


def test_compiled_steps_leave_what_eager_ones_do(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    monkeypatch.setattr(compiled, "_graphs", type(compiled._graphs)())
    system = without_dropout(board())
    eager, other = (observed(replace(TRAIN, compiled=how), system) for how in (False, True))
    assert eager.keys() == other.keys()
    for name in ("update_loss", "update_norm", "update_controller_norm", "evaluation_steps"):
        assert np.allclose(eager[name], other[name], rtol=1e-5), name
    assert len(compiled._graphs) == 1


def test_steps_of_a_foreign_model_are_not_compiled():
    with pytest.raises(UserError, match="compiled is True for a foreign model"):
        outcome(replace(TRAIN, compiled=True), PlainNetwork())
