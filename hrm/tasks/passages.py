"""Mazes: carve free cells, and find shortest paths through them.

Shapes: N boards, H rows and columns.
"""

import numpy as np
from numpy.typing import NDArray

from hrm.tasks import Bools

Counts = NDArray[np.int16]

frame = ((0, 0), (1, 1), (1, 1))  # around each board, for np.pad


def flood(passable: Bools, origin: Bools, marked: Bools | None = None) -> tuple[Counts, Counts]:
    """Return distances from the origin, and the most marked cells on a shortest path.

    Args:
        passable: The cells that moves may enter, [N, H, H].
        origin: One true cell per board, [N, H, H].
        marked: Cells to count along paths, both ends included, [N, H, H]; None for none.

    Returns:
        Distances and counts, both [N, H, H]; -1 where no path leads.
    """
    framed = np.pad(passable, frame)
    moves = np.array([-framed.shape[2], -1, 1, framed.shape[2]])
    closed = ~framed.ravel()
    gain = np.zeros(closed.shape, np.int16) if marked is None else np.pad(marked, frame).ravel()
    distance, most = np.full((2, closed.size), -1, np.int16)
    layer = np.flatnonzero(np.pad(origin, frame))
    distance[layer], most[layer] = 0, gain[layer]
    closed[layer] = True
    moved = 0
    while len(layer):
        moved += 1
        near = (layer[:, None] + moves).ravel()
        layer = np.unique(near[~closed[near]])
        most[layer] = gain[layer] + most[layer[:, None] + moves].max(axis=1)
        distance[layer] = moved
        closed[layer] = True
    inner = (slice(None), slice(1, -1), slice(1, -1))
    return distance.reshape(framed.shape)[inner], most.reshape(framed.shape)[inner]


def carve(random: np.random.Generator, count: int, size: int, openings: float) -> Bools:
    """Return which cells of carved boards are free, [count, size, size].

    Rooms are two cells apart. Starting from a random room, a walk moves to a random unvisited
    neighbour and opens the wall between them; if there is none, it goes back. This gives a tree,
    with exactly one path between any two cells. Each remaining wall between neighbouring rooms is
    then opened with probability `openings`. Boards of even size have an additional row and column
    of walls, on random sides.
    """
    # All boards walk at once, for two steps per opened wall: one there, and one back. Around the
    # rooms is a frame of further rooms that count as visited.
    rooms = (size + 1) // 2  # rooms per row
    width = 2 * rooms + 3
    free = np.zeros((count, width, width), dtype=np.bool_)
    free[:, [0, -1]] = free[:, :, [0, -1]] = True
    flat = free.reshape(count, -1)
    board = np.arange(count)
    moves = np.array([-width, -1, 1, width])
    trail = np.zeros((count, rooms**2), dtype=np.int64)
    trail[:, 0] = (random.integers(1, rooms + 1, (count, 2)) * 2) @ [width, 1]
    flat[board, trail[:, 0]] = True
    depth = np.zeros(count, dtype=np.int64)
    for _ in range(2 * (rooms**2 - 1)):
        here = trail[board, depth]
        unseen = ~flat[board[:, None], here[:, None] + 2 * moves]
        move = moves[np.where(unseen, random.random(unseen.shape), -1).argmax(axis=1)]
        onwards = unseen.any(axis=1)
        depth += np.where(onwards, 1, -1)
        going, wall, room = board[onwards], (here + move)[onwards], (here + 2 * move)[onwards]
        flat[going, wall] = flat[going, room] = True
        trail[going, depth[going]] = room
    assert not depth.any(), "a walk ends where it began"
    inner = free[:, 2:-2, 2:-2]
    row, column = np.indices(inner.shape[1:])
    inner |= ((row + column) % 2 == 1) & (random.random(inner.shape) < openings)
    spare = size - inner.shape[1]
    carved = np.pad(inner, ((0, 0), (0, spare), (0, spare)))
    for axis in (1, 2):
        moved = random.random((count, 1, 1)) < 0.5
        carved = np.where(moved, np.roll(carved, spare, axis), carved)
    return carved
