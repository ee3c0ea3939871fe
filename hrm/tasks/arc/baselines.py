"""A trivial method for ARC: map colours as the demonstrations do."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from hrm.tasks import Boards, Ints
from hrm.tasks.arc.data import COLOURS, Grid
from hrm.tasks.arc.tokens import cut_out, embedded, origins


def recoloured(train: Boards, boards: Boards) -> Ints:
    """Return the inputs, recoloured as in the demonstrations, [N, 900].

    The demonstrations of a board are the training boards of the same identity. If each of their
    outputs has the size of its input, every colour of the input becomes the colour that is most
    frequent in its places; otherwise a grid of the most frequent output size is filled with the
    most frequent output colour. Without demonstrations, the answer is the input.
    """
    shown = defaultdict[int, list[tuple[Grid, Grid]]](list)
    pairs = zip(
        cut_out(train.inputs, train.inputs), cut_out(train.inputs, train.targets), strict=True
    )
    for identity, pair in zip(train.identities.tolist(), pairs, strict=True):
        if identity:
            shown[identity].append(pair)
    answers = boards.inputs.copy()
    offsets = origins(boards.inputs).tolist()
    for i, grid in enumerate(cut_out(boards.inputs, boards.inputs)):
        if demonstrations := shown.get(int(boards.identities[i])):
            answers[i] = embedded(_answer(demonstrations, grid), offsets[i])
    return answers


def _answer(shown: Sequence[tuple[Grid, Grid]], grid: Grid) -> Grid:
    outputs = np.concatenate([output.ravel() for _, output in shown])
    if any(input_.shape != output.shape for input_, output in shown):
        sizes = [output.shape for _, output in shown]
        size = max(sizes, key=sizes.count)  # the first of those that are most frequent
        return np.full(size, np.bincount(outputs).argmax(), dtype=np.uint8)
    inputs = np.concatenate([input_.ravel() for input_, _ in shown])
    places = np.zeros((COLOURS, COLOURS), dtype=np.int64)
    np.add.at(places, (inputs, outputs), 1)
    becomes = np.where(places.any(axis=1), places.argmax(axis=1), np.arange(COLOURS))
    return becomes.astype(np.uint8)[grid]
