"""Random valid configurations over all axes: one contract holds for each of them.

Shapes, gradients, saving and loading, repr, JSON; executions that stop each sample for itself agree
with each other and with one sample at a time.
"""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

from hrm import config
from hrm.config import HRMConfig
from hrm.errors import UserError
from hrm.model import HRM
from hrm.model.execution import Batch

properties = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
B, S, V, width, size = 4, 3, 5, 8, 2

norms = st.sampled_from([config.RmsNorm(), config.RmsNorm(scale=False), config.RootNorm()])
grus = st.builds(config.Gru, width=st.sampled_from([width, 12]))
transformers = st.builds(
    config.Transformer,
    width=st.sampled_from([width, 12]),
    layers=st.integers(1, 2),
    heads=st.sampled_from([1, 2]),
    norm=norms | st.just(config.LayerNorm()),
    feed_forward=st.sampled_from(
        [config.GatedMlp(inner=6), config.SwiGlu(inner=6), config.SwiGlu(inner=6, fused=True)]
    ),
    bias=st.booleans(),
    rotary=st.sampled_from([None, 100.0]),
    inject_every_layer=st.booleans(),
)
mixers = st.builds(
    config.Mixer,
    width=st.sampled_from([width, 12]),
    layers=st.integers(1, 2),
    norm=norms,
    feed_forward=st.just(config.SwiGlu(inner=6)),
    mixing=st.just(config.SwiGlu(inner=5, fused=True)),
    inject_every_layer=st.booleans(),
)
puzzles = st.none() | st.builds(
    config.Puzzles,
    identities=st.just(3),
    size=st.sampled_from([width, 11]),
    prefix=st.sampled_from([None, 3]),
)
embeddings = st.one_of(
    st.builds(config.Vector, size=st.just(width), identity_if_equal=st.booleans()),
    st.builds(config.Series, size=st.just(2), positions=st.just(S)),
    st.builds(
        config.Tokens,
        vocabulary=st.just(V),
        positions=st.just(S),
        learned_positions=st.booleans(),
        puzzles=puzzles,
    ),
)
controllers = st.sampled_from(
    [config.LinearController(), config.ConcatenatedController(), config.DirectController()]
)
haltings = st.one_of(
    st.builds(config.Fixed, steps=st.integers(1, 3)),
    st.builds(
        config.Policy,
        max_steps=st.integers(1, 3),
        controller=controllers,
        sample=st.booleans(),
        detach_state=st.booleans(),
        detach_at_stop=st.booleans(),
        obeyed=st.booleans(),
    ),
    *(
        st.builds(
            config.QLearning,
            max_steps=st.integers(1, 3),
            halt_in_evaluation=st.booleans(),
            heads=st.sampled_from([1, 2]),
            biases=st.sampled_from([None, (0.0, 0.0), (-5.0, -5.0)]),
            zero_weight=st.booleans(),
            against_continue=st.booleans(),
            exploration=st.sampled_from(
                [
                    None,
                    config.Minimum(probability=0.5),
                    config.Minimum(probability=0.5, least=2),
                    config.Ahead(probability=0.5, per_sample=not mean),
                ]
            ),
            batch_mean=st.just(mean),
        )
        for mean in (False, True)
    ),
    st.builds(config.Accumulated, max_steps=st.integers(1, 3), threshold=st.sampled_from([0.5, 2])),
)
executions = st.sampled_from(
    [config.Lockstep(), config.Masked(), config.Compacted(), config.Refilled(places=2)]
)


