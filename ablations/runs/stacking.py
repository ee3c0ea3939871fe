"""Stacks of trials: seeds of one arm that are trained together, see `hrm.training.stacked`.

The protocol runs twice for each seed. The first run is stopped where training would begin, and
yields the system and the training. Then all seeds are trained together. The second run gets the
recorded training of its seed instead of training itself, so that results are computed by the
protocol as usual. The time of a result is that of its own protocol plus its share of the stack's
training; the observation `stack` is the number of seeds.
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from torch import Tensor

from ablations.protocols.adapter import Foreign, Progress
from ablations.protocols.base import Inputs, Outcome
from ablations.protocols.ours import Ours
from ablations.records.trials import Result, Trial
from ablations.runs import attempts, fingerprints
from ablations.runs.attempts import Clock, Function, Job
from ablations.runs.encoding import encode
from ablations.runs.trials import with_parents
from ablations.specs.protocols import Protocol, Train
from hrm.config import Policy
from hrm.config.learning import System, Training
from hrm.config.parts import Part
from hrm.errors import Diverged, UserError
from hrm.model import HRM
from hrm.tasks import Boards
from hrm.training import stacked
from hrm.training.loop import Seeds
from hrm.training.stacked import Member


def work(text: str) -> str:
    """Run encoded jobs as one stack, for an engine, and return their encoded results.

    Raises:
        UserError: As `ablations.runs.attempts.work`.
    """
    jobs = [attempts.received(each) for each in json.loads(text)]
    return json.dumps([encode(result) for result in execute(jobs)])


def execute(jobs: Sequence[Job]) -> list[Result]:
    """Run jobs of one arm and protocol as one stack, and return the result of each.

    An error of one job before or after training affects only that job; an error of the stacked
    training affects all. What can't be stacked, such as the arm of a control, is trained seed by
    seed.
    """
    clock = Clock()
    limits = [job.limit for job in jobs if job.limit is not None]
    with attempts.limited(sum(limits) if limits else None), attempts.one_thread():
        courses = trained([functools.partial(attempts.prepared, job) for job in jobs])
    if all(isinstance(course.end, Unstackable) for course in courses):
        return [attempts.execute(job) for job in jobs]
    spent = clock.read()
    found = []
    for job, course in zip(jobs, courses, strict=True):
        result = attempts.execute(job, functools.partial(_replayed, course, len(jobs)))
        found.append(
            replace(
                result,
                wall_seconds=result.wall_seconds + spent["wall_seconds"] / len(jobs),
                cpu_seconds=result.cpu_seconds + spent["cpu_seconds"] / len(jobs),
                peak_memory_bytes=max(result.peak_memory_bytes, spent["peak_memory_bytes"]),
            )
        )
    return found


class Unstackable(UserError):  # noqa: N818 (an error of the user, as its base is)
    """Something can't be trained in a stack."""


def refusal(trials: Iterable[Trial]) -> str:
    """Return why trials can't be run with their seeds in stacks, "" if they can."""
    asked = {fingerprints.kind(trial): trial for trial in with_parents(trials)}
    try:
        for trial in asked.values():
            protocol = Protocol.from_json(trial.protocol)
            if trial.device.endswith(fingerprints.STACKED) and hasattr(protocol, "training"):
                for arm in trial.arms:
                    require_stackable(protocol, Part.from_json(arm))
    except UserError as error:
        return str(error)
    return ""


def require_stackable(protocol: Protocol, arm: Part) -> None:
    """Refuse what can't be trained in a stack.

    Raises:
        Unstackable: If the protocol isn't an eager `Train`, the arm isn't a `System`, the protocol
            reads every update, or `hrm.training.stacked` refuses it.
    """
    looks = isinstance(protocol, Train) and (protocol.shadows or protocol.identities == "random")
    found = ""
    if not isinstance(protocol, Train):
        found = f"protocol is {type(protocol).__name__}"
    elif protocol.compiled:
        found = "compiled is True"
    elif not isinstance(arm, System):
        found = f"arm is a {type(arm).__name__}"
    elif looks or isinstance(arm.model.halting, Policy):
        found = "the training has shadows, random identities or a Policy, which need each update"
    if found:
        raise Unstackable(
            f"{found}; allowed in a stack is an eager Train of a System whose single updates "
            "aren't read; train these seeds one by one, without --stack"
        )
    assert isinstance(protocol, Train) and isinstance(arm, System)
    try:
        stacked.require_stackable(arm, protocol.training)
    except UserError as error:
        raise Unstackable(str(error)) from error


