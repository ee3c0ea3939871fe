"""Whatever a view is given, it answers or says what is wrong; with flags off it is the original.

Sizes are small: what doesn't fit into memory is the machine's to refuse.
"""

import dataclasses
import math
import types
import typing

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from ablations.references import v2 as reference
from hrm.documented import amulgent, complete, gru, v2
from hrm.documented.act_v1 import ActConfig
from hrm.documented.agent import Options
from hrm.errors import UserError
from hrm.models import HRMACTv1
from tests.hrm.equality import close
from tests.hrm.recipes.test_reference_v2 import weights_of

few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
numbers = st.integers(-2, 12)
odd = st.one_of(
    numbers,
    st.booleans(),
    st.none(),
    st.text(max_size=4),
    st.floats(-2, 2),
    st.sampled_from([math.nan, math.inf, -math.inf, 1e-300, "bfloat16", "float16", "rope"]),
    st.lists(numbers, max_size=2),
    st.dictionaries(st.text(max_size=2), numbers, max_size=1),
)
SMALL = {
    v2.EnhancedConfig: {"input_dim": 3, "hidden_low": 8, "hidden_high": 8, "max_cycles": 2},
    gru.GruConfig: {"hidden_low": 4, "hidden_high": 4, "T": 2, "max_cycles": 2, "input_dim": 3},
    ActConfig: {
        "batch_size": 2,
        "seq_len": 4,
        "puzzle_emb_ndim": 8,
        "num_puzzle_identifiers": 3,
        "vocab_size": 5,
        "H_cycles": 1,
        "L_cycles": 1,
        "H_layers": 1,
        "L_layers": 1,
        "hidden_size": 8,
        "num_heads": 2,
        "pos_encodings": "learned",
        "halt_max_steps": 2,
        "halt_exploration_prob": 0.5,
    },
    Options: {"hidden_size": 8, "h_layers": 1, "l_layers": 1, "max_steps": 2},
}
VIEWS = {
    v2.EnhancedConfig: lambda given: v2.EnhancedHierarchicalModel(v2.EnhancedConfig(**given)),
    gru.GruConfig: lambda given: gru.HierarchicalReasoningModel(gru.GruConfig(**given)),
    ActConfig: HRMACTv1,
    Options: amulgent.HRMReasoning,
}
NAMES = [kind.__name__ for kind in VIEWS]


def likely(kind, name):
    """Values of a field's type, small."""
    hint = typing.get_type_hints(kind)[name]
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    known = {
        bool: st.booleans(),
        int: st.sampled_from([1, 2, 4, 8, 16]),
        float: st.sampled_from([0.0, 0.5, 1.0, 4.0]),
        str: st.sampled_from(["rope", "learned", "float32", "bfloat16", "cpu"]),
        type(None): st.none(),
    }
    return st.one_of(*(known[option] for option in options))


@st.composite
def options(draw, kind):
    """A small configuration with some values that may be right and a few that aren't."""
    names = [field.name for field in dataclasses.fields(kind)]
    given = dict(SMALL[kind])
    for name in draw(st.lists(st.sampled_from(names), max_size=4)):
        given[name] = draw(likely(kind, name))
    for name in draw(st.lists(st.sampled_from([*names, "hiden_low", ""]), max_size=1)):
        given[name] = draw(odd)
    for name in draw(st.lists(st.sampled_from(names), max_size=1)):
        given.pop(name, None)
    return given


def answer(function, *given):
    """Return what a function answers, None where it refuses in one line."""
    try:
        return function(*given)
    except UserError as error:
        said = str(error)
        assert said and "\n" not in said, said
        return None


sides = st.integers(0, 5)
dtypes = st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool])
things = st.one_of(
    st.just(None),
    st.just([[0.0, 1.0, 2.0]]),
    st.just("x"),
    st.just(3),
    st.just(torch.zeros(2).numpy()),
)


@st.composite
def tensors(draw, *fitting):
    """A tensor of any small shape and kind, often of a fitting shape, or something else."""
    if draw(st.integers(0, 9)) == 0:
        return draw(things)
    free = st.lists(sides, max_size=4).map(tuple)
    shape = draw(st.one_of(st.sampled_from(fitting), st.sampled_from(fitting), free))
    made = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    if draw(st.integers(0, 9)) == 0:
        return made * draw(st.sampled_from([math.nan, math.inf, 1e30]))
    return (made * 3).to(draw(dtypes)) if draw(st.booleans()) else made


@pytest.mark.parametrize("kind", VIEWS, ids=NAMES)
@few
@given(data=st.data())
def test_any_options_make_a_view_or_are_refused(kind, data):
    made = answer(VIEWS[kind], data.draw(options(kind)))
    assert made is None or isinstance(made, nn.Module | amulgent.HRMReasoning)


@pytest.mark.parametrize("given", [None, 3, "text", [("hidden_size", 8)], {3: 4}, {"hrm": 7}])
def test_what_is_no_dictionary_is_refused(given):
    for view in (VIEWS[ActConfig], VIEWS[Options]):
        with pytest.raises(UserError):
            view(given)


