"""Sparse sign-SGD on puzzle tables, against dense gradients and across processes."""

import copy
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from hrm.errors import UserError
from hrm.model.puzzles import PuzzleTable
from hrm.training.optim import SparseSignSGD

properties = settings(max_examples=40, deadline=None, derandomize=True)


def table_of(*rows: list[float]) -> PuzzleTable:
    table = PuzzleTable(len(rows), len(rows[0]))
    table.weights.copy_(torch.tensor(rows))
    return table


def lend(table: PuzzleTable, ids: list[int], gradients: list[list[float]]) -> None:
    """Give rows out and send these gradients back."""
    (table(torch.tensor(ids)) * torch.tensor(gradients)).sum().backward()


def test_touched_rows_decay_and_move_by_the_sign_of_the_summed_gradient() -> None:
    table = table_of([1.0, 1.0], [2.0, 2.0], [3.0, 3.0])
    optimiser = SparseSignSGD([table], lr=0.5, weight_decay=0.2)
    # Row 0: 3 − 4 < 0 though its first copy's sign is positive; a sum of 0 leaves the decay.
    lend(table, [0, 2, 0], [[3.0, 1.0], [-9.0, 0.0], [-4.0, -1.0]])
    optimiser.step()
    torch.testing.assert_close(
        table.weights, torch.tensor([[0.9 + 0.5, 0.9], [2.0, 2.0], [2.7 + 0.5, 2.7]])
    )


def test_the_first_of_all_steps_leaves_zero_by_exactly_the_rate() -> None:
    table = PuzzleTable(4, 3)
    lend(table, [1], [[1e-30, -5.0, 0.0]])
    SparseSignSGD([table], lr=0.01, weight_decay=0.1).step()
    torch.testing.assert_close(table.weights[1], torch.tensor([-0.01, 0.01, 0.0]))
    assert not table.weights[[0, 2, 3]].any()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.integers(0, 2**31))
