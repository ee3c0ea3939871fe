"""The pictures of a stored run: its tracked curve; all others from its best checkpoint.

    training       losses, validation score and halting steps over updates, beside trivial methods
    halting        steps by difficulty of the test boards
    signals        the halting signal at each step
    efficiency     the cost of lockstep, masked and compacted execution of the same decisions
    puzzle         a test board, the answer after each segment, the solution
    states         principal components, residuals and participation ratios of both levels
    communication  messages between the levels: their norms, and their cosines over time
    positions      the halting probability of each position over steps
    architecture   blocks with their parameters

In `halting`, `signals` and `efficiency`, each sample stops on its own as soon as its halting
decision is to stop. If the run evaluates in another way, the picture says so.
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from hrm.config import (
    Accumulated,
    Compacted,
    Fixed,
    HRMConfig,
    Lockstep,
    Masked,
    Policy,
    QLearning,
)
from hrm.config.learning import System
from hrm.config.parts import require
from hrm.data import own
from hrm.data.writing import taken
from hrm.errors import UserError
from hrm.model import HRM, Output, cost, probe
from hrm.model.execution import Batch
from hrm.plots import architecture, halting, levels, puzzles, states, training
from hrm.plots.style import INK, Array
from hrm.tasks import Boards, Splits
from hrm.training import loop, losses, runs, scoring, tracking

_executions: Mapping[str, Lockstep | Masked | Compacted] = {
    "lockstep": Lockstep(),
    "masked": Masked(),
    "compacted": Compacted(),
}
NAMES = (  # of the methods that draw them
    *("training", "halting", "signals", "efficiency", "puzzle", "states"),
    *("communication", "positions", "architecture"),
)
_entries = 2**24  # largest number of state entries that are kept for a picture: 128 MiB


class Lacking(Exception):  # noqa: N818 (a missing picture isn't an error)
    """Raised if a picture can't be drawn for a run; the message says why."""


