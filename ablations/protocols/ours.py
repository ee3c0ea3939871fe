"""Our own models as adapters."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablations.protocols.adapter import Adapter, Answers, Foreign, Progress
from ablations.protocols.identities import Redrawn
from ablations.specs.protocols import Execution, Ladder, Train
from hrm.config import QLearning
from hrm.config.learning import System, Training
from hrm.config.parts import Part
from hrm.errors import UserError
from hrm.model import HRM
from hrm.model.halting import Policy
from hrm.system import environment
from hrm.tasks import Boards, Task
from hrm.training import loop, scoring
from hrm.training.averages import Averaged

AT_ONCE = 1024  # boards that are answered, where each of them stops for itself
TOGETHER = 256  # those of a batch that stops as one, whose size matters


class Ours(Adapter):
    """A system under our own training loop.

    Attributes:
        decays: Decays of additional averages of the weights, which don't affect the training.
        compiled: Whether training steps are, see `hrm.training.compiled`.
        redrawn: How many puzzle identities there are, if training draws them anew each time that
            boards are dealt; 0 for those of the boards.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.decays: tuple[float, ...] = ()
        self.redrawn = 0
        self.compiled = False
        self.max_steps = system.model.halting.max_steps
        self._controller_norms: list[float] = []

    def build(self, task: Task, seed: int, device: str) -> None:
        self.task, self.device = task, device
        self.model = initial(self.system, seed, device)

    def train(self, training: Training, boards: Boards, seed: int, progress: Progress) -> None:
        def watch(shown: HRM) -> float:
            return progress.evaluated(lambda asked: self._answers(shown, asked))

        def measured(found: Mapping[str, float]) -> None:
            norm, steps = found["gradient_norm"], found["cycles_mean"]
            task = found["task_loss"]
            more = {name: found[name] for name in found if name.startswith("halted")}
            progress.updated(found["loss"], norm=norm, steps=steps, task=task, **more)
            if isinstance(self.model.halting, Policy):
                scale = max(1.0, norm / training.clip) if training.clip else 1.0  # as it was
                part = self.model.halting.controller.parameters()
                gradients = [p.grad for p in part if p.grad is not None]
                total = torch.nn.utils.get_total_norm(gradients)
                self._controller_norms.append(scale * float(total))
            for shadow in self.shadows:
                shadow.update_parameters(self.model)

        seeds = loop.Seeds(weights=seed, order=seed)
        data = self.encoded(boards)
        if self.redrawn:
            drawn = torch.Generator().manual_seed(loop.stream(seed, "identities"))
            data = Redrawn(
                inputs=data.inputs, targets=data.targets, count=self.redrawn, generator=drawn
            )
        self.shadows = [Averaged(self.model, decay) for decay in self.decays]
        loop.fit(
            self.model,
            self.system,
            training,
            data,
            seeds,
            watch,
            measured=measured,
            compiled=self.compiled,
        )

    def answer(self, boards: Boards) -> Answers:
        return self._answers(self.model, boards)

    def shadow_answers(self, boards: Boards) -> list[Answers]:
        """Return the answers of the averaged weights of the last training, one for each decay."""
        return [self._answers(shadow.module, boards) for shadow in self.shadows]  # type: ignore[arg-type]

    def encoded(self, boards: Boards) -> loop.Encoded:
        """Return boards in the form that the model takes."""
        return loop.encode(self.system, self.task, boards, self.device)

    @property
    def parameters(self) -> int:
        return sum(p.numel() for p in self.model.parameters())

    def report(self) -> Mapping[str, Any]:
        norms = np.array(self._controller_norms, dtype=np.float32)
        return {"update_controller_norm": norms} if len(norms) else {}

    def weights(self) -> Mapping[str, Tensor]:
        return {name: t.detach().cpu().clone() for name, t in self.model.state_dict().items()}

    def load(self, weights: Mapping[str, Any]) -> None:
        given = dict(weights)
        if self.model.connect is None:  # a single segment has no previous output to read
            given = {name: t for name, t in given.items() if not name.startswith("connect.")}
        self.model.load_state_dict(given)

    def _answers(self, model: HRM, boards: Boards) -> Answers:
        c = self.system.model
        coupled = c.halting.together or (c.evaluation or c.execution).as_one
        batch = TOGETHER if coupled else AT_ONCE
        predictions, steps = scoring.answers(model, self.system, self.task, boards, batch)
        return Answers(predictions=predictions, steps=steps)


def adapter(arm: Part) -> Adapter:
    """Return the adapter of an arm.

    Raises:
        UserError: If the arm is neither a system nor a foreign model.
    """
    match arm:
        case System():
            return Ours(arm)
        case Foreign():
            return arm.adapter()
    raise UserError(
        f"arm is a {type(arm).__name__}; allowed are System and Foreign; pass a recipe's system, "
        "or write an adapter"
    )


def compile(adapter: Adapter, protocol: Train | Ladder) -> None:  # noqa: A001
    """Let an adapter compile its training steps if the protocol says so.

    Raises:
        UserError: If it is a foreign model, or torch can't compile here.
    """
    if not protocol.compiled:
        return
    if not isinstance(adapter, Ours):
        raise UserError(
            "compiled is True for a foreign model; allowed is False, since its steps are its own; "
            "use --mode eager"
        )
    environment.compiler()
    adapter.compiled = True


def own(
    arm: Part,
    execution: Execution | None = None,
    *,
    segments: int | None = None,
    halt: bool = False,
) -> Ours:
    """Return the adapter of a system, with some of its settings replaced.

    Args:
        arm: The system.
        execution: How a batch is executed, in training mode and in evaluation.
        segments: Refinement segments of each cycle.
        halt: Whether evaluation is to halt also where it takes all steps by itself.

    Raises:
        UserError: If the arm isn't a system, since the protocol needs access to the model.
    """
    if not isinstance(arm, System):
        raise UserError(
            f"arm is a {type(arm).__name__}; allowed is System, whose steps can be looked at; "
            "foreign models can be trained, and evaluated as they are"
        )
    model = arm.model
    if execution is not None:
        model = replace(model, execution=execution, evaluation=None)
    if segments is not None:
        connection = model.segments.connection if segments > 1 else None
        given = replace(model.segments, count=segments, connection=connection)
        model = replace(model, segments=given)
    if halt and isinstance(model.halting, QLearning):
        model = replace(model, halting=replace(model.halting, halt_in_evaluation=True))
    return Ours(replace(arm, model=model))


def initial(system: System, seed: int, device: str = "cpu") -> HRM:
    """Return a model with initial weights from a seed, see `hrm.training.loop.build`."""
    return loop.build(system, loop.Seeds(weights=seed, order=seed), device)
