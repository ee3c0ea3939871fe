"""The puzzle table: what it lends, what it remembers, what it refuses."""

import copy
import io

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from hrm.errors import UserError
from hrm.model.puzzles import PuzzleTable

properties = settings(max_examples=25, deadline=None, derandomize=True)


def filled(identities: int = 5, size: int = 3) -> PuzzleTable:
    table = PuzzleTable(identities, size)
    table.weights.copy_(torch.arange(identities * size).view(identities, size))
    return table


def ids(*values: int) -> Tensor:
    return torch.tensor(values)


def test_a_new_table_is_zero_and_has_no_parameters() -> None:
    table = PuzzleTable(4, 2)
    assert list(table.parameters()) == []
    assert not table(ids(0, 3)).any()
    assert (table.identities, table.size) == (4, 2)
    assert repr(table) == "PuzzleTable(identities=4, size=2)"


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.uint8])
def test_the_rows_are_those_of_the_identities(dtype: torch.dtype) -> None:
    table = filled()
    found = table(ids(4, 0, 4).to(dtype))
    assert torch.equal(found, table.weights[[4, 0, 4]])


def test_the_table_saves_loads_and_changes_its_type_with_its_module() -> None:
    module = nn.Sequential(filled())
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    other = nn.Sequential(PuzzleTable(5, 3))
    other.load_state_dict(torch.load(file, weights_only=True))
    assert list(other.state_dict()) == ["0.weights"]
    assert torch.equal(other[0].weights, module[0].weights)
    assert other.double()(ids(1)).dtype == torch.float64


def test_training_lends_a_leaf_that_is_no_view_of_the_table() -> None:
    table = filled()
    rows = table(ids(2))
    assert rows.requires_grad and rows.is_leaf and not table.weights.requires_grad
    with torch.no_grad():
        rows.zero_()
    assert table.weights[2].tolist() == [6.0, 7.0, 8.0]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("gradients", [True, False])
def test_only_training_with_gradients_remembers(training: bool, gradients: bool) -> None:
    table = filled().train(training)
    with torch.set_grad_enabled(gradients):
        rows = table(ids(1, 2))
    assert rows.requires_grad == (training and gradients)
    if rows.requires_grad:
        rows.sum().backward()
    assert len(table.gradients()[0]) == (2 if training and gradients else 0)


def test_inference_mode_gives_plain_rows() -> None:
    table = filled()
    with torch.inference_mode():
        assert not table(ids(1)).requires_grad
    assert len(table.gradients()[0]) == 0


def test_gradients_come_with_their_identities_over_several_forward_passes() -> None:
    table = filled(size=2)
    first, second = table(ids(3, 1)), table(ids(3))
    ((first * torch.tensor([[1.0], [2.0]])).sum() + 5 * second.sum()).backward()
    found, gradients = table.gradients()
    assert found.tolist() == [3, 1, 3]
    assert gradients.tolist() == [[1.0, 1.0], [2.0, 2.0], [5.0, 5.0]]


def test_a_graph_that_outlives_a_backward_pass_adds_to_its_rows() -> None:
    table = filled(size=1)
    carry = table(ids(1)).square() + table(ids(2))  # W[1] = 1, so its slope is 2
    carry.sum().backward(retain_graph=True)
    (3 * carry).sum().backward()
    found, gradients = table.gradients()
    assert found.tolist() == [1, 2]
    assert gradients.tolist() == [[8.0], [4.0]]


def test_rows_without_a_gradient_are_left_out() -> None:
    table = filled(size=1)
    table(ids(0))
    table(ids(1)).sum().backward()
    assert table.gradients()[0].tolist() == [1]


def test_nothing_is_remembered_after_zero_grad() -> None:
    table = filled()
    table(ids(1)).sum().backward()
    table.zero_grad()
    found, gradients = table.gradients()
    assert found.shape == (0,) and found.dtype == torch.long
    assert gradients.shape == (0, 3)


def test_the_identities_may_be_overwritten_after_the_forward_pass() -> None:
    table, given_ids = filled(), ids(1, 2)
    rows = table(given_ids)
    given_ids.fill_(4)
    rows.sum().backward()
    assert table.gradients()[0].tolist() == [1, 2]


def test_a_copy_of_the_module_is_independent() -> None:
    table = filled()
    table(ids(1)).sum().backward()
    other = copy.deepcopy(table)
    other.zero_grad()
    other.weights.zero_()
    assert table.gradients()[0].tolist() == [1] and table.weights.any()


def test_an_empty_batch_is_allowed() -> None:
    rows = filled()(torch.empty(0, dtype=torch.long))
    assert rows.shape == (0, 3)


def test_shapes_can_be_followed_without_values() -> None:
    table = PuzzleTable(5, 3).to("meta")
    assert table(torch.empty(2, dtype=torch.long, device="meta")).shape == (2, 3)


@example(-1)
@example(5)
@given(st.integers(-(2**40), 2**40).filter(lambda i: not 0 <= i < 5))
@properties
def test_an_identity_outside_the_table_is_named_with_the_range(outside: int) -> None:
    table = filled()
    with pytest.raises(UserError, match=rf"identity {outside} is not .* 0 \.\.\. 4"):
        table(ids(0, outside, 3))
    assert len(table._lent) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        torch.tensor([0.0, 1.0]),
        torch.tensor([True, False, True, False, True]),
        torch.tensor([[0, 1]]),
        torch.tensor(1),
    ],
)
def test_identities_that_are_no_whole_numbers_of_a_batch_are_refused(wrong: Tensor) -> None:
    with pytest.raises(UserError, match="whole numbers of shape"):
        filled()(wrong)


def test_adamw_over_the_parameters_never_touches_the_table() -> None:
    module = nn.ModuleDict({"table": filled(), "head": nn.Linear(3, 1)})
    before = module["table"].weights.clone()
    optimiser = torch.optim.AdamW(module.parameters(), lr=0.1, weight_decay=0.5)
    for _ in range(3):
        module["head"](module["table"](ids(1, 2))).sum().backward()
        optimiser.step()
    assert torch.equal(module["table"].weights, before)
    assert len(module["table"].gradients()[0]) == 6
