"""Impossible configurations are refused at construction, on one line that says the way out."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from hrm import config
from hrm.config import (
    Accumulated,
    Accumulating,
    Ahead,
    Alternating,
    Compacted,
    Crossing,
    Fixed,
    FromInput,
    GatedMlp,
    Gru,
    HRMConfig,
    LastStep,
    LinearController,
    Lockstep,
    Policy,
    Puzzles,
    QLearning,
    Readout,
    Refilled,
    Restarted,
    RmsNorm,
    Segments,
    StepAttention,
    SwiGlu,
    Tokens,
    TraceAttention,
    Transformer,
    Vector,
)
from hrm.config.learning import QHalting, Supervised, System, Training
from hrm.errors import UserError


def transformer(width: int = 8, **changes: Any) -> Transformer:
    parts: dict[str, Any] = {"layers": 1, "heads": 2, "norm": RmsNorm()}
    return Transformer(width=width, feed_forward=SwiGlu(inner=4), **(parts | changes))


def q_learning(**changes: Any) -> QLearning:
    return QLearning(max_steps=2, halt_in_evaluation=True, **changes)


recurrent = HRMConfig(
    embedding=Vector(size=3),
    low=Gru(width=8),
    high=Gru(width=6),
    readout=Readout(size=2),
    low_steps=2,
)
attentive = HRMConfig(
    embedding=Tokens(vocabulary=3, positions=4),
    low=transformer(),
    high=transformer(),
    readout=Readout(size=3),
    low_steps=2,
)
policy = Policy(max_steps=2, controller=LinearController())
accumulated = Accumulated(max_steps=2)


def tokens(puzzles: Puzzles | None) -> Tokens:
    return Tokens(vocabulary=3, positions=4, puzzles=puzzles)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: transformer(heads=0), "heads is 0; allowed is a divisor of the width, 8"),
        (lambda: q_learning(heads=3), "heads is 3; allowed is 1 or 2"),
        (lambda: config.Minimum(probability=1.5), "exploration is 1.5; allowed is a probability"),
        (lambda: q_learning(biases=(1.0,)), "QLearning.biases is (1.0,); allowed is tuple[float"),
        (
            lambda: replace(attentive, halting=q_learning(batch_mean=True)),
            "execution is Masked(); allowed is Lockstep",
        ),
        (lambda: transformer(heads=3), "heads is 3; allowed is a divisor of the width, 8"),
        (lambda: transformer(width=6, heads=2, rotary=1e4), "width / heads is 3.0; allowed is an"),
        (lambda: Segments(count=0), "count is 0; allowed is 1 or more"),
        (lambda: Segments(connection=0.1), "connection is 0.1; allowed is None for a single segm"),
        (lambda: replace(recurrent, low_steps=0), "low_steps is 0; allowed is 1 or more"),
        (lambda: replace(recurrent, cycles=0), "cycles is 0; allowed is 1 or more"),
        (lambda: replace(recurrent, horizon=0), "horizon is 0; allowed is 1 or more trailing"),
        (
            lambda: replace(recurrent, embedding=Tokens(vocabulary=3, positions=4)),
            "low is Gru(width=8); allowed is a Transformer for inputs with positions",
        ),
        (
            lambda: replace(recurrent, high=transformer()),
            "high is Transformer(width=8, ",
        ),
        (lambda: replace(attentive, high=Gru(width=8)), "high is Gru(width=8); allowed is a core"),
        (
            lambda: replace(attentive, high=transformer(width=16), coupling=Accumulating()),
            "high.width is 16; allowed is low.width, 8",
        ),
        (lambda: replace(recurrent, coupling=Accumulating()), "coupling is Accumulating("),
        (lambda: replace(attentive, summary=StepAttention(heads=2)), "summary is StepAttention("),
        (lambda: replace(attentive, summary=TraceAttention(heads=2)), "summary is TraceAttention("),
        (
            lambda: replace(recurrent, summary=StepAttention(heads=3)),
            "summary.heads is 3; allowed is a divisor of low.width, 8",
        ),
        (
            lambda: replace(recurrent, summary=TraceAttention(heads=5)),
            "summary.heads is 5; allowed is a divisor of low.width, 8",
        ),
        (
            lambda: replace(attentive, segments=Segments(count=2, connection=0.1)),
            "segments.connection is 0.1; allowed is None for inputs with positions",
        ),
        (lambda: transformer(layers=0), "layers is 0; allowed is 1 or more"),
        (lambda: replace(recurrent, bfloat16=True), "low is Gru(width=8); allowed is a Transf"),
        (lambda: replace(recurrent, checkpointing=True), "low is Gru(width=8); allowed is a Tr"),
        (lambda: replace(recurrent, one_network=True), "high is Gru(width=6); allowed is the sa"),
        (
            lambda: replace(recurrent, coupling=Crossing(), halting=accumulated),
            "low is Gru(width=8); allowed is a Transformer with Crossing",
        ),
        (lambda: replace(attentive, coupling=Crossing()), "coupling is Crossing(); allowed is Cro"),
        (lambda: replace(attentive, halting=accumulated), "coupling is Alternating("),
        (
            lambda: replace(attentive, coupling=Crossing(), halting=accumulated, carry=Restarted()),
            "carry is Restarted(); allowed is Kept or Detached",
        ),
        (lambda: replace(recurrent, coupling=Alternating(reset=True)), "coupling is Alternating("),
        (
            lambda: replace(attentive, coupling=Accumulating(), summary=LastStep(project=True)),
            "summary is LastStep(project=True, dropout=0.0); allowed is LastStep() without",
        ),
        (lambda: replace(recurrent, initial=FromInput()), "initial is FromInput(again=False); all"),
        (
            lambda: replace(attentive, embedding=tokens(Puzzles(identities=3, size=17, prefix=2))),
            "puzzles.size is 17; allowed is at most 16",
        ),
        (lambda: Puzzles(identities=0, size=1), "identities is 0; allowed is 1 or more"),
        (
            lambda: replace(recurrent, readout=Readout(size=2, softmax=True, average=True)),
            "readout.average is True; allowed is False with softmax",
        ),
        (lambda: Refilled(places=0), "places is 0; allowed is 1 or more"),
        (lambda: Ahead(probability=0.1, most=0), "most is 0; allowed is 1 or more"),
        (lambda: q_learning(exploration=Ahead(probability=0.1)), "exploration is Ahead("),
        (lambda: Accumulated(max_steps=2, threshold=0), "threshold is 0.0; allowed is a positive"),
        (
            lambda: replace(
                recurrent,
                halting=q_learning(batch_mean=True),
                execution=Lockstep(),
                evaluation=Compacted(),
            ),
            "evaluation is Compacted(); allowed is Lockstep",
        ),
        (
            lambda: System(model=recurrent, objective=QHalting()),
            "objective is QHalting(",
        ),
        (
            lambda: System(model=recurrent, objective=Supervised(between=0.1)),
            "readout.each_step is False; allowed is True",
        ),
        (lambda: Training(updates=1, ema=1.0), "ema is 1.0; allowed is a decay"),
        (lambda: replace(recurrent, halting=Fixed(steps=0)), "max_steps is 0; allowed is 1 or"),
        (
            lambda: replace(recurrent, halting=replace(policy, max_steps=0)),
            "max_steps is 0; allowed is 1 or more",
        ),
        (
            lambda: replace(recurrent, halting=QLearning(max_steps=0, halt_in_evaluation=True)),
            "max_steps is 0; allowed is 1 or more",
        ),
        (lambda: Training(updates=0), "updates is 0; allowed is 1 or more"),
        (lambda: Training(updates=1, batch=0), "batch is 0; allowed is 1 or more"),
        (lambda: Training(updates=1, evaluate_every=-1), "evaluate_every is -1; allowed is 1"),
        (lambda: Training(updates=1, learning_rate=0), "learning_rate is 0.0; allowed is a posi"),
        (lambda: Training(updates=1, learning_rate=float("nan")), "Training.learning_rate is nan"),
        (lambda: Training(updates=1, learning_rate=float("inf")), "Training.learning_rate is inf"),
        (lambda: Training(updates=1, clip=float("nan")), "Training.clip is nan; allowed is a fini"),
        (lambda: Training(updates=1, clip=-1.0), "clip is -1.0; allowed is a positive number"),
    ],
)
def test_the_impossible_is_refused_with_value_allowance_and_mend(
    build: Callable[[], object], said: str
) -> None:
    with pytest.raises(UserError) as error:
        build()
    message = str(error.value)
    assert message.startswith(said)
    assert "\n" not in message
    assert message.count("; ") >= 2


@pytest.mark.parametrize(
    "changes",
    [
        {"horizon": 1},
        {"horizon": 100},
        {"cycles": 3},
        {"summary": StepAttention(heads=4)},
        {"summary": TraceAttention(heads=8)},
        {"summary": LastStep(project=True)},
        {"segments": Segments(count=2, connection=0.1)},
        {"halting": policy},
        {"halting": QLearning(max_steps=3, halt_in_evaluation=True)},
        {"low": transformer(), "high": transformer(), "coupling": Accumulating()},
        {"low": transformer(width=6, heads=2), "high": transformer(width=10)},
        {"embedding": tokens(None), "low": transformer(), "high": transformer(), "halting": policy},
        {"low": Gru(width=6), "one_network": True},
        {"execution": Refilled(places=3)},
    ],
)
def test_the_possible_beside_it_is_taken(changes: dict[str, Any]) -> None:
    assert replace(recurrent, **changes) != recurrent


def test_all_halting_parts_share_the_name_of_their_bound() -> None:
    assert Fixed(steps=4).max_steps == 4
    assert policy.max_steps == 2


def test_a_gated_mlp_and_a_swiglu_of_one_size_are_two_parts() -> None:
    assert GatedMlp(inner=4) != SwiGlu(inner=4)
    assert GatedMlp(inner=4).fingerprint() != SwiGlu(inner=4).fingerprint()
