"""Adam on puzzle tables: that of torch on rows in use, and nothing on the others."""

import copy
from dataclasses import replace

import pytest
import torch

from hrm import recipes
from hrm.config.learning import AdamAtan2, AdamW, SignSGD, Training
from hrm.errors import UserError
from hrm.model.puzzles import PuzzleTable
from hrm.training import loop
from hrm.training.learner import optimisers
from hrm.training.sparse_adam import SparseAdam

RATES = {"lr": 0.01, "weight_decay": 0.1}


def stepped(table, optimiser, identities, gradients):
    optimiser.zero_grad()
    rows = table(torch.tensor(identities))
    (rows * gradients).sum().backward()
    optimiser.step()


def test_rows_in_use_are_those_of_torchs_adamw_with_steps_of_their_own():
    torch.manual_seed(0)
    table = PuzzleTable(3, 4).train()
    table.weights.normal_()
    each = [torch.nn.Parameter(row.clone()) for row in table.weights]
    theirs = [torch.optim.AdamW([row], **RATES) for row in each]
    ours = SparseAdam([table], **RATES)
    for used in ([0, 1], [1], [1, 1], [0, 1]):  # row 2 never
        gradients = torch.randn(len(used), 4)
        stepped(table, ours, used, gradients)
        for row in set(used):
            whole = sum(g for i, g in zip(used, gradients, strict=True) if i == row)
            each[row].grad = whole
            theirs[row].step()
        for row, expected in enumerate(each):
            torch.testing.assert_close(table.weights[row], expected.detach())


def test_it_goes_on_from_its_state():
    torch.manual_seed(0)
    tables = [PuzzleTable(2, 3).train() for _ in range(2)]
    first, second = (SparseAdam([table], **RATES) for table in tables)
    gradients = torch.randn(3, 1, 3)
    for g in gradients[:2]:
        stepped(tables[0], first, [1], g)
    tables[1].load_state_dict(tables[0].state_dict())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for table, optimiser in zip(tables, (first, second), strict=True):
        stepped(table, optimiser, [1], gradients[2])
    assert torch.equal(tables[0].weights, tables[1].weights)


def test_a_training_chooses_what_takes_the_steps_of_tables():
    system = recipes.act_v1(
        vocabulary=4, positions=4, width=32, heads=4, h_layers=1, l_layers=1, puzzle_size=8
    )
    model = loop.build(system, loop.Seeds(weights=0, order=0))
    training = Training(updates=1, puzzle_rate=0.5)
    adam = replace(training, puzzle_optimiser=AdamW(betas=(0.8, 0.9)))
    signs, moments = (optimisers(model, t)["puzzle_rate"] for t in (training, adam))
    assert not isinstance(signs, SparseAdam)
    assert isinstance(moments, SparseAdam)
    assert moments.betas == (0.8, 0.9)
    assert signs.param_groups[0]["lr"] == moments.param_groups[0]["lr"] == 0.5


def test_each_optimiser_has_its_place():
    with pytest.raises(UserError, match="optimiser is"):
        Training(updates=1, optimiser=SignSGD())
    with pytest.raises(UserError, match="puzzle_optimiser is"):
        Training(updates=1, puzzle_optimiser=AdamAtan2())