@dataclass(kw_only=True)
class Course:
    """The recorded training of a seed.

    Attributes:
        member, system: The member of the stack and its system; None before they are known.
        updates: Measurements of each update.
        watched: Weights at each evaluation.
        end: The exception that ended the training; None if there was none.
    """

    member: Member | None = None
    system: System | None = None
    updates: list[Mapping[str, float]] = field(default_factory=list)
    watched: list[Mapping[str, Tensor]] = field(default_factory=list)
    end: Exception | None = None

    def watch(self, shown: HRM) -> None:
        """Record the weights."""
        self.watched.append({name: t.detach().clone() for name, t in shown.state_dict().items()})

    def measured(self, found: Mapping[str, float]) -> None:
        """Record the measurements of an update."""
        self.updates.append(dict(found))


Prepared = Callable[[], tuple[Function, Inputs]]


def trained(prepare: Sequence[Prepared]) -> list[Course]:
    """Train the requested systems as one stack, and return the course of each.

    Args:
        prepare: For each seed, a function that returns the protocol's function and its inputs.
    """
    courses = [Course() for _ in prepare]
    for one, course in zip(prepare, courses, strict=True):
        try:
            function, inputs = one()
            function(_given(inputs, course))
        except _Asked:
            pass
        except Exception as error:  # noqa: BLE001 (the error is the result of this seed)
            course.end = error
    running = [c for c in courses if c.member is not None]
    members = [course.member for course in running if course.member is not None]
    if len(members) == 1:  # a stack of one would be computed with other rounding
        members.append(replace(members[0], watch=lambda _: None, measured=lambda _: None))
    if members:
        system = running[0].system
        assert system is not None
        try:
            ends: Sequence[Exception | None] = stacked.fit(system, members)
        except Exception as error:  # noqa: BLE001 (the error is the result of all seeds)
            ends = [error] * len(members)
        for course, end in zip(running, ends, strict=False):
            course.end = end
    return courses


class _Asked(Exception):  # noqa: N818 (not an error: the requested training is known)
    """Raised where a protocol would begin to train."""


class _Arm:
    """A system in a stack, as an arm whose adapter does the training."""

    def __init__(self, system: System, course: Course) -> None:
        self.system, self.course = system, course

    def adapter(self) -> Ours:
        """Return the adapter that runs the system."""
        return _Stacked(self.system, self.course)


Foreign.register(_Arm)


class _Stacked(Ours):
    """Records the requested training in the first run, and replays it in the second."""

    def __init__(self, system: System, course: Course) -> None:
        super().__init__(system)
        self.course = course

    def train(self, training: Training, boards: Boards, seed: int, progress: Progress) -> None:
        if self.course.member is None:
            self._ask(training, boards, seed)
        self._replay(progress)

    def _ask(self, training: Training, boards: Boards, seed: int) -> NoReturn:
        self.course.system = self.system
        self.course.member = Member(
            model=self.model,
            training=training,
            data=self.encoded(boards),
            seeds=Seeds(weights=seed, order=seed),
            watch=self.course.watch,
            measured=self.course.measured,
        )
        raise _Asked

    def _replay(self, progress: Progress) -> None:
        watched = iter(self.course.watched)
        for update, found in enumerate(self.course.updates, 1):
            progress.updated(
                found["loss"],
                norm=found["gradient_norm"],
                steps=found["cycles_mean"],
                task=found["task_loss"],
                **{name: value for name, value in found.items() if name.startswith("halted")},
            )
            state = next(watched, None) if progress.due else None
            if state is not None:
                self.model.load_state_dict(dict(state))
                try:
                    progress.evaluated(self.answer)
                except FloatingPointError as error:
                    raise Diverged(update, str(error)) from error
        if self.course.end is not None:
            raise self.course.end


def _given(inputs: Inputs, course: Course) -> Inputs:
    """Return the inputs of a protocol, with its arm in a stack."""
    (arm,) = inputs.arms
    require_stackable(inputs.protocol, arm)
    assert isinstance(arm, System)
    arms: Any = (_Arm(arm, course),)  # registered as an arm, not a subclass
    return replace(inputs, arms=arms)


def _replayed(course: Course, size: int, function: Function) -> Function:
    """Return a protocol's function that replays a course instead of training."""

    def run(inputs: Inputs) -> Outcome:
        if course.member is None:
            assert course.end is not None
            raise course.end
        outcome = function(_given(inputs, course))
        found = [{**each, "stack": size} for each in outcome.observations]
        return replace(outcome, observations=found)

    return run