class Pictures:
    """The pictures of a run.

    Args:
        folder: The folder of the run.
        boards: Largest number of test boards to use.
        board: Index of the board that `puzzle` shows.
        data: Path of test boards, see `hrm.data.own.opened`; None for those of the run.

    Raises:
        UserError: If there is no run, or no such board.
    """

    def __init__(
        self, folder: Path, *, boards: int = 256, board: int = 0, data: Path | None = None
    ) -> None:
        plan = runs.planned(folder) if folder.is_dir() else None
        if plan is None:
            raise UserError(
                f"run is {str(folder)!r}; allowed is a folder with a run.json; give the --output "
                "of `hrm train`"
            )
        require(boards >= 1, "boards", boards, "1 or more", "leave it out for 256")
        self.folder, self.plan, self.board = folder, plan, board
        task: Any = plan.task
        self.task = task
        self.data = None if data is None else own.opened(data, task, testing=True)
        count = plan.test if self.data is None else len(self.data.read("test"))
        allowed = f"0 ... {count - 1}, a test board of this run"
        require(0 <= board < count, "board", board, allowed, "take another")
        self.boards = min(boards, count)

    def draw(self, only: Sequence[str] = ()) -> Iterator[tuple[str, Figure | str]]:
        """Yield each picture's name with its figure, or with the reason why there is none."""
        for name in only or NAMES:
            try:
                yield name, getattr(self, name)()
            except Lacking as lacking:
                yield name, str(lacking)

    # -- the pictures ------------------------------------------------------------------------------
    def training(self) -> Figure:
        """Draw the training curve; its score is that of the validation boards."""
        points = tracking.points(self.folder)
        if not points:
            raise Lacking("the run hasn't been evaluated yet")
        found = scoring.baselines(self.task, self.splits.train, self.splits.validation)
        ended = tracking.ended(self.folder) or {}
        return training.dynamics(
            [curve(points)],
            baselines={name: scores["unknown"] for name, scores in found.items()},
            score="validation, unknown cells",
            diverged=[ended["step"]] if ended.get("status") == "diverged" else [],
        )

    def halting(self) -> Figure:
        """Draw halting steps by difficulty."""
        figure = halting.by_difficulty(
            self.halted.run.steps.numpy(),
            self.test.difficulty,
            max_steps=self.plan.system.model.halting.max_steps,
            unit=f"difficulty ({type(self.task).__name__.lower()})",
        )
        return self._noted(figure)

    def signals(self) -> Figure:
        """Draw probabilities of stopping, or margins of the Q values."""
        run = self.halted.run
        match self.plan.system.model.halting:
            case Policy():
                values, signal = run.logits.softmax(-1)[..., 1], "probability to stop"
            case QLearning(against_continue=True):
                values, signal = run.margins, "Q(halt) - Q(continue)"
            case QLearning():
                values, signal = run.margins, "Q(halt)"
            case Accumulated():
                raise Lacking("accumulated halting has no other signal than the sums in its states")
            case part:
                values, signal = run.margins, f"margin of {type(part).__name__}"
        return self._noted(halting.signals(_plain(values), run.steps.numpy(), signal=signal))

    def efficiency(self) -> Figure:
        """Draw the cost of each execution, and its accuracy on the unknown cells."""
        found = []
        for name, part in _executions.items():
            output = self._thought(replace(self.halting_model, evaluation=part))
            scores = self.task.score(self.test, self._answers(output.prediction))
            found.append(
                halting.Execution(
                    name=name,
                    rows=output.run.rows,
                    samples=self.boards,
                    score=float(np.mean(scores.unknown)),
                )
            )
        trivial = scoring.baselines(self.task, self.splits.train, self.test)
        drawn = halting.efficiency(
            found,
            baselines={name: scores["unknown"] for name, scores in trivial.items()},
            operations=self._operations(),
        )
        return self._noted(drawn, lockstep=False)

    def puzzle(self) -> Figure:
        """Draw one test board with the answers after each segment."""
        if self.task.classes == 0:
            raise Lacking(f"{type(self.task).__name__}'s answers are real numbers, not a board")
        batch = self._batch(slice(self.board, self.board + 1))
        trace = probe.record(self.best, batch.inputs, batch.identities)
        answers = [self._answers(torch.from_numpy(answer))[0] for answer in trace.answers]
        count = self.plan.system.model.segments.count
        names = [
            f"step {i // count + 1}" + (f", segment {i % count + 1}" if count > 1 else "")
            for i in range(len(answers))
        ]
        boards = self.splits.test
        board, solution = boards.inputs[self.board], boards.targets[self.board]
        return puzzles.picture(self.task, board, answers, solution, names=names)

    def states(self) -> Figure:
        """Draw how the states of some test boards change; all boards take all steps."""
        batch = self._batch(slice(self._kept()))
        return states.evolution(probe.record(self.best, batch.inputs, batch.identities))

    def communication(self) -> Figure:
        """Draw the messages between the levels on some test boards; all boards take all steps."""
        if self.plan.system.model.coupling.one_level:
            raise Lacking("the model has only one level")
        batch = self._batch(slice(self._kept()))
        return levels.communication(levels.messages(self.best, batch.inputs, batch.identities))

    def positions(self) -> Figure:
        """Draw each position's halting probability, for the chosen board and as a mean of all."""
        part = self.plan.system.model.halting
        if not isinstance(part, Accumulated):
            raise Lacking("the model doesn't accumulate a halting probability at each position")
        rows = [self.board, *(i for i in range(self._kept()) if i != self.board)]
        batch = self._encoded.batch(torch.tensor(rows))
        values = levels.probabilities(self.best, batch.inputs, batch.identities)
        return levels.positions(values, part.threshold, name=f"Board {self.board}")

    def architecture(self) -> Figure:
        """Draw the model's blocks."""
        with torch.device("meta"):
            model = HRM(self.plan.system.model)
        return architecture.architecture(model, name=self.plan.recipe)

    # -- what they are drawn from ------------------------------------------------------------------
    @functools.cached_property
    def splits(self) -> Splits:
        """The boards of the run, with the other test boards if there are any."""
        splits = self.plan.splits()
        return splits if self.data is None else replace(splits, test=self.data.test(self.task))

    @functools.cached_property
    def test(self) -> Boards:
        """The test boards that are used."""
        return taken(self.splits.test, np.arange(self.boards))

    @functools.cached_property
    def best(self) -> HRM:
        """The model of the best checkpoint."""
        return self._restored(self.plan.system.model)

    @functools.cached_property
    def halting_model(self) -> HRMConfig:
        """The model's configuration, with each sample stopping on its own."""
        c = self.plan.system.model
        part = c.halting
        if isinstance(part, Fixed) or part.max_steps == 1:
            raise Lacking(f"the model has no halting: every sample takes {part.max_steps} step(s)")
        if isinstance(part, Policy) and not part.obeyed:
            raise Lacking("the model ignores its halting policy: every sample takes all steps")
        if isinstance(part, QLearning):
            part = replace(part, halt_in_evaluation=True, batch_mean=False, exploration=None)
        return replace(c, halting=part, execution=Masked(), evaluation=None)

    @functools.cached_property
    def halted(self) -> Output:
        """The answers of the best checkpoint, with each sample stopping on its own."""
        return self._thought(self.halting_model)

    def _restored(self, c: HRMConfig) -> HRM:
        path = self.folder / "best.safetensors"
        if not path.is_file():
            raise Lacking("the run has no checkpoint yet")
        model = HRM(c)
        runs.restored(path, model)
        return model.eval()

    def _thought(self, c: HRMConfig) -> Output:
        model, batch = self._restored(c), self._batch(slice(self.boards))
        with torch.no_grad():
            output: Output = model(batch.inputs, identities=batch.identities)
        return output

    def _kept(self) -> int:
        """Return the number of test boards whose states are kept."""
        c = self.plan.system.model
        updates = c.halting.max_steps * c.segments.count * (len(self.best.schedule()) + 1)
        per_sample = updates * c.positions * (c.low.width + c.high.width)
        return min(self.boards, max(2, min(16, _entries // per_sample)))

    def _batch(self, which: slice) -> Batch:
        data = self._encoded
        return data.batch(torch.arange(len(data))[which])

    @functools.cached_property
    def _encoded(self) -> loop.Encoded:
        return loop.encode(self.plan.system, self.task, self.splits.test)

    def _answers(self, prediction: torch.Tensor) -> Array:
        if not prediction.isfinite().all():  # NaN would be taken for a class
            raise Lacking("the checkpoint gives answers that are NaN or infinite")
        if self.task.classes == 0:
            return _plain(prediction)
        cells = self.splits.test.targets.shape[1]
        return losses.answer(self.plan.system.objective, prediction, cells).numpy()

    def _operations(self) -> int:
        """Count the operations of one halting step of one sample, forward."""
        with torch.device("meta"):
            model = HRM(self.plan.system.model).eval()
        with torch.no_grad():
            x = model.perceive(model.example(1))
            start = model.start(x)
            try:
                return cost.operations(lambda: model.refine(start, x), model).forward
            except cost.Uncounted as hidden:
                raise Lacking(str(hidden)) from hidden

    def _noted(self, figure: Figure, *, lockstep: bool = True) -> Figure:
        """Say in a figure's heading if the run itself evaluates in another way."""
        note = otherwise(self.plan.system, lockstep=lockstep)
        if note:
            figure.suptitle(f"Each sample stops on its own; {note}", fontsize=8.5, color=INK)
        return figure


def curve(points: Sequence[Mapping[str, Any]]) -> training.Curve:
    """Return the curve of a run's points; its losses are all metrics with "loss" in the name.

    Missing and non-finite values are NaN.
    """

    def column(name: str) -> Array:
        values = [point.get(name) for point in points]
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)

    names = dict.fromkeys(name for point in points for name in point if "loss" in name)
    shown = {name: "total" if name == "loss" else name.replace("_", " ") for name in names}
    return training.Curve(
        updates=column("step"),
        losses={shown[name]: column(name) for name in names},
        score=column("unknown"),
        steps=column("steps"),
    )


def otherwise(system: System, *, lockstep: bool = True) -> str:
    """Return how a system evaluates if its samples don't stop on their own; "" if they do."""
    c = system.model
    if isinstance(c.halting, QLearning) and not c.halting.halt_in_evaluation:
        return "the run evaluates with all steps"
    if isinstance(c.halting, QLearning) and c.halting.batch_mean:
        return "in the run, the mean over the batch decides"
    if lockstep and isinstance(c.evaluation or c.execution, Lockstep):
        return "the run evaluates in lockstep"
    return ""


def _plain(values: torch.Tensor) -> Array:
    found: Array = values.detach().double().numpy()
    return found
