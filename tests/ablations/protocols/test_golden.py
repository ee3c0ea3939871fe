"""The protocols find what the bespoke workloads found that they replace.

`golden.json` was written by those, at tiny settings, before they went; each test rebuilds what it
ran. Weights were drawn in one stream then: where results depend on them, models start from those of
then, which `golden.safetensors` has. Two workloads of exact claims are left out (`LEFT_OUT`): what
they compare was changed since, so that it can fail.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import hrm.model.model
from ablations.claims.exact import attention, controller, halting, parameters, policy
from ablations.metrics.costs import BytesOf, Flops, Rows, SlowestRows
from ablations.metrics.curves import Arrival
from ablations.metrics.gradients import GradientVariance, Live, MeanNorm
from ablations.metrics.scores import Accuracy, skill
from ablations.specs.protocols import Bytes, Check, Evaluate, Execute, Greedy, Resample, Sampled
from hrm import recipes
from hrm.config import Compacted, Lockstep, Masked
from tests.ablations.protocols.tiny import (
    TRAIN,
    board,
    executed,
    observed,
    outcome,
    tiny,
    tokens,
    without_dropout,
)

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text("utf-8"))
WEIGHTS = load_file(Path(__file__).with_name("golden.safetensors"))  # by start and parameter
near = {"rel": 1e-5, "abs": 1e-7}


def start(root, parameters):
    """Return the name of an initial state: by the number drawn for it, and its shapes."""
    shapes = {name: list(tensor.shape) for name, tensor in parameters.items()}
    said = json.dumps([root, shapes], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:8]


@pytest.fixture(autouse=True)
def weights_of_then(monkeypatch):
    """Start models as they started then, and those whose weights don't matter as they do now."""
    draw = hrm.model.model.draw_weights

    @torch.no_grad()
    def drawn(model, maps, root):
        draw(model, maps, root)
        state = model.state_dict()
        key = start(root, state)
        for name, tensor in state.items():
            if (then := WEIGHTS.get(f"{key}.{name}")) is not None:
                tensor.copy_(then)

    monkeypatch.setattr(hrm.model.model, "draw_weights", drawn)


def value(metric, found):
    return pytest.approx(metric.read(found).low, **near)


# -- training -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "arm", "seed", "system"),
    [
        ("training:scores", 0, 0, board()),
        ("training:scores", 1, 0, board(2, use_per_sample_act=False)),
        ("training:planted", 0, 0, board()),
        ("training:planted", 1, 500, board()),
    ],
)
def test_trained_scores_and_curves_are_those_of_before(name, arm, seed, system):
    old, found = GOLDEN[name][arm], observed(TRAIN, system, seed=seed)
    skilled = skill(found)
    assert old["score"] == value(Accuracy(), found) == pytest.approx(skilled.score)
    for cells in ("exact", "valid"):
        assert old[cells] == value(Accuracy(cells=cells), found)
    for key in ("baseline", "margin", "error"):
        assert getattr(skilled, key) == pytest.approx(old[key], **near)
    curve = list(zip(found["evaluation_update"], found["evaluation_score"], strict=True))
    assert np.array(curve) == pytest.approx(np.array(old["curve"]), **near)
    assert found["evaluation_loss"] == pytest.approx([loss for _, loss in old["losses"]], **near)
    assert bool(old["extreme"]) == bool(Accuracy().extreme(found))


def test_the_first_update_at_a_threshold_is_that_of_before():
    ((update, score), *_) = GOLDEN["training:scores"][0]["curve"]
    found = observed(TRAIN, board())
    arrived = Arrival(threshold=score, cap=2.0, smooth=1).read(found)
    assert arrived.high == pytest.approx(update)


# -- execution ------------------------------------------------------------------------------------
@pytest.mark.parametrize("arm", range(3))
def test_executions_of_trained_weights_compute_what_they_did(arm):
    part, old = [Lockstep(), Masked(), None][arm], GOLDEN["training:savings"][arm]
    weights = outcome(TRAIN, board()).weights
    greedy, sampled = (
        observed(Execute(after=TRAIN, execution=part, batch=4, mode=mode), board(), weights=weights)
        for mode in (Greedy(), Sampled())
    )
    assert Rows().read(greedy).low == old["operations"]
    assert Rows().read(sampled).low == old["sampled_operations"]
    assert Flops().read(greedy).low == old["flops"]
    assert SlowestRows().read(greedy).low == old["slowest"]
    assert np.bincount(greedy["steps"], minlength=4).tolist() == old["cycles"]
    assert bool(Rows().extreme(greedy)) == bool(old["extreme"])
    evaluated = observed(Evaluate(after=TRAIN, execution=part, batch=4), board(), weights=weights)
    for found in (greedy, evaluated):
        assert old["score"] == value(Accuracy(), found)
        assert skill(found).margin == pytest.approx(old["margin"], **near)


def test_the_course_of_training_steps_is_that_of_before():
    found = observed(TRAIN, board())
    old = [steps for _, steps in GOLDEN["training:savings"][2]["training_steps"]]
    assert found["evaluation_steps"] == pytest.approx(old)


