"""Small versions of what trials run: they find what is there, and can find the opposite."""

import json
import math
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import hrm.model.halting
import hrm.training.losses
from ablations import claims
from ablations.records import Check
from ablations.workloads import (
    attention,
    common,
    controller,
    halting,
    parameters,
    policy,
    training,
)
from hrm import recipes
from hrm.config import Compacted, Lockstep, Masked
from hrm.config.learning import StopWhileLive, Training
from hrm.config.parts import canonical
from hrm.model import HRM
from hrm.model.layers import CrossAttention


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def spec(name):
    return claims.choose([name])[0]


def encoded(*systems):
    return [json.loads(json.dumps(system.to_json())) for system in systems]


def of(name, workload, **settings):
    """Run a claim's arms, with some of its settings made smaller."""
    claim = spec(name)
    arms = encoded(*(arm.part for arm in claim.arms))
    return workload(arms, {**claim.settings, **settings}, 0, "cpu")


def checks(metrics):
    return [Check.from_json(c) for arm in metrics for c in arm.get("checks", [])]


def primary(metrics):
    return [c.holds for c in checks(metrics) if c.primary]


def executed(system, part):
    return replace(system, model=replace(system.model, execution=part))


def tiny(**flags):
    return recipes.v2(inputs=8, outputs=2, hidden_low=8, hidden_high=16, max_cycles=4, **flags)


# -- what workloads share -------------------------------------------------------------------------
def test_checks_say_what_was_expected_what_was_found_and_by_which_rule():
    same, other = (Check.from_json(common.equal("n", 3, n)) for n in (3, 4))
    assert (same.holds, other.holds) == (True, False)
    assert (other.documented, other.observed, other.rule) == ("3", "4", "equal")
    near, far = (Check.from_json(common.close("n", e, 1e-6)) for e in (1e-6, 2e-6))
    assert (near.holds, far.holds) == (True, False)
    assert "1e-06" in near.rule
    beside = Check.from_json(common.holds("n", "yes", "no", False, "seen", primary=False))
    assert not beside.holds
    assert not beside.primary
    assert not Check.from_json(common.close("n", math.nan, 1e-6)).holds


def test_the_largest_difference_is_a_number_also_of_tensors_with_a_gradient():
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    assert common.far(a, torch.tensor([1.5, 0.0])) == 2.0


@pytest.mark.parametrize(
    ("part", "rows"), [(Lockstep(), [4] * 4), (Masked(), [4] * 3), (Compacted(), [4, 3, 1])]
)
def test_rows_are_counted_at_the_high_core_call_by_call(part, rows):
    model = halting._scripted(executed(tiny(), part).model, 4, 0)
    stops = np.array([1, 2, 2, 3])
    wants = np.arange(1, 5)[:, None] == stops  # each wants to stop in its own cycle alone
    with common.counted_rows(model) as counted, torch.no_grad():
        model(torch.zeros(4, 8), halting._margins(wants))
    assert counted == rows
    model(torch.zeros(4, 8), halting._margins(wants))
    assert counted == rows, "counting ends with its context"


@dataclass
class Guessing:
    """A task of two unknown cells a board whose baselines get one, or none, of them right."""

    right: np.ndarray

    def score(self, boards, predictions):
        unknown = (predictions == self.right).mean(1)
        return SimpleNamespace(unknown=unknown, exact=unknown == 1, valid=unknown == 1)

    def baselines(self, train, test):
        return {
            "none": 1 - self.right,
            "first": np.stack([self.right[:, 0], 1 - self.right[:, 1]], 1),
        }


def test_skill_is_measured_against_the_best_trivial_baseline_board_by_board():
    right = np.zeros((4, 2), dtype=int)
    predictions = np.array([[0, 0], [0, 0], [0, 1], [0, 0]])  # margins 1/2, 1/2, 0, 1/2
    found = common.skill(Guessing(right), SimpleNamespace(train=None, test=None), predictions)
    assert (found.score, found.baseline, found.margin) == (0.875, 0.5, 0.375)
    assert found.error == pytest.approx(0.25 / math.sqrt(4))
    assert (found.exact, found.valid) == (0.75, 0.75)


# -- parameters -----------------------------------------------------------------------------------
@pytest.mark.parametrize("figure", ["844,610", "844K", "800,000+"])
def test_a_size_that_prints_as_the_figure_holds(figure):
    found = parameters.printed(encoded(recipes.amulgent()), {"printed": [figure]}, 0, "cpu")
    assert primary(found) == [True]
    assert found[0]["parameters"] == 844_610


