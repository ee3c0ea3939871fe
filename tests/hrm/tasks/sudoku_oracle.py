"""Sudoku by other means than the package's: exact covers, rules with sets, orbits one by one."""

from collections import Counter
from collections.abc import Iterator
from itertools import permutations, product

Constraint = tuple[str, int, int]
box_shapes = {4: (2, 2), 6: (2, 3), 9: (3, 3)}

# Puzzles of 17 clues, the fewest that any has (G. McGuire, B. Tugemann, G. Civario, 2012). They are
# among those that Gordon Royle, of the University of Western Australia, collected and published.
seventeen = (
    "000000010400000000020000000000050407008000300001090000300400200050100000000806000",
    "000000010400000000020000000000050604008000300001090000300400200050100000000807000",
    "000000012000035000000600070700000300000400800100000000000120000080000040050000600",
    "000000012003600000000007000410020000000500300700000600280000040000300500000000000",
    "000000012008030000000000040120500000000004700060000000507000300000620000000100000",
    "000000012040050000000009000070600400000100000000000050000087500601000300200000000",
    "000000012050400000000000030700600400001000000000080000920000800000510700000003000",
    "000000012400090000000000050070200000600000400000108000018000000000030700502000000",
    "000000012500008000000700000600120000700000450000030000030000800000500700020000000",
    "000000012700060000000000050080200000600000400000109000019000000000030800502000000",
    "000000012800040000000000060090200000700000400000501000015000000000030900602000000",
    "000000012980000000000600000100700080402000000000300600070000300050040000000010000",
)


def constraints(row: int, column: int, digit: int, size: int) -> list[Constraint]:
    rows, columns = box_shapes[size]
    box = row // rows * (size // columns) + column // columns
    cell = row * size + column
    return [("cell", cell, 0), ("row", row, digit), ("column", column, digit), ("box", box, digit)]


def solutions(board: list[int], size: int) -> Iterator[list[int]]:
    """Every solution, by Knuth's Algorithm X over choices (cell, digit)."""
    cells, digits = range(size**2), range(1, size + 1)
    every = {
        (k, d): frozenset(constraints(*divmod(k, size), d, size)) for k in cells for d in digits
    }
    possible = {(k, d): met for (k, d), met in every.items() if board[k] in (0, d)}
    for cover in covers(possible, frozenset().union(*every.values())):
        yield [digit for _, digit in sorted(cover)]


def covers(
    choices: dict[tuple[int, int], frozenset[Constraint]], needs: frozenset[Constraint]
) -> Iterator[list[tuple[int, int]]]:
    """Every set of choices that meets each need exactly once."""
    if not needs:
        yield []
        return
    ways = Counter(met for mets in choices.values() for met in mets)
    rarest = min(needs, key=lambda need: (ways[need], need))
    for choice, mets in choices.items():
        if rarest in mets:
            rest = {other: m for other, m in choices.items() if not m & mets}
            for cover in covers(rest, needs - mets):
                yield [choice, *cover]


def obeys(answer: list[int], board: list[int], size: int) -> bool:
    """The rules, with sets."""
    rows, columns = box_shapes[size]
    seen: dict[tuple[str, int], set[int]] = {}
    for cell, digit in enumerate(answer):
        row, column = divmod(cell, size)
        for unit in (("r", row), ("c", column), ("b", row // rows * size + column // columns)):
            seen.setdefault(unit, set()).add(digit)
    full = all(digits == set(range(1, size + 1)) for digits in seen.values())
    return full and all(clue in (0, digit) for clue, digit in zip(board, answer, strict=True))


def candidates(board: list[int], cell: int, size: int) -> list[int]:
    """The digits that no clue forbids in a cell."""
    met = {m for k, d in enumerate(board) if d for m in constraints(*divmod(k, size), d, size)}
    return [
        digit
        for digit in range(1, size + 1)
        if not met & set(constraints(*divmod(cell, size), digit, size))
    ]


def guesses(board: list[int], size: int) -> tuple[list[int] | None, int]:
    """The solution that a plain recursive search finds first, and its guesses until it ends."""
    options = {k: candidates(board, k, size) for k, digit in enumerate(board) if not digit}
    if not options:
        return board, 0
    cell = min(options, key=lambda k: (len(options[k]), k))
    spent = 0
    for digit in options[cell]:
        spent += len(options[cell]) > 1
        found, more = guesses([*board[:cell], digit, *board[cell + 1 :]], size)
        spent += more
        if found:
            return found, spent
    return None, spent


def canonical(board: list[int]) -> tuple[int, ...]:
    """The least of all 4 x 4 boards that are a board's symmetric versions, of 3072 each."""
    rows = [board[i : i + 4] for i in range(0, 16, 4)]
    pairs = list(permutations(([0, 1], [1, 0], [2, 3], [3, 2]), 2))
    orders = [a + b for a, b in pairs if {*a, *b} == {0, 1, 2, 3}]
    assert len(orders) == 8
    least = []
    for grid in (rows, [list(column) for column in zip(*rows, strict=True)]):
        for down, across in product(orders, repeat=2):
            names = {0: 0}  # digits by their first appearance, which is the least renaming
            cells = [grid[i][j] for i in down for j in across]
            least.append(tuple(names.setdefault(digit, len(names)) for digit in cells))
    return min(least)
