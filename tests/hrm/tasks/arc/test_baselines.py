"""Trivial methods for ARC."""

import numpy as np

from hrm.tasks import Boards
from hrm.tasks.arc import Arc
from hrm.tasks.arc.data import Grid
from hrm.tasks.arc.tokens import embedded
from tests.hrm.tasks.arc.test_task import grid, whole


def test_baselines_are_predictions_and_solve_little() -> None:
    baselines = Arc().baselines(whole(1).train, whole(1).test)
    assert list(baselines) == ["copy", "frequent", "recolour"]
    solved = {}
    for name, prediction in baselines.items():
        assert prediction.shape == (419, 900) and prediction.dtype == np.int64
        assert prediction.min() >= 0 and prediction.max() < 12
        solved[name] = int(Arc().score(whole(1).test, prediction).valid.sum())
    assert solved == {"copy": 0, "frequent": 0, "recolour": 2}


def shown(identity: int, *pairs: tuple[Grid, Grid]) -> Boards:
    return Boards(
        inputs=np.stack([embedded(i, (1, 1)) for i, _ in pairs]),
        targets=np.stack([embedded(o, (1, 1)) for _, o in pairs]),
        difficulty=np.ones(len(pairs)),
        identities=np.full(len(pairs), identity),
    )


def test_recolour_learns_colours_where_sizes_stay_and_sizes_where_they_do_not() -> None:
    asked = shown(7, (grid([1, 2, 9]), grid([0])))
    train = shown(7, (grid([1, 2], [1, 0]), grid([5, 2], [5, 0])), (grid([1]), grid([6])))
    answer = Arc().baselines(train, asked)["recolour"][0]
    assert Arc().decode(asked.inputs[0], answer) == [[5, 2, 9]]
    train = shown(7, (grid([1]), grid([3, 3], [3, 0])), (grid([2, 2]), grid([4, 0])))
    answer = Arc().baselines(train, asked)["recolour"][0]
    assert Arc().decode(asked.inputs[0], answer) == [[3, 3], [3, 3]]
    other, blank = (shown(identity, (grid([1]), grid([5]))) for identity in (8, 0))
    assert (Arc().baselines(other, asked)["recolour"] == asked.inputs).all()
    assert (Arc().baselines(blank, blank)["recolour"] == blank.inputs).all()


def test_frequent_leaves_padding_out() -> None:
    train = shown(7, (grid([1]), grid([3])), (grid([1]), grid([4])), (grid([1]), grid([4])))
    frequent = Arc().baselines(train, train)["frequent"]
    assert frequent[0].reshape(30, 30)[:4, :4].tolist() == [
        [0, 0, 0, 0],
        [0, 6, 1, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 0],
    ]
