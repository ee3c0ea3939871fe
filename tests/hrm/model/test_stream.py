"""Streams: the t-th low update of a cycle reads the t-th chunk of the input, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from hrm import recipes
from hrm.config import Fixed, Masked, Segments, Stream, Transformer, Vector
from hrm.config.learning import Supervised, System
from hrm.errors import UserError
from hrm.model import HRM


def streamed(**flags: bool) -> System:
    system = recipes.v2(inputs=12, outputs=3, hidden_low=8, hidden_high=16, low_steps=4, **flags)
    model = replace(
        system.model,
        embedding=Stream(size=12, steps=4),
        halting=Fixed(steps=2),
        execution=Masked(),
    )
    return System(model=model, objective=Supervised())


def test_each_low_update_reads_its_chunk_as_in_a_loop_written_out() -> None:
    torch.manual_seed(0)
    model: Any = HRM(streamed(step_attention=True).model).double().eval()
    x = torch.randn(5, 12, dtype=torch.float64)
    low, high = torch.zeros(5, 8).double(), torch.zeros(5, 16).double()
    cell = torch.nn.GRUCell(8, 8).double()
    cell.load_state_dict(model.low.cell.state_dict())
    upper = torch.nn.GRUCell(8, 16).double()
    upper.load_state_dict(model.high.cell.state_dict())
    attention = model.summary.attention
    for _ in range(2):
        context = model.low.control(high)
        for chunk in x.split(3, dim=1):
            low = cell(model.embed.map(chunk), low + context)
        high = upper(attention.out(attention.value(low)), high)
    assert torch.allclose(model(x).prediction, model.readout(high), atol=1e-12)


def test_what_comes_last_changes_no_earlier_state() -> None:
    torch.manual_seed(0)
    model: Any = HRM(streamed(use_sequence_attention=True).model).eval()
    x = torch.randn(1, 12)
    other = x.clone()
    other[:, 9:] += 1.0
    seen: list[torch.Tensor] = []
    model.low.register_forward_hook(lambda _module, _given, state: seen.append(state))
    with torch.no_grad():
        model(x)
        model(other)
    first, second = seen[:8], seen[8:]
    assert all(torch.equal(first[t], second[t]) for t in range(3))
    assert not torch.equal(first[3], second[3])


def test_a_vector_is_read_whole_at_each_update() -> None:
    model = HRM(replace(streamed().model, embedding=Vector(size=12)))
    x = model.perceive(torch.randn(2, 12))
    assert torch.equal(model.embed.at(x, 0), model.embed.at(x, 3))


def test_samples_that_stop_for_themselves_read_their_own_chunks() -> None:
    part = recipes.v2(
        inputs=12, outputs=3, hidden_low=8, hidden_high=16, low_steps=4, use_per_sample_act=True
    ).model
    torch.manual_seed(1)
    model = HRM(replace(part, embedding=Stream(size=12, steps=4))).eval()
    x = torch.randn(6, 12)
    together = model(x)
    for i in range(6):
        alone = model(x[i : i + 1])
        assert torch.allclose(together.prediction[i], alone.prediction[0], atol=1e-5)
        assert together.run.steps[i] == alone.run.steps[0]


def test_what_does_not_go_with_a_stream_is_refused() -> None:
    part = streamed().model
    with pytest.raises(UserError, match="one low update for each chunk"):
        replace(part, low_steps=3)
    with pytest.raises(UserError, match="multiple of steps"):
        Stream(size=13, steps=4)
    with pytest.raises(UserError, match="None where the input comes in chunks"):
        replace(part, segments=Segments(count=2, connection=0.1))
    levels = recipes.amulgent(inputs=12, width=8, l_cycles=4).model
    assert isinstance(levels.low, Transformer)
    with pytest.raises(UserError, match="Alternating and Gru cores"):
        replace(levels, embedding=Stream(size=12, steps=4))