@st.composite
def configurations(draw: Any) -> HRMConfig:
    """A configuration over all axes; those that are refused are drawn again.

    Axes that allow little with each other are drawn together, so that few are refused.
    """
    embedding = draw(embeddings)
    recurrent = isinstance(embedding, config.Vector) and draw(st.booleans())
    cores = grus if recurrent else st.one_of(transformers, transformers, mixers)
    low = draw(cores)
    one_network = draw(st.booleans())
    halting = draw(haltings)
    crossing = isinstance(halting, config.Accumulated)
    mean = isinstance(halting, config.QLearning) and halting.batch_mean
    alternating = st.builds(
        config.Alternating,
        detach_low_to_high=st.booleans(),
        detach_high_to_low=st.booleans(),
        reset=st.just(False) if recurrent else st.booleans(),
    )
    summaries = st.sampled_from([config.LastStep(), config.LastStep(project=True, dropout=0.1)])
    attended = st.sampled_from([config.StepAttention(heads=2), config.TraceAttention(heads=2)])
    connected = config.Segments(count=2, connection=0.5)
    couplings = alternating if recurrent else alternating | st.just(config.Accumulating())
    coupling = config.Crossing() if crossing else draw(couplings)
    if not crossing and not one_network and draw(st.integers(0, 4)) == 0:
        coupling = config.Single() if recurrent or draw(st.booleans()) else config.OneLatent()
    elif not crossing and not recurrent and draw(st.integers(0, 4)) == 0:
        coupling = config.SeparateLatents()
    one_core = one_network or coupling.one_level
    fields: dict[str, Any] = {
        "embedding": embedding,
        "low": low,
        "high": low if one_core else draw(cores),
        "one_network": one_network,
        "readout": draw(
            st.builds(
                config.Readout,
                size=st.just(size),
                bias=st.booleans(),
                low=st.booleans(),
                softmax=st.booleans(),
                each_step=st.booleans(),
                average=st.booleans(),
            )
        )
        if draw(st.booleans())
        else config.Readout(size=size),
        "low_steps": draw(st.integers(1, 3)),
        "cycles": draw(st.integers(1, 2)),
        "horizon": draw(st.sampled_from([None, 1, 2, 5])),
        "initialisation": draw(
            st.sampled_from(
                [config.TorchDefault(), config.TruncatedNormal(), config.ScaledNormal()]
            )
        ),
        "initial": draw(
            st.sampled_from(
                [
                    config.Zeros(),
                    config.Learned(),
                    config.Learned(clip=None),
                    config.Frozen(),
                    *([] if recurrent else [config.FromInput(), config.FromInput(again=True)]),
                ]
            )
        ),
        "coupling": coupling,
        "summary": draw(summaries | attended) if recurrent else config.LastStep(),
        "segments": draw(
            st.sampled_from(
                [
                    config.Segments(),
                    config.Segments(count=2),
                    config.Segments(count=2, detached=False),
                    *([connected] if isinstance(embedding, config.Vector) else []),
                ]
            )
        ),
        "carry": draw(
            st.sampled_from([config.Kept(), config.Detached(), config.Restarted()][: 3 - crossing])
        ),
        "halting": halting,
        "execution": config.Lockstep() if mean else draw(executions),
        "evaluation": None if mean else draw(st.none() | executions),
        "bfloat16": not recurrent and draw(st.booleans()),
        "checkpointing": not recurrent and draw(st.booleans()),
    }
    try:
        return HRMConfig(**fields)
    except UserError:
        assume(False)
        raise


def build(c: HRMConfig, seed: int = 0) -> HRM:
    torch.manual_seed(seed)
    return HRM(c)


def inputs_of(c: HRMConfig) -> tuple[Tensor, Tensor | None]:
    """A batch's inputs, and identities where there is a puzzle table."""
    generator = torch.Generator().manual_seed(1)
    match c.embedding:
        case config.Vector():
            return torch.randn(B, width, generator=generator), None
        case config.Series():
            return torch.randn(B, S, 2, generator=generator), None
        case config.Tokens(puzzles=table):
            tokens = torch.randint(V, (B, S), generator=generator)
            return tokens, None if table is None else torch.tensor([0, 2, 1, 2])


@properties
@given(c=configurations())
def test_it_answers_in_its_shape_in_training_and_in_evaluation(c: HRMConfig) -> None:
    model = build(c)
    x, identities = inputs_of(c)
    noise = model.draw(B, torch.Generator().manual_seed(2))
    vector = isinstance(c.embedding, config.Vector)
    for training in (True, False):
        found = model.train(training)(x, noise, identities=identities)
        assert found.prediction.shape == ((B, size) if vector else (B, S, size))
        assert found.prediction.isfinite().all()
        run, most = found.run, c.halting.max_steps
        assert run.steps.shape == (B,) and run.steps.min() >= 1 and run.steps.max() <= most
        assert run.margins.shape == run.values.shape == run.live.shape == (run.steps.max(), B)
        assert run.logits.shape == (run.steps.max(), B, 2)
        assert not run.logits.isnan().any()
        kept = c.segments.count > 1 or c.readout.each_step or c.readout.average
        assert (found.run.drafts is None) == (not kept)
        if found.run.drafts is not None:
            count = c.segments.count
            assert found.run.drafts.shape == (run.steps.max(), count, *found.prediction.shape)
        if isinstance(c.halting, config.QLearning):
            assert run.logits.dtype == torch.float32
    fixed = model(x, identities=identities, steps=2)
    assert fixed.run.steps.tolist() == [2] * B


@properties
@given(c=configurations())
def test_gradients_are_finite_and_reach_the_readout(c: HRMConfig) -> None:
    model = build(c).train()
    x, identities = inputs_of(c)
    noise = model.draw(B, torch.Generator().manual_seed(2))
    found = model(x, noise, identities=identities)
    loss = found.prediction.float().square().sum() + found.run.values.sum()
    (loss + torch.where(found.run.live[..., None], found.run.logits, 0).sum()).backward()
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    assert all(g.isfinite().all() for g in gradients.values())
    assert "readout.weight" in gradients
    recorded = any(name.startswith(("low.", "high.")) for name in gradients)
    policy = isinstance(c.halting, config.Policy)
    copied = policy and c.halting.detach_at_stop and c.halting.obeyed
    state_is_read = not copied and c.readout.low is False
    alone = isinstance(c.coupling, config.Accumulating) and c.horizon == 1
    crossing = isinstance(c.coupling, config.Crossing)
    assert recorded or not state_is_read or alone or crossing


