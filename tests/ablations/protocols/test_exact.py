"""The functions of exact claims find what is there, and can find the opposite."""

import math
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

import hrm.model.halting
import hrm.training.losses
from ablations.claims.exact import attention, controller, halting, parameters, policy
from ablations.protocols import rigged
from ablations.protocols.policies import World
from ablations.records.checks import AtMost, Check, Close, Differ, Equal, Holds
from ablations.specs import protocols
from hrm import recipes
from hrm.config import Compacted, Lockstep, Masked
from hrm.config.learning import StopWhileLive
from hrm.errors import UserError
from hrm.model import HRM
from hrm.model.layers import CrossAttention
from tests.ablations.protocols.tiny import executed, outcome, plain_parts, tiny, tokens

FORMS = (recipes.v2(), recipes.v2(use_optimized_controller=True))
SINGLE, TRACE = recipes.v2(step_attention=True), recipes.v2(use_sequence_attention=True)
BASELINE = recipes.amulgent()


def primary(function, *arms, **settings):
    return [c.holds for c in function(arms, 0, **settings) if c.primary]


# -- checks ---------------------------------------------------------------------------------------
def test_checks_say_what_was_expected_what_was_found_and_by_which_rule():
    same, other = (Equal("n", expected=3, observed=n) for n in (3, 4))
    assert (same.holds, other.holds) == (True, False)
    assert (other.documented, other.observed, other.rule) == ("3", "4", "equal")
    near, far = (Close("n", error=e, tolerance=1e-6) for e in (1e-6, 2e-6))
    assert (near.holds, far.holds) == (True, False)
    assert "1e-06" in near.rule
    assert [Differ("n", error=e, tolerance=1e-6).holds for e in (1e-6, 2e-6)] == [False, True]
    assert [AtMost("n", limit=2, observed=n).holds for n in (2, 3)] == [True, False]
    beside = Holds("n", documented="a", observed="b", holds=False, rule="seen", primary=False)
    assert (beside.holds, beside.primary) == (False, False)


@pytest.mark.parametrize(
    "check",
    [
        Close("n", error=math.nan, tolerance=1.0),
        Differ("n", error=math.nan, tolerance=1.0),
        AtMost("n", limit=1.0, observed=math.nan),
    ],
)
def test_what_is_not_a_number_holds_nowhere(check):
    assert not check.holds


def test_checks_are_records():
    for check in (Equal("n", expected=1, observed=2), AtMost("m", limit=2, observed=3)):
        read = Check.from_json(check.to_json())
        assert read.to_json() == check.to_json()
        assert read.holds is check.holds


def test_a_function_that_is_not_there_is_named():
    for name in ("ablations.claims.exact.halting:none", "nowhere.at_all:rule", "halting"):
        with pytest.raises(UserError, match="function is"):
            outcome(protocols.Check(function=name))


# -- what the functions stand on ------------------------------------------------------------------
def test_the_largest_difference_is_a_number_also_of_tensors_with_a_gradient():
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    assert rigged.far(a, torch.tensor([1.5, 0.0])) == 2.0


@pytest.mark.parametrize(
    ("part", "rows"), [(Lockstep(), [4] * 4), (Masked(), [4] * 3), (Compacted(), [4, 3, 1])]
)
def test_rows_are_counted_at_the_high_core_call_by_call(part, rows):
    model = rigged.scripted(executed(tiny(), part).model, 4, 0)
    stops = torch.tensor([1, 2, 2, 3])
    wants = torch.arange(1, 5)[:, None] == stops  # each wants to stop in its own cycle alone
    with rigged.counted_rows(model) as counted, torch.no_grad():
        model(torch.zeros(4, 8), rigged.margins(wants.numpy()))
    assert counted == rows
    model(torch.zeros(4, 8), rigged.margins(wants.numpy()))
    assert counted == rows, "counting ends with its context"


# -- parameters -----------------------------------------------------------------------------------
@pytest.mark.parametrize("figure", ["844,610", "844K", "800,000+"])
def test_a_size_that_prints_as_the_figure_holds(figure):
    assert primary(parameters.printed, BASELINE, figures=[figure]) == [True]


@pytest.mark.parametrize("figure", ["844,611", "846K", "900,000+"])
def test_a_wrong_size_does_not_hold(figure):
    assert primary(parameters.printed, BASELINE, figures=[figure]) == [False]


def test_the_layers_alone_bound_what_other_inputs_could_yield():
    wide = recipes.amulgent(width=256, h_layers=2, l_layers=4)
    _, bound = parameters.bounded([wide], 0, figures=["844,610"])
    assert (bound.holds, bound.primary) == (False, False)
    assert all(c.holds for c in parameters.bounded([BASELINE], 0, figures=["844,610"]))


def test_an_increase_is_checked_from_the_printed_sizes_and_from_the_models():
    arms, sizes = (BASELINE, recipes.amulgent_enhanced()), ["844,610", "1,011,522"]
    right = list(parameters.increase(arms, 0, figures=[*sizes, "~19 %"]))
    assert [c.observed for c in right] == [f"{100 * (1011522 / 844610 - 1):.3f}"] * 2
    assert primary(parameters.increase, *arms, figures=[*sizes, "~25%"]) == [False, False]
    half = primary(parameters.increase, *arms, figures=["100", "125", "~19%"])
    assert half == [False, right[1].holds]