@properties
def test_a_step_equals_a_dense_gradient_on_the_rows_in_use(ids: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    table = PuzzleTable(5, 3).double()
    table.weights.copy_(torch.randn(5, 3, generator=generator))
    dense = table.weights.clone().requires_grad_()
    coefficients = torch.randn(len(ids), 3, generator=generator, dtype=torch.float64)
    index = torch.tensor(ids)
    loss = (torch.nn.functional.embedding(index, dense) * coefficients).tanh().sum()
    loss.backward()
    (table(index) * coefficients).tanh().sum().backward()
    SparseSignSGD([table], lr=0.1, weight_decay=0.3).step()
    used = torch.tensor([i in ids for i in range(5)])[:, None]
    assert dense.grad is not None
    moved = dense.detach() * (1 - 0.1 * 0.3) - 0.1 * dense.grad.sign()
    torch.testing.assert_close(table.weights, torch.where(used, moved, dense.detach()))


@given(st.integers(0, 2**31), st.floats(0.0, 0.5))
@properties
def test_a_step_is_torchs_adamw_without_memory_on_the_rows_in_use(seed: int, decay: float) -> None:
    """With β1 = β2 = 0 and ε = 0, AdamW's direction g / √g² is the sign of g."""
    generator = torch.Generator().manual_seed(seed)
    table, ids = PuzzleTable(5, 3).double(), [0, 3, 4]
    table.weights.copy_(torch.randn(5, 3, generator=generator))
    coefficients = torch.randn(len(ids), 3, generator=generator, dtype=torch.float64)
    rows, untouched = table.weights[ids].clone().requires_grad_(), table.weights[[1, 2]].clone()
    (rows * coefficients).sum().backward()
    torch.optim.AdamW([rows], lr=0.1, betas=(0.0, 0.0), eps=0.0, weight_decay=decay).step()
    lend(table, ids, coefficients.tolist())
    SparseSignSGD([table], lr=0.1, weight_decay=decay).step()
    torch.testing.assert_close(table.weights[ids], rows.detach(), rtol=1e-12, atol=1e-12)
    assert torch.equal(table.weights[[1, 2]], untouched)


def test_forward_passes_before_a_step_count_as_one_batch() -> None:
    one, two = PuzzleTable(3, 1), PuzzleTable(3, 1)
    lend(one, [0, 1, 0], [[2.0], [1.0], [-3.0]])
    lend(two, [0, 1], [[2.0], [1.0]])
    lend(two, [0], [[-3.0]])
    for table in (one, two):
        SparseSignSGD([table], lr=0.1).step()
    assert torch.equal(one.weights, two.weights)
    assert one.weights.flatten().tolist() == pytest.approx([0.1, -0.1, 0.0])


def test_nothing_moves_without_gradients_and_zero_grad_forgets_them() -> None:
    table = table_of([1.0], [2.0])
    optimiser = SparseSignSGD([table], lr=0.1, weight_decay=0.5)
    optimiser.step()
    lend(table, [1], [[1.0]])
    optimiser.zero_grad(set_to_none=False)
    optimiser.step()
    assert table.weights.flatten().tolist() == [1.0, 2.0]


def test_several_tables_share_the_rate_that_a_scheduler_sets() -> None:
    tables = [PuzzleTable(2, 1), PuzzleTable(3, 2)]
    optimiser = SparseSignSGD(iter(tables), lr=1.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda update: 0.5**update)
    for _ in range(2):
        optimiser.zero_grad()
        lend(tables[0], [1], [[1.0]])
        lend(tables[1], [2], [[-1.0, 1.0]])
        optimiser.step()
        schedule.step()
    assert tables[0].weights.tolist() == [[0.0], [-1.5]]
    assert tables[1].weights.tolist() == [[0.0, 0.0], [0.0, 0.0], [1.5, -1.5]]


def test_the_state_is_the_rate_alone() -> None:
    optimiser = SparseSignSGD([PuzzleTable(2, 1)], lr=0.3, weight_decay=0.2)
    other = SparseSignSGD([PuzzleTable(2, 1)], lr=9.0)
    other.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    assert other.param_groups[0]["lr"] == 0.3 and other.param_groups[0]["weight_decay"] == 0.2


def test_a_module_that_moves_after_the_optimiser_was_made_still_trains() -> None:
    module = nn.Sequential(PuzzleTable(2, 1))
    optimiser = SparseSignSGD([module[0]], lr=0.1)
    module.double()  # replaces the buffer
    module[0](torch.tensor([1])).sum().backward()
    optimiser.step()
    assert module[0].weights[1].item() == -0.1


def test_a_closure_runs_with_gradients() -> None:
    table = PuzzleTable(2, 1)
    optimiser = SparseSignSGD([table], lr=0.1)

    def closure() -> float:
        lend(table, [0], [[1.0]])
        return 4.0

    with torch.no_grad():
        assert optimiser.step(closure) == 4.0
    assert table.weights[0].item() == pytest.approx(-0.1)


def test_what_is_no_table_is_refused() -> None:
    table = PuzzleTable(2, 1)
    with pytest.raises(UserError, match="got nothing to train"):
        SparseSignSGD(table.parameters(), lr=0.1)  # what document act-v1 passes
    with pytest.raises(UserError, match="got Linear to train"):
        SparseSignSGD([table, nn.Linear(1, 1)], lr=0.1)
    with pytest.raises(UserError, match="lr is -1"):
        SparseSignSGD([table], lr=-1)


@pytest.fixture
def children() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for child in started:
        child.kill()
        child.communicate()  # closes its pipe too


def test_two_processes_equal_one_with_the_whole_batch(
    tmp_path: Path, children: list[subprocess.Popen[str]]
) -> None:
    generator = torch.Generator().manual_seed(5)
    # Equal, unequal and empty batches; after the first step row 0 must stay as it is.
    sizes = [(9, 9), (5, 2), (0, 4), (0, 0), (6, 6)]
    batches = [
        [
            (
                torch.randint(int(step > 0), 6, (n,), generator=generator),
                torch.randn(n, 4, generator=generator),
            )
            for n in per_rank
        ]
        for step, per_rank in enumerate(sizes)
    ]
    assert all((ids == 0).any() for ids, _ in batches[0])
    torch.save(batches, tmp_path / "batches.pt")
    script = Path(__file__).with_name("gloo_puzzles.py")
    environment = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    for rank in range(2):
        command = [sys.executable, str(script), str(rank), "2", str(tmp_path)]
        children.append(
            subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        )
    for child in children:
        _, errors = child.communicate(timeout=90)
        assert child.returncode == 0, errors

    table = PuzzleTable(6, 4)
    optimiser = SparseSignSGD([table], lr=0.25, weight_decay=0.1)
    for step in batches:
        optimiser.zero_grad()
        ids, gradients = (torch.cat(both) for both in zip(*step, strict=True))
        (table(ids) * gradients).sum().backward()
        optimiser.step()
    assert table.weights.any()
    for rank in range(2):
        assert torch.equal(
            torch.load(tmp_path / f"table{rank}.pt", weights_only=True), table.weights
        )