@pytest.mark.parametrize("figure", ["844,611", "846K", "900,000+"])
def test_a_wrong_size_does_not_hold(figure):
    found = parameters.printed(encoded(recipes.amulgent()), {"printed": [figure]}, 0, "cpu")
    assert primary(found) == [False]


def test_the_layers_alone_bound_what_other_inputs_could_yield():
    found = checks(of("amulgent-params-config", parameters.printed))
    (bound,) = [c for c in found if not c.primary]
    small = parameters.printed(
        encoded(recipes.amulgent()), {"printed": ["844,610"], "bound": True}, 0, "cpu"
    )
    assert not bound.holds
    assert [c.holds for c in checks(small)] == [True, True]


def test_an_increase_is_checked_from_the_printed_sizes_and_from_the_models():
    right = of("amulgent-params-increase", parameters.increase)
    assert [c.observed for c in checks(right)] == [f"{100 * (1011522 / 844610 - 1):.3f}"] * 2
    wrong = of("amulgent-params-increase", parameters.increase, increase="~25%")
    assert primary(wrong) == [False, False]
    half = of("amulgent-params-increase", parameters.increase, printed=["100", "125"])
    assert primary(half) == [False, primary(right)[1]]


# -- attention ------------------------------------------------------------------------------------
def test_a_single_key_leaves_attention_nothing_to_choose():
    assert primary(of("attention-single-key", attention.single_key)) == [True] * 4


def test_a_result_that_depends_on_the_query_is_found(monkeypatch):
    forward = CrossAttention.forward
    monkeypatch.setattr(
        CrossAttention, "forward", lambda self, high, low: forward(self, high, low) + high[..., :1]
    )
    found = primary(of("attention-single-key", attention.single_key))
    assert found[0] is False
    assert found[3] is False


def test_the_formula_is_what_a_running_model_computes():
    assert primary(of("attention-formula", attention.formula)) == [True, True]


def test_another_formula_is_found(monkeypatch):
    forward = CrossAttention.forward
    monkeypatch.setattr(CrossAttention, "forward", lambda self, *a: 1.01 * forward(self, *a))
    assert primary(of("attention-formula", attention.formula)) == [False, True]


# -- controller -----------------------------------------------------------------------------------
def test_the_mapped_controllers_compute_the_same():
    assert primary(of("controller-equivalent", controller.equivalent, states=16)) == [True] * 3


def test_controllers_with_weights_of_their_own_do_not(monkeypatch):
    kind = hrm.model.halting.DirectController
    monkeypatch.setattr(kind, "load_concatenated", lambda self, other: None)
    found = primary(of("controller-equivalent", controller.equivalent, states=16))
    assert found[0] is False


def test_each_call_of_the_original_builds_eye_and_ones_and_the_direct_form_none():
    assert primary(of("controller-tensors", controller.tensors, batch=2, calls=3)) == [True, True]


def test_two_direct_forms_have_no_redundant_tensors_to_find():
    def same(arms, seed):
        return tuple(HRM(recipes.v2(use_optimized_controller=True).model).eval() for _ in range(2))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(controller, "pair", same)
        found = primary(of("controller-tensors", controller.tensors, batch=2, calls=3))
    assert found == [False, True]


def test_bytes_depend_on_shapes_alone_and_grow_with_the_batch():
    arms = encoded(tiny(), tiny(use_optimized_controller=True))
    settings = {"batches": [1, 2], "passes": [2]}
    first, again = (controller.memory(arms, settings, seed, "cpu") for seed in (0, 1))
    assert first == again
    for arm in first:
        assert 0 < arm["controller_1"] < arm["controller_2"] < arm["forward_2"]
    d, batch = 16, 2
    original, direct = first
    # [I | 1] and its parts, and z + c: what the original builds beyond the direct form
    built = 4 * (d * d + d + d * (d + 1)) + 4 * batch * d
    assert original["controller_2"] - direct["controller_2"] == built


# -- halting --------------------------------------------------------------------------------------
def test_the_batchwise_loop_does_not_run_as_long_as_its_slowest_sample():
    found = of("act-batch-waits", halting.batch_waits, shapes=[[2, 3]])
    assert primary(found) == [False]
    assert checks(found)[0].documented == "16 of 16"
    assert [c.holds for c in checks(found) if not c.primary] == [True]


