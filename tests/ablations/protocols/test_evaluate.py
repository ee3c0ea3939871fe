"""Trained weights in other modes, and what executions compute with them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ablations.metrics.costs import Rows, SlowestRows
from ablations.metrics.scores import AccuracyAt
from ablations.protocols import ours, resample, rigged
from ablations.specs.protocols import (
    Boards,
    Bytes,
    Evaluate,
    Execute,
    Forced,
    Greedy,
    MeanLogits,
    Resample,
    Sampled,
    Train,
)
from hrm import recipes
from hrm.config import Compacted, Lockstep, Masked, Refilled
from hrm.errors import UserError
from hrm.tasks.mixture import Mixture
from hrm.tasks.pattern import Pattern
from hrm.tasks.regression import Regression
from hrm.tasks.sudoku import Sudoku
from tests.ablations.protocols.tiny import SHORT, TRAIN, board, observed, outcome

LONG = replace(TRAIN, training=replace(TRAIN.training, updates=40, learning_rate=1e-2))


@pytest.fixture(scope="module")
def weights():
    return outcome(LONG, board()).weights


def evaluated(weights, mode, **more):
    return observed(Evaluate(after=LONG, mode=mode, **more), board(), weights=weights)


def test_forced_steps_are_scored_after_each_of_them(weights):
    found = evaluated(weights, Forced(steps=3))
    assert found["right_by_step"].shape == (3, 16)
    assert np.array_equal(found["right_by_step"][-1], found["right"])
    assert found["steps"].tolist() == [3] * 16
    single = evaluated(weights, Forced(steps=1))
    assert np.array_equal(single["right"], found["right_by_step"][0])
    assert len(np.unique(found["right_by_step"], axis=0)) > 1, "steps change answers"
    shares = found["right_by_step"][1] / found["unknown"]
    assert AccuracyAt(step=2).read(found).low == shares.mean()


def test_the_mean_of_one_steps_logits_is_that_step(weights):
    mean, forced = (evaluated(weights, mode) for mode in (MeanLogits(steps=1), Forced(steps=1)))
    assert np.array_equal(mean["right"], forced["right"])
    several = evaluated(weights, MeanLogits(steps=3))
    assert not np.array_equal(several["right"], forced["right"])


def test_sampled_decisions_are_drawn_by_the_seed_and_greedy_ones_are_not(weights):
    def steps(mode, seed):
        protocol = Evaluate(after=LONG, mode=mode)
        return observed(protocol, board(), seed=seed, weights=weights)["steps"]

    assert np.array_equal(steps(Sampled(), 0), steps(Sampled(), 0))
    assert not np.array_equal(steps(Sampled(), 0), steps(Sampled(), 1))
    assert np.array_equal(steps(Greedy(), 0), steps(Greedy(), 1))


def test_sampling_is_without_dropout_and_leaves_the_model_as_it_was():
    model = ours.initial(board(), 0).eval()
    before = [m.p for m in model.modules() if hasattr(m, "p")]
    with rigged.sampling(model):
        assert model.training
        assert all(m.p == 0 for m in model.modules() if hasattr(m, "p"))
    assert not model.training
    assert [m.p for m in model.modules() if hasattr(m, "p")] == before
    assert any(before)


def test_executions_that_let_samples_stop_compute_no_more_than_those_that_wait(weights):
    found = {
        type(part).__name__: observed(
            Execute(after=LONG, execution=part, batch=4), board(), weights=weights
        )
        for part in (Lockstep(), Masked(), Compacted(), Refilled(places=4))
    }
    lockstep, masked, compacted, refilled = (Rows().read(f).low for f in found.values())
    assert compacted == refilled <= masked <= lockstep
    assert compacted == found["Compacted"]["steps"].sum()
    assert masked == SlowestRows().read(found["Compacted"]).low
    assert np.array_equal(found["Masked"]["right"], found["Compacted"]["right"])
    assert all(f["flops"] > 0 for f in found.values())


def test_without_training_what_is_saved_is_known_beforehand():
    protocol = Execute(after=None, batch=8, batches=3)
    waits = replace(protocol, execution=Lockstep())
    system = board(cycles=4)
    own, waiting = (observed(p, system) for p in (protocol, waits))
    assert Rows().read(waiting).low == 3 * 8 * 4, "the first sample of each batch takes them all"
    assert Rows().read(own).low == own["steps"].sum() < Rows().read(waiting).low
    twin = observed(replace(protocol, replica=1), system)
    assert not np.array_equal(twin["steps"], own["steps"])


def test_resamples_of_a_seed_are_the_same_batches_and_of_a_replica_others(weights):
    protocol = Resample(after=LONG, resamples=3, batch=4)
    masked = board(use_corrected_meta_rl=True).objective
    first, again, corrected, twin = (
        observed(p, board(), weights=weights)
        for p in (
            protocol,
            protocol,
            replace(protocol, objective=masked),
            replace(protocol, replica=1),
        )
    )
    assert first["variance"] == again["variance"] > 0
    assert np.array_equal(first["live"], corrected["live"])
    assert not np.array_equal(first["live"], twin["live"]) or first["variance"] != twin["variance"]
    assert len(first["norms"]) == 3
    mean_square = (first["norms"] ** 2).mean()
    assert first["variance"] * 2 / 3 + first["mean_norm"] ** 2 == pytest.approx(mean_square)


def test_where_nobody_is_ever_inactive_both_means_have_the_same_gradients(weights):
    waiting = replace(board(), model=replace(board().model, execution=Lockstep()))
    protocol = Resample(after=LONG, resamples=3, batch=4)
    masked = replace(protocol, objective=board(use_corrected_meta_rl=True).objective)
    plain, corrected = (observed(p, waiting, weights=weights) for p in (protocol, masked))
    assert plain["live"].tolist() == [1, 1, 1]
    assert corrected["variance"] == pytest.approx(plain["variance"], rel=1e-5)


def test_bytes_depend_on_shapes_alone_and_grow_with_the_batch():
    protocol = Bytes(calls=(1, 2), passes=(2,))
    first, again = (observed(protocol, board(), seed=seed) for seed in (0, 1))
    assert first == again
    (small, large), (whole,) = first["call_bytes"], first["pass_bytes"]
    assert 0 < small < large < whole


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Forced(steps=0), "steps is 0"),
        (lambda: Evaluate(after=TRAIN, batch=0), "batch is 0"),
        (lambda: Resample(after=TRAIN, resamples=1), "resamples is 1"),
        (lambda: Execute(after=None, batches=0), "batches is 0"),
        (lambda: Evaluate(after=TRAIN, segments=0), "segments is 0"),
        (lambda: replace(TRAIN, wrong_labels=2.0), "wrong_labels is 2"),
        (lambda: replace(TRAIN, rate_factors=(1.4, 0.7)), "rate_factors is"),
        (lambda: replace(TRAIN, replica=-1), "replica is -1"),
    ],
)
def test_impossible_settings_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_evaluation_halts_also_where_it_takes_all_steps_by_itself():
    system = recipes.act_v1(
        vocabulary=5, positions=16, width=32, heads=4, h_layers=1, l_layers=1, max_steps=3
    )
    weights = outcome(TRAIN, system).weights
    eager = {k: v.clone() for k, v in weights.items()}
    (bias,) = (k for k in eager if k.startswith("halting") and k.endswith("bias"))
    eager[bias].copy_(torch.tensor([5.0, -5.0]))  # whoever may halt does so at once

    def steps(**settings):
        protocol = Evaluate(after=TRAIN, **settings)
        return set(observed(protocol, system, weights=eager)["steps"])

    assert steps() == {3}
    assert steps(mode=Greedy(halt=True)) == {1}
    assert steps(mode=Greedy(halt=True), execution=Lockstep()) == {1}


def test_segments_are_those_of_the_training_unless_others_are_asked_for():
    system = recipes.amulgent(
        inputs=80,
        outputs=80,
        width=16,
        h_layers=1,
        l_layers=1,
        max_steps=1,
        use_iterative_refinement=True,
        refinement_segments=3,
    )
    training = replace(TRAIN, training=replace(TRAIN.training, updates=30, learning_rate=1e-2))
    weights = outcome(training, system).weights
    own, same, one = (
        observed(Evaluate(after=training, segments=count), system, weights=weights)
        for count in (None, 3, 1)
    )
    assert np.array_equal(own["right"], same["right"])
    assert not np.array_equal(own["right"], one["right"])


def test_boards_that_were_learned_from_can_be_scored_and_the_first_ones_alone(weights):
    whole, first = (evaluated(weights, Greedy(), split="train", count=n) for n in (None, 10))
    assert len(whole["right"]) == LONG.boards.train
    for name in ("right", "unknown", "difficulty", "trivial_right", "steps"):
        assert np.array_equal(first[name], whole[name][:10])
    test = evaluated(weights, Greedy(), count=10)
    assert not np.array_equal(test["right"], first["right"])
    with pytest.raises(UserError, match="split is 'all'"):
        Evaluate(after=LONG, split="all")


def test_a_mixtures_boards_say_of_which_task_they_are():
    mixture = Mixture(tasks=(Sudoku(size=4, clues=8), Pattern(modulus=7, shown=3, asked=1)))
    boards = Boards(task=mixture, train=16, validation=4, test=10)
    system = recipes.complete(positions=16, h_dim=8, l_dim=8, max_steps=2)
    found = observed(Train(boards=boards, training=SHORT), system)
    assert found["task"].tolist() == [0, 1] * 5
    assert found["unknown"].tolist() == [8, 2] * 5
    assert (found["trivial_all_right"] >= found["trivial_right"]).all()


# -- policies -------------------------------------------------------------------------------------
def numbers(cycles=3):
    return recipes.v2(
        inputs=16,
        outputs=1,
        hidden_low=8,
        hidden_high=16,
        max_cycles=cycles,
        use_per_sample_act=True,
    )


VECTORS = replace(
    TRAIN, boards=Boards(task=Regression(size=16, depth=2), train=64, test=24, seed=1)
)


def test_a_policys_errors_and_wants_are_those_that_it_has_when_it_is_obeyed(weights):
    forced = evaluated(weights, Forced(steps=3))
    obeyed = evaluated(weights, Greedy(), execution=Masked())
    assert np.array_equal(forced["wanted"], obeyed["steps"])
    own = forced["error_by_step"][forced["wanted"].astype(int) - 1, np.arange(16)]
    assert own == pytest.approx(obeyed["error"], rel=1e-4)
    assert forced["validation_error"].shape == (3,)
    assert np.array_equal(forced["error_by_step"][-1], forced["error"])


def test_answers_that_are_numbers_are_scored_and_have_errors():
    trained = outcome(VECTORS, numbers())
    (found,) = trained.observations
    again = observed(Evaluate(after=VECTORS), numbers(), weights=trained.weights)
    assert found["error"] == pytest.approx(again["error"], rel=1e-4)
    assert found["unknown"].tolist() == [1] * 24
    assert len(found["evaluation_error"]) == len(found["evaluation_taken"]) == 2
    assert found["evaluation_error"][-1] > 0
    assert found["trivial_method"] in ("copy", "frequent", "linear", "nearest")


def test_the_controllers_part_of_the_gradient_is_recorded_as_it_was_before_clipping():
    clipped = replace(TRAIN, training=replace(TRAIN.training, clip=1e-3, learning_rate=1e-12))
    plain = replace(TRAIN, training=replace(TRAIN.training, learning_rate=1e-12))
    first, second = (observed(protocol, board()) for protocol in (plain, clipped))
    norms = first["update_controller_norm"]
    assert len(norms) == 2
    assert (norms > 0).all() and (norms < first["update_norm"]).all()
    assert second["update_controller_norm"] == pytest.approx(norms, rel=1e-3)


def test_the_values_gradient_is_taken_with_rewards_as_they_are_and_with_noise():
    trained = outcome(VECTORS, numbers())

    def found(**changes):
        objective = replace(numbers().objective, **changes)
        protocol = Resample(after=VECTORS, objective=objective, resamples=4, batch=8)
        return observed(protocol, numbers(), weights=trained.weights)

    squared, smooth = found(), found(smooth_value=True)
    for name in resample.NOISES:
        assert squared[name].shape == (4,)
        assert (smooth[name] <= squared[name] + 1e-9).all(), "|ρ'| is at most that of a square"
    assert (squared["value_norms_normal"] != squared["value_norms"]).all()
    assert np.array_equal(squared["norms"], smooth["norms"]), "the policy's isn't touched"


def test_heavy_tails_have_the_quantiles_of_students_t():
    none, normal, heavy = resample.spread(torch.tensor([0.5, 0.975]).double(), 2.0)
    assert none.tolist() == [0.0, 0.0]
    assert normal.tolist() == pytest.approx([0.0, 1.96], abs=0.001)
    assert heavy.tolist() == pytest.approx([0.0, 4.303], abs=0.001)


def test_without_a_baseline_or_with_a_shared_advantage_the_same_batches_have_other_gradients():
    trained = outcome(VECTORS, numbers())
    objective = numbers().objective
    first, *others = (
        observed(
            Resample(after=VECTORS, objective=changed, resamples=4, batch=8),
            numbers(),
            weights=trained.weights,
        )
        for changed in (
            objective,
            replace(objective, baseline=False),
            replace(objective, shared_advantage=True),
        )
    )
    for other in others:
        assert np.array_equal(first["live"], other["live"])
        assert not np.array_equal(first["norms"], other["norms"])


def test_a_policy_can_be_shifted_to_stop_more_or_less_often():
    trained = outcome(VECTORS, numbers(cycles=8))

    def live(stop):
        protocol = Resample(after=VECTORS, stop=stop, resamples=4, batch=16)
        return observed(protocol, numbers(cycles=8), weights=trained.weights)["live"].mean()

    rare, often = live(0.05), live(0.9)
    assert rare > often
    assert rare == pytest.approx(sum(0.95**k for k in range(8)) / 8, abs=0.1)
    with pytest.raises(UserError, match="stop is 1"):
        Resample(after=VECTORS, stop=1.0)
