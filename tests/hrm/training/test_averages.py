"""Averaged weights beside torch's own."""

import torch
from torch import nn
from torch.optim import swa_utils

from hrm.training.averages import Averaged


def test_an_average_has_the_bits_of_torchs_own_and_its_checkpoint() -> None:
    model = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Linear(5, 2, bias=False))
    step = swa_utils.get_ema_multi_avg_fn(0.9)
    theirs = swa_utils.AveragedModel(model, multi_avg_fn=step)
    theirs.update_parameters(model)  # the first call copies
    mine = Averaged(model, 0.9)
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        with torch.no_grad():
            for p in model.parameters():
                p.add_(torch.randn(p.shape, generator=generator))
        model(torch.randn(4, 3, generator=generator))  # moves the batch norm's buffers
        theirs.update_parameters(model)
        mine.update_parameters(model)
    expected, found = theirs.state_dict(), mine.state_dict()
    assert expected.keys() == found.keys()
    del expected["n_averaged"]  # theirs counts the copy
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    assert found["n_averaged"] == 5


def test_an_average_goes_on_from_its_checkpoint() -> None:
    model = nn.Linear(3, 2)
    first, second = Averaged(model, 0.5), Averaged(model, 0.5)
    with torch.no_grad():
        model.weight.add_(1.0)
    first.update_parameters(model)
    second.load_state_dict(first.state_dict())
    first.update_parameters(model)
    second.update_parameters(model)
    assert torch.equal(first.module.weight, second.module.weight)
    assert not torch.equal(first.module.weight, model.weight)