@pytest.mark.parametrize("kind", [v2.EnhancedConfig, gru.GruConfig], ids=NAMES[:2])
@few
@given(
    x=tensors((2, 3), (1, 3), (0, 3)),
    y=tensors((2, 1), (1, 1), (0, 1)),
    criterion=st.sampled_from(
        [nn.MSELoss(), nn.L1Loss(), nn.MSELoss(reduction="sum"), nn.CrossEntropyLoss(), None]
    ),
    training=st.booleans(),
)
def test_any_batch_is_answered_or_refused(kind, x, y, criterion, training):
    torch.manual_seed(0)
    model = VIEWS[kind](SMALL[kind]).train(training)
    found = answer(model, x)
    if found is not None:
        output, cycles = found
        assert output.shape == (len(x), 1) and cycles.shape == (len(x),)
        assert bool((cycles >= 1).all()) and bool((cycles <= 2).all())
    before = [p.detach().clone() for p in model.parameters()]
    try:
        measured = answer(model.training_step, x, y, criterion)
    except FloatingPointError:
        measured = None
    if measured is None:  # nothing was learnt from what was refused
        assert all(map(torch.equal, before, model.parameters()))
    else:
        assert all(math.isfinite(value) for value in measured.values())


@few
@given(
    inputs=tensors((2, 4), (1, 4), (0, 4)),
    identities=tensors((2,), (1,), (0,)),
    whole=st.booleans(),
    training=st.booleans(),
)
def test_any_batch_of_tokens_is_answered_or_refused(inputs, identities, whole, training):
    if isinstance(inputs, torch.Tensor) and whole:
        inputs = inputs.nan_to_num().clamp(-1, 5).long()
    if isinstance(identities, torch.Tensor) and whole:
        identities = identities.nan_to_num().clamp(-1, 3).long()
    torch.manual_seed(0)
    model = HRMACTv1(SMALL[ActConfig]).train(training)
    batch = {"inputs": inputs, "puzzle_identifiers": identities}
    carry = answer(model.initial_carry, batch)
    if carry is None:
        return
    found = answer(model, carry, batch)
    if found is not None:
        _, outputs = found
        assert outputs["logits"].shape == (len(inputs), 4, 5)
        assert outputs["q_halt_logits"].shape == (len(inputs),)


@pytest.mark.parametrize("batch", [None, [], {}, {"inputs": torch.zeros(2, 4)}, 3])
def test_what_is_no_batch_of_tokens_is_refused(batch):
    with pytest.raises(UserError):
        HRMACTv1(SMALL[ActConfig]).initial_carry(batch)


@few
@given(x=tensors((2, 4, 1), (1, 4, 1), (2, 9, 1), (0, 4, 1)))
def test_any_series_is_answered_or_refused(x):
    torch.manual_seed(0)
    model = complete.HRM(1, 8, 8, 3, positions=4, h_layers=1, l_layers=1, h_heads=2, l_heads=2)
    found = answer(model.eval(), x)
    if found is not None:
        assert found.shape == (*x.shape[:2], 3)
        assert answer(model.steps, x).shape == (len(x),)


@few
@given(
    sizes=st.lists(st.integers(1, 4).map(lambda n: 4 * n), min_size=4, max_size=4),
    at=st.integers(0, 3),
    value=odd,
)
def test_any_sizes_make_a_model_of_series_or_are_refused(sizes, at, value):
    sizes[at] = value
    answer(lambda: complete.HRM(*sizes, positions=4, h_layers=1, l_layers=1))


@few
@given(
    task=st.sampled_from([*complete.TASKS, "chess", "", None, 3]),
    count=odd,
    batch=odd,
    fields=st.dictionaries(st.sampled_from(["size", "walls", "blanks"]), odd, max_size=1),
)
def test_any_task_gives_boards_or_is_refused(task, count, batch, fields):
    load = complete.EnhancedDatasetLoader.get_dataloader
    answer(lambda: load(task, count, batch, **fields))


sizes = st.builds(
    dict,
    input_dim=st.integers(1, 6),
    output_dim=st.integers(1, 3),
    hidden_low=st.integers(1, 3).map(lambda n: 8 * n),
    hidden_high=st.integers(4, 20),
    T=st.integers(1, 3),
    max_cycles=st.integers(1, 4),
)


@few
@given(sizes=sizes, batch=st.integers(1, 5), seed=st.integers(0, 99))
def test_with_all_flags_off_the_enhanced_model_is_the_original_at_any_size(sizes, batch, seed):
    """The original is the straight-line reference, which shares no code with ours."""
    torch.manual_seed(seed)
    enhanced = v2.EnhancedHierarchicalModel(v2.EnhancedConfig(**sizes)).double().eval()
    with torch.no_grad():
        for weight in enhanced.parameters():
            weight += 0.25 * torch.randn_like(weight)
    x = torch.randn(batch, sizes["input_dim"], dtype=torch.float64)
    expected = reference.forward(
        weights_of(enhanced.model), x, max_cycles=sizes["max_cycles"], low_steps=sizes["T"]
    )
    output, cycles = enhanced(x)
    close(output, expected.prediction)
    assert cycles.tolist() == expected.cycles.tolist()