@settings(properties, max_examples=25)
@given(c=configurations())
def test_it_survives_json_saving_and_loading(
    tmp_path_factory: pytest.TempPathFactory, c: HRMConfig
) -> None:
    assert HRMConfig.from_json(json.loads(json.dumps(c.to_json()))) == c
    path: Path = tmp_path_factory.mktemp("saved") / "model.safetensors"
    model, other = build(c).eval(), build(c, seed=9).eval()
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, path)
    other.load_state_dict(load_file(path))
    x, identities = inputs_of(c)
    before, after = (m(x, identities=identities).prediction for m in (model, other))
    assert torch.equal(before, after)
    shown = repr(model)
    assert all(type(part).__name__ in shown for part in (c.low, c.summary, c.halting))


def without_dropout(c: HRMConfig) -> HRMConfig:
    """Dropout's draws depend on the rows that are computed."""
    summary, halting = c.summary, c.halting
    if isinstance(summary, config.LastStep):
        summary = replace(summary, dropout=0.0)
    if isinstance(halting, config.Policy) and not isinstance(
        halting.controller, config.LinearController
    ):
        halting = replace(halting, controller=replace(halting.controller, dropout=0.0))
    return replace(c, summary=summary, halting=halting)


@properties
@given(c=configurations(), training=st.booleans())
def test_masked_compacted_refilled_and_one_at_a_time_are_the_same(
    c: HRMConfig, training: bool
) -> None:
    assume(not (isinstance(c.halting, config.QLearning) and c.halting.batch_mean))
    c = replace(without_dropout(c), bfloat16=False, evaluation=None)
    parts = (
        config.Masked(),
        config.Compacted(),
        config.Refilled(places=2),
        config.Refilled(places=B + 1),
    )
    model = build(c).double().train(training)
    x, identities = inputs_of(c)
    x = x.double() if x.is_floating_point() else x
    noise = model.draw(B, torch.Generator().manual_seed(2)).double()
    runs = []
    for part in parts:
        model.config = replace(c, execution=part)
        runs.append(model(x, noise, identities=identities))
    model.config = replace(c, execution=config.Masked())
    alone = [
        model(
            x[b : b + 1],
            noise[:, b : b + 1],
            identities=None if identities is None else identities[b : b + 1],
        )
        for b in range(B)
    ]
    assert runs[0].run.steps.tolist() == [int(o.run.steps) for o in alone]
    single = torch.cat([o.prediction for o in alone])
    assert torch.allclose(runs[0].prediction, single, atol=1e-10)
    for one, other in itertools.pairwise(runs):
        assert one.run.steps.tolist() == other.run.steps.tolist()
        for a, b in ((one.prediction, other.prediction), (one.run.drafts, other.run.drafts)):
            assert (a is None and b is None) or torch.allclose(a, b, atol=1e-10)
        for name in ("margins", "logits", "values"):
            assert torch.allclose(getattr(one.run, name), getattr(other.run, name), atol=1e-10)
        for a, b in zip(one.run.state, other.run.state, strict=True):
            assert torch.allclose(a, b, atol=1e-10)
    compacted, refilled = runs[1].run, runs[2].run
    assert sum(refilled.rows) == sum(compacted.rows) == int(compacted.steps.sum())
    assert max(refilled.rows) <= 2


@settings(properties, max_examples=30)
@given(c=configurations())
def test_a_carry_gives_each_sample_the_answers_that_it_gets_alone(c: HRMConfig) -> None:
    assume(not (isinstance(c.halting, config.QLearning) and c.halting.batch_mean))
    assume(not isinstance(c.carry, config.Restarted) and not c.readout.average)
    c = replace(without_dropout(c), bfloat16=False, evaluation=None, carry=config.Detached())
    c = replace(c, execution=config.Masked())
    model = build(c).double().eval()
    x, identities = inputs_of(c)
    x = x.double() if x.is_floating_point() else x
    with torch.no_grad():
        whole = model(x, identities=identities)
        two = Batch(x[:2], None if identities is None else identities[:2])
        carry = model.begin(two)
        offered = Batch(x[2:], None if identities is None else identities[2:])
        batch, seen = two, 0
        for _ in range(2 * c.halting.max_steps):
            carry, prediction, _ = model.advance(carry, batch)
            for place in range(2):
                which = next(
                    b
                    for b in range(B)
                    if torch.equal(carry.batch.inputs[place], x[b])
                    and (identities is None or carry.batch.identities[place] == identities[b])
                )
                if carry.halted[place]:
                    assert int(carry.steps[place]) == int(whole.run.steps[which])
                    assert torch.allclose(prediction[place], whole.prediction[which], atol=1e-10)
                    seen += 1
            batch = offered
    assert seen >= 2
