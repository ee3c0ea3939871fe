"""Halting learned from the batch's own experiences, within training: targets, rewards, places."""

from dataclasses import replace

import pytest
import torch

from hrm import recipes
from hrm.config import Compacted, Detached
from hrm.config.learning import ReplayHalting, System, Training
from hrm.errors import UserError
from hrm.model.execution import Batch
from hrm.training import loop, q_losses
from hrm.training.learner import Learner

CELLS, CLASSES, B = 3, 4, 6


def system(*, separate: bool = True, steps: int = 3) -> System:
    made = recipes.amulgent(
        inputs=12, outputs=CELLS * CLASSES, width=16, h_layers=1, l_layers=1, max_steps=steps
    ).model
    halting = replace(made.halting, batch_mean=False, exploration=None, heads=1 + separate)  # type: ignore[call-arg]
    model = replace(made, halting=halting, carry=Detached(), execution=Compacted())
    return System(model=model, objective=ReplayHalting(separate=separate))


def batch(seed: int = 0) -> Batch:
    drawn = torch.Generator().manual_seed(seed)
    targets = torch.randint(CLASSES, (B, CELLS), generator=drawn)
    return Batch(torch.randn(B, 12, generator=drawn), None, targets)


def predicted(right: bool) -> tuple[torch.Tensor, torch.Tensor]:
    target = torch.tensor([[0, 1, 2]])
    logits = torch.nn.functional.one_hot(target if right else 3 - target, CLASSES).float()
    return logits.flatten(1), target


@pytest.mark.parametrize(
    ("right", "halted", "halt", "keep_on"),
    [
        (True, True, 0.99, 0.0),  # 1 less what the step costs; nothing follows
        (False, True, -0.01, 0.0),
        (True, False, -0.01 + 0.8 * 0.99 * 0.6, -0.01 + 0.99 * 0.6),  # no reward before it ends
        (False, False, -0.01 + 0.8 * 0.99 * 0.6, -0.01 + 0.99 * 0.6),
    ],
)
def test_separate_heads_learn_what_the_answer_earned(
    right: bool, halted: bool, halt: float, keep_on: float
) -> None:
    prediction, target = predicted(right)
    q, ahead = torch.tensor([[0.3, -0.2]]), torch.tensor([[0.6, 0.1]])
    _, loss = q_losses.replayed(
        ReplayHalting(), prediction, q, target, ahead, torch.tensor([halted])
    )
    assert loss.item() == pytest.approx((0.3 - halt) ** 2 + 1.1 * (-0.2 - keep_on) ** 2)


@pytest.mark.parametrize(("halted", "goal"), [(True, 0.99), (False, -0.01 + 0.99 * 0.6)])
def test_one_map_learns_by_its_larger_value_alone(halted: bool, goal: float) -> None:
    prediction, target = predicted(True)
    q = torch.tensor([[0.3, -0.2]], requires_grad=True)
    _, loss = q_losses.replayed(
        ReplayHalting(separate=False),
        prediction,
        q,
        target,
        torch.tensor([[0.6, 0.1]]),
        torch.tensor([halted]),
    )
    loss.backward()
    assert loss.item() == pytest.approx((0.3 - goal) ** 2)
    assert q.grad is not None and q.grad[0, 1] == 0


def test_states_go_on_from_update_to_update_and_halted_places_start_afresh() -> None:
    made = system()
    model = loop.build(made, loop.Seeds(weights=0, order=0))
    learner = Learner(model, made, Training(updates=3, batch=B), torch.Generator().manual_seed(0))
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    for update in range(3):
        found = learner.training_step(batch(update))
        assert {"loss", "task_loss", "halt_loss"} < set(found)
        assert found["loss"] == pytest.approx(found["task_loss"] + 0.5 * found["halt_loss"])
        assert learner.carry is not None
        before = seen[-1] if seen else (torch.zeros(B, dtype=torch.int64), torch.ones(B).bool())
        expected = torch.where(before[1], 0, before[0]) + 1
        assert torch.equal(learner.carry.steps, expected)
        counts = [B * found[f"halted_{k}"] for k in (1, 2, 3)]
        halts = learner.carry.steps[learner.carry.halted]
        assert counts == pytest.approx([(halts == k).sum().item() for k in (1, 2, 3)])
        assert B * found["halted"] == pytest.approx(len(halts))
        assert B * found["halted_steps"] == pytest.approx(halts.sum().item())
        seen.append((learner.carry.steps.clone(), learner.carry.halted.clone()))


def test_targets_have_no_gradient_and_the_last_step_ends() -> None:
    made = system(steps=1)
    model = loop.build(made, loop.Seeds(weights=0, order=0))
    learner = Learner(model, made, Training(updates=1, batch=B), torch.Generator().manual_seed(0))
    learner.training_step(batch())
    assert learner.carry is not None and learner.carry.halted.all()


def test_only_q_learning_is_taught() -> None:
    with pytest.raises(UserError, match="QLearning"):
        System(model=recipes.gru().model, objective=ReplayHalting())
