"""Open axes: parts of one's own on each axis build, train, and survive JSON."""

import json
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from hrm import config, recipes
from hrm.config import axes
from hrm.config.learning import SquaredError, System, Training
from hrm.config.parts import require
from hrm.errors import UserError
from hrm.model import HRM, Output
from hrm.model.coupling import Coupling, Levels, Thought, Update
from hrm.model.embedding import Embedding, InitialState
from hrm.model.execution import Batch, Carry, masked
from hrm.model.halting import Decision, Halting, undecided
from hrm.model.initialisation import Initialisation
from hrm.model.registry import builds, built
from hrm.model.state import State
from hrm.model.summary import Summary
from hrm.training.learner import Learner, share
from hrm.training.objectives import Objective

B, width = 4, 8


@dataclass(frozen=True, kw_only=True)
class OwnCountdown(config.Halting):
    """Stops as soon as the first state's mean is above a level."""

    level: float = 0.0
    max_steps: int = 3


@builds(OwnCountdown)
class Countdown(Halting):
    def __init__(self, part: OwnCountdown, c: config.HRMConfig) -> None:
        super().__init__()
        self.max_steps, self.level = part.max_steps, part.level

    def forward(self, state: State, step: int | Tensor, noise: Tensor | None) -> Decision:
        margin = state.high.flatten(1).mean(1) - self.level
        return undecided(state.high.flatten(1))._replace(margin=margin.detach())


@dataclass(frozen=True, kw_only=True)
class OwnCoupling(config.Coupling):
    """High first, then low; only for equal widths."""

    def fits(self, c: config.HRMConfig, name: str) -> None:
        equal = c.low.width == c.high.width
        require(equal, name, self, "one of unequal widths", "make both equal")


@builds(OwnCoupling)
class HighFirst(Coupling):
    def cycle(self) -> list[Update]:
        return [self.high, *([self.low] * self.steps)]

    def high(self, model: Levels, z: Thought, x: Tensor | None) -> Thought:
        return z._replace(high=model.core_high(z.high, z.low))

    def low(self, model: Levels, z: Thought, x: Tensor | None) -> Thought:
        return z._replace(low=model.low(z.low, x, model.low.from_context(z.high)))


@dataclass(frozen=True, kw_only=True)
class OwnMean(config.Summary):
    """The mean of the cycle's low states."""


@builds(OwnMean)
class Mean(Summary):
    def __init__(self, part: OwnMean, c: config.HRMConfig) -> None:
        super().__init__()
        self.window = c.low_steps

    def forward(self, trace: tuple[Tensor, ...], high: Tensor) -> Tensor:
        return torch.stack(trace).mean(0)


@dataclass(frozen=True, kw_only=True)
class OwnEmbedding(config.Embedding):
    """Vectors, scaled by a constant."""

    reads: ClassVar[str] = "one-hot"
    size: int


@builds(OwnEmbedding)
class Scaled(Embedding):
    def __init__(self, part: OwnEmbedding, c: config.HRMConfig) -> None:
        super().__init__()
        self.map = nn.Linear(part.size, c.low.width)

    def forward(self, x: Tensor, identities: Tensor | None = None) -> Tensor:
        return 2 * self.map(x)

    def example(self, batch: int) -> Tensor:
        return torch.zeros(batch, self.map.in_features)


@dataclass(frozen=True, kw_only=True)
class OwnOnes(config.Initial):
    """States start at one."""


@builds(OwnOnes)
class Ones(InitialState):
    def __init__(self, part: OwnOnes, width: int, *, low: bool) -> None:
        super().__init__(config.Zeros(), width)
        self.value.fill_(1.0)


@dataclass(frozen=True, kw_only=True)
class OwnConstant(config.Initialisation):
    """Every weight is 0.1."""


@builds(OwnConstant)
class ConstantWeights(Initialisation):
    def weight(self, weight: Tensor, generator: torch.Generator) -> None:
        weight.fill_(0.1)


@dataclass(frozen=True, kw_only=True)
class OwnTwice(config.Execution):
    """Masked, with half of the steps."""