def test_a_loop_that_waits_for_the_slowest_alone_would_be_found_to():
    arms = encoded(executed(tiny(), Masked()))
    found = halting.batch_waits(arms, {"shapes": [[2, 3], [3, 2]]}, 0, "cpu")
    assert primary(found) == [True]


def test_masked_rows_go_on_costing_and_compacted_ones_do_not():
    masked, compacted = of("act-stopped-idle", halting.stopped_idle, batch=6, batches=2)
    assert masked["needed"] == compacted["needed"] == compacted["rows"] < masked["rows"]
    assert primary([masked, compacted]) == [False]
    swapped = encoded(*(arm.part for arm in spec("act-stopped-idle").arms[::-1]))
    found = halting.stopped_idle(swapped, {"batch": 6, "batches": 2}, 0, "cpu")
    assert primary(found) == [True]


def test_a_sample_alone_is_the_same_as_in_a_batch_unless_the_batch_is_one():
    found = of("act-individual-semantics", halting.individual, batch=8)
    by_arm = [[c.holds for c in checks([arm])] for arm in found]
    assert by_arm[0] == by_arm[1] == [True] * 4
    assert not all(by_arm[2])
    assert primary(found) == [True] * 4
    assert "," in checks(found)[0].observed, "stop times differ"


def test_the_halting_rule_holds_in_training_and_not_where_evaluation_never_halts():
    found = {c.what.partition(":")[0]: c for c in checks(of("halt-rule", halting.rule, batch=32))}
    assert found["training"].holds
    assert not found["evaluation as coded"].holds
    assert found["evaluation that halts"].holds
    assert [c.primary for c in found.values()] == [True, True, False, False]
    assert not found["training"].observed.endswith("at 1 different steps")


def test_every_sample_that_never_halts_takes_the_maximum_of_steps():
    found = of("halt-max", halting.maximum, batch=2, limits=[1, 3])
    assert primary(found) == [True] * 8


def test_a_sample_that_halts_before_the_maximum_is_found(monkeypatch):
    forward = hrm.model.halting.QLearning.forward

    def eager(self, high, step, noise):
        decided = forward(self, high, step, noise)
        return decided._replace(margin=torch.ones_like(decided.margin))

    monkeypatch.setattr(hrm.model.halting.QLearning, "forward", eager)
    assert not any(primary(of("halt-max", halting.maximum, batch=2, limits=[3])))


# -- policy gradients -----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def world():
    return policy._World(tiny(use_per_sample_act=True).model, 2, 3)


def objective(**changes):
    return replace(tiny(use_per_sample_act=True).objective, **changes)


def wrong(world, **changes):
    truth = world.true_gradient()
    found = world.expected_gradient(objective(**changes))
    return float((found - truth).norm() / truth.norm())


def test_the_probabilities_of_all_stop_times_add_up_to_one(world):
    total = world.stop_log_probabilities().exp().sum(0)
    assert torch.allclose(total, torch.ones_like(total), atol=1e-12)
    joint = sum(float(w) for _, w in world._outcomes(world.stop_log_probabilities().detach()))
    assert joint == pytest.approx(1, abs=1e-12)


def test_the_true_gradient_is_the_slope_of_the_expected_reward():
    c = tiny(use_per_sample_act=True).model
    world = policy._World(c, 2, 3)
    bias = world.parameters[-1]
    slope = world.true_gradient()[-len(bias) :]

    def value(shift):
        made = policy._World.__new__(policy._World)
        made.__dict__.update(world.__dict__)
        made.logits = world.logits + shift  # the last bias shifts each cycle's logits alike
        with torch.no_grad():
            return -float((made.stop_log_probabilities().exp() * made.rewards).sum(0).mean())

    for i in range(len(bias)):
        step = torch.zeros(2, dtype=torch.float64)
        step[i] = 1e-5
        measured = (value(step) - value(-step)) / 2e-5
        assert measured == pytest.approx(float(slope[i]), rel=1e-6, abs=1e-12)


def test_the_plain_mean_is_unbiased_in_expectation(world):
    assert wrong(world) < 1e-10


def test_the_mean_over_the_live_is_biased_where_samples_stop_apart(world):
    assert wrong(world, masked_mean=True) > 1e-3


