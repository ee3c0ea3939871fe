"""Loss scaling: small gradients survive, overflowing steps aren't taken, and all step or none."""

import pytest
import torch
from torch import nn

from hrm.errors import UserError
from hrm.model.puzzles import PuzzleTable
from hrm.training import scaling
from hrm.training.optim import SparseSignSGD
from hrm.training.sparse_adam import SparseAdam


def scaler(**changes):
    """On the CPU, where torch's own does the same."""
    return torch.amp.GradScaler("cpu", **{"init_scale": 1024.0, **changes})


def halved_map(weight):
    """A map in float16 whose gradient underflows, the activations' being 1e-8."""
    linear = nn.Linear(1, 1, bias=False)
    nn.init.constant_(linear.weight, weight)
    return linear


def loss_of(linear, factor):
    """factor * w, its gradient passing through float16."""
    x = torch.ones(1, 1, dtype=torch.float16)
    return nn.functional.linear(x, linear.weight.half()).float().sum() * factor


def test_a_gradient_that_float16_takes_for_zero_is_kept_by_the_scale():
    plain, scaled = halved_map(1.0), halved_map(1.0)
    loss_of(plain, 1e-8).backward()
    assert plain.weight.grad.item() == 0  # below float16's smallest number
    sgd = torch.optim.SGD(scaled.parameters(), lr=1.0)
    loss_scaling = scaling.LossScaling(sgd, scaler=scaler(init_scale=65536.0))
    loss_scaling.backward(loss_of(scaled, 1e-8))
    assert loss_scaling.step()
    assert scaled.weight.grad.item() == pytest.approx(1e-8, rel=0.01)


def test_a_step_is_that_of_the_unscaled_loss():
    found = []
    for enabled in (True, False):
        linear = nn.Linear(3, 2)
        torch.manual_seed(0)
        nn.init.normal_(linear.weight)
        nn.init.zeros_(linear.bias)
        adam = torch.optim.AdamW(linear.parameters(), lr=0.1)
        loss_scaling = scaling.LossScaling(adam, scaler=scaler(enabled=enabled))
        assert loss_scaling.scale == (1024.0 if enabled else 1.0)
        loss_scaling.backward(linear(torch.eye(3)).square().sum())
        assert loss_scaling.step()
        found.append(linear.weight.detach().clone())
    assert torch.equal(*found)  # a power of two changes no bit


@pytest.mark.parametrize("where", ["the parameters", "the table"])
def test_where_a_gradient_overflows_nothing_steps_and_the_scale_is_halved(where):
    linear, table = nn.Linear(2, 1, bias=False), PuzzleTable(3, 2).train()
    before = linear.weight.detach().clone()
    sgd, signs = torch.optim.SGD(linear.parameters(), lr=1.0), SparseSignSGD([table], lr=1.0)
    loss_scaling = scaling.LossScaling(sgd, signs, scaler=scaler())
    rows = table(torch.tensor([0, 2]))
    factor = {"the parameters": (torch.inf, 1.0), "the table": (1.0, torch.inf)}[where]
    loss_scaling.backward(linear.weight.sum() * factor[0] + rows.sum() * factor[1])
    assert not loss_scaling.step()
    assert torch.equal(linear.weight, before) and not table.weights.any()
    assert loss_scaling.scale == 512.0
    for optimiser in (sgd, signs):
        optimiser.zero_grad()
    loss_scaling.backward(linear.weight.sum() + table(torch.tensor([0, 2])).sum())
    assert loss_scaling.step()
    assert torch.equal(linear.weight, before - 1)
    assert torch.equal(table.weights, torch.tensor([[-1.0, -1], [0, 0], [-1, -1]]))


def test_steps_that_are_taken_let_the_scale_grow():
    linear = nn.Linear(1, 1)
    sgd = torch.optim.SGD(linear.parameters(), lr=0.0)
    loss_scaling = scaling.LossScaling(sgd, scaler=scaler(growth_interval=2))
    for expected in (1024.0, 2048.0, 2048.0, 4096.0):
        loss_scaling.backward(linear.weight.sum())
        assert loss_scaling.step() and loss_scaling.scale == expected


def test_an_adam_of_tables_is_refused():
    adam = SparseAdam([PuzzleTable(3, 2)], lr=0.1)
    with pytest.raises(UserError, match=r"is 'SparseAdam'; allowed is SparseSignSGD with a scaled"):
        scaling.LossScaling(adam, scaler=scaler())
    scaling.LossScaling(adam, scaler=scaler(enabled=False))


def test_a_loss_is_scaled_on_a_gpu_alone():
    assert scaling.able(torch.device("cuda")) and not scaling.able(torch.device("cpu"))