@pytest.mark.parametrize(("arm", "seed"), [(0, 0), (1, 500)])
def test_executions_of_known_stops_compute_what_they_did(arm, seed):
    old = GOLDEN["training:planted_savings"][arm]
    protocol = Execute(after=None, batch=8, batches=2)
    assert Rows().read(observed(protocol, board(), seed=seed)).low == old["operations"]
    if arm == 0:
        waiting = Execute(after=None, batch=8, batches=2, execution=Lockstep())
        found = observed(waiting, board(), seed=seed)
        assert Rows().read(found).low == old["planted_operations"]


# -- gradients and bytes --------------------------------------------------------------------------
def test_gradients_scatter_as_they_did():
    plain, masked = map(without_dropout, (board(), board(use_corrected_meta_rl=True)))
    weights = outcome(TRAIN, plain).weights
    for old, objective in zip(
        GOLDEN["policy:gradient_variance"], (None, masked.objective), strict=True
    ):
        protocol = Resample(after=TRAIN, objective=objective, resamples=4, batch=6)
        found = observed(protocol, plain, weights=weights)
        assert old["variance"] == value(GradientVariance(), found)
        assert old["relative"] == value(GradientVariance(relative=True), found)
        assert old["mean_norm"] == value(MeanNorm(), found)
        assert old["live"] == value(Live(), found)


@pytest.mark.parametrize("arm", range(2))
def test_bytes_are_those_of_before(arm):
    old = GOLDEN["controller:memory"][arm]
    system = tiny(use_optimized_controller=bool(arm))
    found = observed(Bytes(calls=(1, 2), passes=(2,)), system)
    counted = [BytesOf(batch=n).read(found).low for n in (1, 2)]
    assert counted == [old["controller_1"], old["controller_2"]]
    assert BytesOf(what="pass", batch=2).read(found).low == old["forward_2"]


# -- exact claims ---------------------------------------------------------------------------------
LEFT_OUT = {
    "controller:equivalent": "it samples decisions now, where all samples stopped at once",
    "halting:individual": "it makes samples stop apart now, where all stopped together",
}
CHECKED = {
    "controller:tensors": (
        controller.tensors,
        (recipes.v2(), recipes.v2(use_optimized_controller=True)),
        {"batch": 2, "calls": 3},
    ),
    "attention:single_key": (attention.single_key, (recipes.v2(step_attention=True),), {}),
    "attention:formula": (attention.formula, (recipes.v2(use_sequence_attention=True),), {}),
    "parameters:printed": (
        parameters.bounded,
        (recipes.amulgent(width=256, h_layers=2, l_layers=4),),
        {"figures": ("844,610",)},
    ),
    "parameters:increase": (
        parameters.increase,
        (recipes.amulgent(), recipes.amulgent_enhanced()),
        {"figures": ("844,610", "1,011,522", "~19%")},
    ),
    "halting:batch_waits": (halting.batch_waits, (tiny(),), {"shapes": ((2, 3), (2, 4))}),
    "halting:stopped_idle": (
        halting.stopped_idle,
        tuple(executed(recipes.gru(), part) for part in (Masked(), Compacted())),
        {"batch": 6, "batches": 2},
    ),
    "halting:rule": (
        halting.rule,
        (
            tokens(exploration=0.0),
            tokens(exploration=0.1),
            tokens(exploration=0.0, halt_in_evaluation=True),
        ),
        {"batch": 32},
    ),
    "halting:maximum": (
        halting.maximum,
        (tokens(exploration=0.1), tokens(exploration=1.0)),
        {"batch": 2, "limits": (1, 3)},
    ),
    "policy:unbiased": (
        policy.unbiased,
        (
            tiny(use_per_sample_act=True),
            tiny(use_per_sample_act=True, use_corrected_meta_rl=True),
        ),
        {"batches": (2,)},
    ),
    "policy:reward": (
        policy.reward,
        (
            recipes.gru(outputs=3, compute_cost_weight=0.07),
            recipes.v2(outputs=3, use_per_sample_act=True),
        ),
        {"batch": 32},
    ),
}


@pytest.mark.parametrize("name", CHECKED)
def test_exact_claims_check_what_they_did(name):
    function, arms, settings = CHECKED[name]
    old = [check for arm in GOLDEN[name] for check in arm.get("checks", [])]
    new = [check.to_json() for check in function(arms, 0, **settings)]
    rounding = "to rounding"  # its last digits are the machine's
    for before, now in zip(old, new, strict=True):
        left_out = {"observed"} if rounding in before["rule"] or "at most" in before["rule"] else {}
        assert {k: v for k, v in now.items() if k not in left_out} == {
            k: v for k, v in before.items() if k not in left_out
        }


def test_every_workload_is_compared_or_left_out_for_a_reason():
    compared = {"controller:memory", "policy:gradient_variance"} | {
        f"training:{name}" for name in ("planted", "planted_savings", "savings", "scores")
    }
    assert set(GOLDEN) - compared - set(CHECKED) <= set(LEFT_OUT)
    assert not set(CHECKED) & set(LEFT_OUT)


def test_a_check_is_run_by_the_name_of_its_function():
    protocol = Check(
        function="ablations.claims.exact.parameters:printed", figures=("844,610", "844,611")
    )
    arms = (recipes.amulgent(),) * 2
    first, second = outcome(protocol, *arms).observations
    assert [check["holds"] for check in first["checks"]] == [True, False]
    assert second == {}