def test_alone_a_sample_has_the_same_gradient_under_both_means():
    alone = policy._World(tiny(use_per_sample_act=True).model, 1, 3)
    assert wrong(alone, masked_mean=True) < 1e-6


def test_scoring_stop_instead_of_the_action_taken_is_biased(world):
    assert wrong(world, score=StopWhileLive()) > 1e-3


def test_the_documents_correction_is_found_not_to_be_one():
    found = of("metarl-unbiased", policy.unbiased, batches=[2])
    assert primary(found) == [False, False]  # the plain mean has no bias, the masked mean has


SUDOKU = {
    "task": spec("metarl-gradient-variance").settings["task"],
    "data_seed": 1,
    "train": 64,
    "validation": 8,
    "test": 16,
}
SHORT = Training(updates=2, batch=8, evaluate_every=1).to_json()


def variance(arms, seed=0, **settings):
    given = {**SUDOKU, "training": SHORT, "resamples": 4, "batch": 6, **settings}
    return policy.gradient_variance(encoded(*arms), given, seed, "cpu")


def variance_arms():
    return tuple(arm.part for arm in spec("metarl-gradient-variance").arms)


def test_the_gradients_variance_is_a_matter_of_its_seed():
    arms = variance_arms()
    first, again, other = (variance(arms, seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    plain, masked = first
    assert plain["live"] == masked["live"] < 1
    assert masked["variance"] != pytest.approx(plain["variance"], rel=1e-3)
    assert plain["relative"] == pytest.approx(plain["variance"] / plain["mean_norm"] ** 2)


def test_where_nobody_is_ever_inactive_both_means_have_the_same_gradients():
    arms = tuple(executed(system, Lockstep()) for system in variance_arms())
    plain, masked = variance(arms)
    assert plain["live"] == 1
    for key in ("variance", "relative", "mean_norm"):
        assert masked[key] == pytest.approx(plain[key], rel=1e-5)


def test_the_reward_is_the_error_and_the_cost_of_the_cycles():
    found = of("metarl-reward", policy.reward, batch=32)
    assert primary(found) == [True, True]
    assert "0.07" in checks(found)[0].what


def test_a_reward_without_its_cost_is_found(monkeypatch):
    monkeypatch.setattr(hrm.training.losses, "reward", lambda task_loss, steps, cost: -task_loss)
    assert primary(of("metarl-reward", policy.reward, batch=32)) == [False, False]


# -- training -------------------------------------------------------------------------------------
def test_scores_train_each_arm_and_give_the_same_for_the_same_seed():
    arms = encoded(recipes.v2(inputs=80, outputs=80, hidden_low=8, hidden_high=16, max_cycles=2))
    settings = {**SUDOKU, "training": SHORT}
    first, again, other = (training.scores(arms, settings, seed, "cpu") for seed in (0, 0, 1))
    assert canonical(first) == canonical(again) != canonical(other)
    (found,) = first
    assert {"score", "baseline", "margin", "error", "exact", "valid"} <= set(found)
    assert found["margin"] == pytest.approx(found["score"] - found["baseline"])
    assert [update for update, _ in found["curve"]][-1] == 2
    assert all(0 <= score <= 1 for _, score in found["curve"])


def test_savings_compare_executions_of_one_trained_model():
    system = recipes.v2(
        inputs=80,
        outputs=80,
        hidden_low=8,
        hidden_high=16,
        max_cycles=3,
        use_per_sample_act=True,
    )
    arms = encoded(executed(system, Lockstep()), executed(system, Masked()), system)
    settings = {**SUDOKU, "training": SHORT, "batch": 4}
    lockstep, masked, compacted = training.savings(arms, settings, 0, "cpu")
    assert compacted["operations"] <= masked["operations"] <= lockstep["operations"]
    assert compacted["operations"] == sum(k * n for k, n in enumerate(compacted["cycles"]))
    assert masked["cycles"] == compacted["cycles"]
    assert masked["score"] == pytest.approx(compacted["score"])
    assert masked["operations"] == compacted["slowest"]
    assert sum(lockstep["cycles"]) == SUDOKU["test"]
    assert all(arm["flops"] > 0 for arm in (lockstep, masked, compacted))
    ends = len([n for n in compacted["cycles"] if n]) == 1
    assert bool(compacted["extreme"]) == (ends and compacted["cycles"][2] == 0)
