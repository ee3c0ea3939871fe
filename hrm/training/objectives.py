"""Objectives: the training loss of a batch, and its measurements.

To add an objective, derive from `Objective` and register the class for its part with
`hrm.model.registry.builds`.
"""

import dataclasses
from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn import functional as F

from hrm.config import learning
from hrm.config.axes import Objective as Part
from hrm.model import HRM, Output
from hrm.model.execution import Batch, Carry
from hrm.model.registry import builds
from hrm.system import distributed
from hrm.training import losses, q_losses

Found = tuple[dict[str, Tensor], Tensor, Carry | None]


class Objective(ABC):
    """The training objective of a system.

    Args:
        part: The configuration of the objective.

    Attributes:
        coupled: Whether the loss isn't a mean over samples; each process then computes the loss of
            the whole batch.
        one_step: Whether an update is one halting step, and places carry their states to the next.
    """

    coupled = False
    one_step = False

    def __init__(self, part: Part) -> None:
        self.part = part

    @abstractmethod
    def losses(self, model: HRM, batch: Batch, noise: Tensor, carry: Carry | None) -> Found:
        """Return the loss, its parts, each sample's halting steps, and the places afterwards.

        Args:
            model: The model.
            batch: A batch with targets.
            noise: Uniform draws of halting, [steps, B, draws].
            carry: The places, as the last call returned them; None at the first call.

        Returns:
            Scalars by name, with the one to minimise under "loss"; halting steps [B]; the carry, or
            None.
        """


@builds(learning.Supervised)
class Supervised(Objective):
    """The loss of the last answer, or of the answers of all segments."""

    part: learning.Supervised

    def losses(self, model: HRM, batch: Batch, noise: Tensor, carry: Carry | None) -> Found:
        drafts = self.part.every_segment or self.part.between > 0
        output = model(batch.inputs, noise, identities=batch.identities, drafts=drafts)
        assert batch.targets is not None
        task = losses.supervised_loss(self.part, output, batch.targets)
        return {"loss": task, "task_loss": task}, output.run.steps, None


@builds(learning.PolicyGradient)
class PolicyGradient(Objective):
    """The loss of the answer, and REINFORCE; means are over the whole batch.

    Attributes:
        answer: The loss of an answer: (prediction, target) to [B].
    """

    part: learning.PolicyGradient
    coupled = True

    def __init__(self, part: learning.PolicyGradient) -> None:
        super().__init__(part)
        self.answer: losses.AnswerLoss = losses.squared_error

    def losses(self, model: HRM, batch: Batch, noise: Tensor, carry: Carry | None) -> Found:
        output = model(batch.inputs, noise, identities=batch.identities, drafts=False)
        assert batch.targets is not None
        whole, targets = _whole(output), distributed.gathered(batch.targets)
        most = model.halting.max_steps
        found = losses.policy_gradient_loss(self.part, whole, targets, most, self.answer)
        parts = {"loss": found.total, "task_loss": found.task}
        parts |= {"policy_loss": found.policy, "baseline_loss": found.baseline}
        if self.part.entropy:
            parts["entropy_loss"] = found.entropy
        if self.part.step_penalty:
            parts["penalty_loss"] = found.penalty
        return parts, whole.run.steps, None


@builds(learning.QHalting)
class QHalting(Objective):
    """The losses of the answer and of the Q values, with one halting step per update."""

    part: learning.QHalting
    one_step = True

    def losses(self, model: HRM, batch: Batch, noise: Tensor, carry: Carry | None) -> Found:
        carry = carry or model.begin(batch)
        carry, prediction, decision = model.advance(carry, batch, noise[0])
        ahead = self.part.continue_loss and model.halting.max_steps > 1
        next_q = q_losses.continue_target(model, carry) if ahead else None
        targets = carry.batch.targets
        assert targets is not None
        found = q_losses.segment_loss(self.part, prediction, decision.logits, targets, next_q)
        parts = {"loss": found.total, "task_loss": found.task}
        parts |= {"halt_loss": found.halt, "continue_loss": found.keep_on}
        parts |= {"halted": carry.halted.float().mean()}
        parts |= {"halted_steps": (carry.halted * carry.steps).float().mean()}
        return parts, carry.steps, carry


@builds(learning.ReplayHalting)
class ReplayHalting(Objective):
    """The losses of the answer and of replayed Q values, with one halting step per update."""

    part: learning.ReplayHalting
    one_step = True

    def losses(self, model: HRM, batch: Batch, noise: Tensor, carry: Carry | None) -> Found:
        carry = carry or model.begin(batch)
        carry, prediction, decision = model.advance(carry, batch, noise[0])
        with torch.no_grad():
            next_q = model.look_ahead(carry)
        targets = carry.batch.targets
        assert targets is not None
        task, replay = q_losses.replayed(
            self.part, prediction, decision.logits, targets, next_q, carry.halted
        )
        parts = {"loss": task + self.part.weight * replay, "task_loss": task, "halt_loss": replay}
        parts |= {"halted": carry.halted.float().mean()}
        parts |= {"halted_steps": (carry.halted * carry.steps).float().mean()}
        for k in range(1, model.halting.max_steps + 1):
            parts[f"halted_{k}"] = (carry.halted & (carry.steps == k)).float().mean()
        return parts, carry.steps, carry


def _whole(output: Output) -> Output:
    """Return the output that a policy's loss reads, with the samples of all processes."""
    if distributed.world() == 1:
        return output
    run = output.run
    each = distributed.gathered(torch.tensor([len(run.margins)], device=run.margins.device))
    missing = int(each.max()) - len(run.margins)  # steps that only other processes took

    def long(t: Tensor) -> Tensor:
        return distributed.gathered(F.pad(t, (0, 0) * (t.dim() - 1) + (0, missing)), 1)

    run = dataclasses.replace(
        run,
        steps=distributed.gathered(run.steps),
        margins=long(run.margins),
        logits=long(run.logits),
        values=long(run.values),
    )
    return dataclasses.replace(output, prediction=distributed.gathered(output.prediction), run=run)