@builds(OwnTwice)
def _twice(part: OwnTwice):
    return lambda step, start, most, everyone=torch.all: masked(step, start, max(1, most // 2))


@dataclass(frozen=True, kw_only=True)
class OwnNoise(config.Carry):
    """States are halved from step to step."""


@builds(OwnNoise)
def _halved(part: OwnNoise):
    return lambda state, start, rows: State(state.high / 2, state.low / 2, state.memory)


@dataclass(frozen=True, kw_only=True)
class OwnHuber(axes.Answer):
    """Smooth L1."""


@builds(OwnHuber)
def _huber(part: OwnHuber):
    return lambda prediction, target: nn.functional.smooth_l1_loss(
        prediction, target.to(prediction.dtype), reduction="none"
    ).mean(-1)


@dataclass(frozen=True, kw_only=True)
class OwnObjective(axes.Objective):
    """Answers, and a penalty of their size."""

    answer: axes.Answer = OwnHuber()
    penalty: float = 0.1


@builds(OwnObjective)
class Penalised(Objective):
    def losses(
        self, model: HRM, batch: Batch, noise: Tensor, carry: Carry | None
    ) -> tuple[dict[str, Tensor], Tensor, Carry | None]:
        output: Output = model(batch.inputs, noise)
        task = built(self.part.answer)(output.prediction, batch.targets).mean()
        size = self.part.penalty * output.prediction.square().mean()
        return {"loss": task + size, "task_loss": task, "size": size}, output.run.steps, None


@dataclass(frozen=True, kw_only=True)
class OwnSgd(axes.Optimiser):
    """Plain gradient descent."""


@builds(OwnSgd)
def _sgd(part: OwnSgd, parameters, lr: float, weight_decay: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=lr, weight_decay=weight_decay)


@dataclass(frozen=True, kw_only=True)
class OwnLinear(axes.Schedule):
    """The rate falls along a line."""

    def share(self, progress: float) -> float:
        return 1 - progress


@dataclass(frozen=True, kw_only=True)
class OwnUnbuilt(config.Halting):
    """Nobody builds this."""

    max_steps: int = 2


base = replace(
    recipes.gru(inputs=6, outputs=3, hidden_low=width, hidden_high=width, max_cycles=3).model,
    halting=config.Fixed(steps=3),
    evaluation=None,
)
own: dict[str, config.Axis] = {
    "halting": OwnCountdown(),
    "coupling": OwnCoupling(),
    "summary": OwnMean(),
    "embedding": OwnEmbedding(size=6),
    "initial": OwnOnes(),
    "initialisation": OwnConstant(),
    "execution": OwnTwice(),
    "carry": OwnNoise(),
}


def answer(c: config.HRMConfig) -> Tensor:
    torch.manual_seed(0)
    x = torch.randn(B, 6, generator=torch.Generator().manual_seed(1))
    return HRM(c).eval()(x).prediction


@pytest.mark.parametrize("axis", own)
def test_a_part_of_ones_own_takes_the_place_of_ours_and_does_what_it_says(axis: str) -> None:
    c = replace(base, **{axis: own[axis]})
    assert config.HRMConfig.from_json(json.loads(json.dumps(c.to_json()))) == c
    found = answer(c)
    assert found.shape == (B, 3) and found.isfinite().all()
    assert not torch.equal(found, answer(base))


def test_all_together_train_for_an_own_objective_by_an_own_optimiser() -> None:
    model = replace(base, **{**own, "summary": config.LastStep()})
    system = System(model=model, objective=OwnObjective())
    training = Training(updates=4, optimiser=OwnSgd(), schedule=OwnLinear(), learning_rate=0.1)
    assert System.from_json(system.to_json()) == system
    assert Training.from_json(training.to_json()) == training
    torch.manual_seed(0)
    learner = Learner(HRM(model).train(), system, training, torch.Generator().manual_seed(0))
    batch = Batch(torch.ones(B, 6), None, torch.ones(B, 3))
    found = [learner.training_step(batch) for _ in range(4)]
    assert found[-1]["loss"] < found[0]["loss"]
    assert found[0]["loss"] == pytest.approx(found[0]["task_loss"] + found[0]["size"])
    assert [share(training, u) for u in range(4)] == [0.75, 0.5, 0.25, 0.0]


def test_an_own_parts_own_condition_is_heard() -> None:
    with pytest.raises(UserError, match=r"coupling is OwnCoupling\(\); allowed is one of unequal"):
        replace(base, coupling=OwnCoupling(), low=config.Gru(width=4))


def test_a_part_that_nobody_builds_is_named_with_those_that_are() -> None:
    c = replace(base, halting=OwnUnbuilt())
    with pytest.raises(UserError) as error:
        HRM(c)
    said = str(error.value)
    assert said.startswith("OwnUnbuilt has no builder; allowed for Halting are Accumulated, ")
    assert "@hrm.model.registry.builds(OwnUnbuilt)" in said


def test_a_class_derived_from_a_built_one_is_built_as_that_one() -> None:
    @dataclass(frozen=True, kw_only=True)
    class OwnWideGru(config.Gru):
        """A GRU by another name."""

    c = replace(base, low=OwnWideGru(width=width))
    assert torch.equal(answer(c), answer(base))
    assert c != base


def test_two_builders_of_one_part_are_our_mistake() -> None:
    with pytest.raises(AssertionError, match="has a builder already"):
        builds(config.Gru)(nn.Identity)


def test_an_abstract_axis_is_no_kind() -> None:
    with pytest.raises(UserError, match=r"HRMConfig is {'kind': 'Halting'}"):
        config.HRMConfig.from_json({"kind": "Halting"})
    with pytest.raises(UserError, match=r"SquaredError\(\); allowed is .*Fixed or Policy"):
        replace(base, halting=SquaredError())