# -- attention ------------------------------------------------------------------------------------
def test_a_result_that_depends_on_the_query_is_found(monkeypatch):
    forward = CrossAttention.forward
    monkeypatch.setattr(
        CrossAttention, "forward", lambda self, high, low: forward(self, high, low) + high[..., :1]
    )
    found = primary(attention.single_key, SINGLE)
    assert (found[0], found[3]) == (False, False)


def test_another_formula_is_found(monkeypatch):
    forward = CrossAttention.forward
    monkeypatch.setattr(CrossAttention, "forward", lambda self, *a: 1.01 * forward(self, *a))
    assert primary(attention.formula, TRACE) == [False, True]


# -- controller -----------------------------------------------------------------------------------
def test_controllers_with_weights_of_their_own_do_not_compute_the_same(monkeypatch):
    kind = hrm.model.halting.DirectController
    monkeypatch.setattr(kind, "load_concatenated", lambda self, other: None)
    assert primary(controller.equivalent, *FORMS, states=16)[0] is False


def test_two_direct_forms_have_no_redundant_tensors_to_find(monkeypatch):
    def same(original, direct, seed):
        return tuple(HRM(direct).eval() for _ in range(2))

    monkeypatch.setattr(rigged, "controller_pair", same)
    assert primary(controller.tensors, *FORMS, batch=2, calls=3) == [False, True]


# -- halting --------------------------------------------------------------------------------------
def test_a_loop_that_waits_for_the_slowest_alone_would_be_found_to():
    waits = primary(halting.batch_waits, executed(tiny(), Masked()), shapes=[(2, 3), (3, 2)])
    assert waits == [True]
    assert primary(halting.batch_waits, tiny(), shapes=[(2, 3)]) == [False]


def test_compacted_rows_stop_costing():
    compacted = executed(recipes.gru(), Compacted())
    assert primary(halting.stopped_idle, compacted, batch=6, batches=2) == [True]


def test_a_sample_alone_is_the_same_as_in_a_batch_unless_the_batch_is_one():
    arms = [executed(plain_parts(), part) for part in (Compacted(), Masked(), Lockstep())]
    found = list(halting.individual(arms, 0, batch=8))
    by_arm = [[c.holds for c in found[i : i + 4]] for i in (0, 4, 8)]
    assert by_arm[0] == by_arm[1] == [True] * 4
    assert not all(by_arm[2])
    assert [c.primary for c in found] == [True] * 4 + [False] * 8
    assert "," in found[0].observed, "stop times differ"


def test_a_sample_that_halts_before_the_maximum_is_found(monkeypatch):
    forward = hrm.model.halting.QLearning.forward

    def eager(self, high, step, noise):
        decided = forward(self, high, step, noise)
        return decided._replace(margin=torch.ones_like(decided.margin))

    monkeypatch.setattr(hrm.model.halting.QLearning, "forward", eager)
    assert not any(primary(halting.maximum, tokens(exploration=0.1), batch=2, limits=[3]))


# -- policy gradients -----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def world():
    return World(tiny(use_per_sample_act=True).model, 2, 3)


def objective(**changes):
    return replace(tiny(use_per_sample_act=True).objective, **changes)


def wrong(world, **changes):
    truth = world.true_gradient()
    found = world.expected_gradient(objective(**changes))
    return float((found - truth).norm() / truth.norm())


def test_the_probabilities_of_all_stop_times_add_up_to_one(world):
    total = world.stop_log_probabilities().exp().sum(0)
    assert torch.allclose(total, torch.ones_like(total), atol=1e-12)
    joint = sum(float(w) for _, w in world.outcomes(world.stop_log_probabilities().detach()))
    assert joint == pytest.approx(1, abs=1e-12)


def test_the_true_gradient_is_the_slope_of_the_expected_reward(world):
    bias = world.parameters[-1]
    slope = world.true_gradient()[-len(bias) :]

    def value(shift):
        made = World.__new__(World)
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
    alone = World(tiny(use_per_sample_act=True).model, 1, 3)
    assert wrong(alone, masked_mean=True) < 1e-6


def test_scoring_stop_instead_of_the_action_taken_is_biased(world):
    assert wrong(world, score=StopWhileLive()) > 1e-3


def test_a_reward_without_its_cost_is_found(monkeypatch):
    monkeypatch.setattr(hrm.training.losses, "reward", lambda task_loss, steps, cost: -task_loss)
    system = recipes.v2(outputs=3, use_per_sample_act=True)
    assert primary(policy.reward, system, batch=32) == [False]


# -- imports --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "module",
    [
        "ablations.specs.protocols",
        "ablations.protocols.adapter",
        "ablations.records.checks",
        *(f"ablations.metrics.{name}" for name in ("scores", "curves", "costs", "gradients")),
        *(
            f"ablations.claims.exact.{name}"
            for name in ("attention", "controller", "halting", "parameters", "policy")
        ),
    ],
)
def test_what_listing_and_judging_need_imports_no_torch(module):
    program = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
