"""What tests of training share: small systems, boards, and a short training."""

import torch
from torch import Tensor

from hrm import recipes
from hrm.config.learning import Training
from hrm.model import HRM
from hrm.tasks.maze import Maze
from hrm.training.loop import Seeds

task = Maze(size=4, walls=0.2, shortest=2)
boards = task.generate(0, 24, 0, 6)
seeds = Seeds(weights=1, order=2)
quick = Training(updates=6, batch=4, evaluate_every=2, learning_rate=1e-2)
vector_sizes = {"inputs": task.cells * task.vocabulary, "outputs": task.cells}
v2 = recipes.v2(**vector_sizes, hidden_low=8, hidden_high=16, max_cycles=3, use_per_sample_act=True)
gru = recipes.gru(**vector_sizes, hidden_low=4, hidden_high=8, max_cycles=2)
act = recipes.act_v1(
    vocabulary=task.vocabulary,
    positions=task.cells,
    classes=task.classes,
    width=8,
    heads=2,
    h_layers=1,
    l_layers=1,
    max_steps=2,
)
amulgent = recipes.amulgent_enhanced(**vector_sizes, width=8, max_steps=2)
systems = {"gru": gru, "v2": v2, "act-v1": act}


def quiet(model: HRM) -> float:
    return 0.0


def identical(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
