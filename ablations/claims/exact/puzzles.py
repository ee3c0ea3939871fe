"""The optimiser of the puzzle table, compared with the documented step."""

from collections.abc import Iterator, Sequence

from ablations.records.checks import Check, Close, Equal
from hrm.config import Puzzles
from hrm.config.learning import System

RATE, DECAY, BATCH = 0.01, 0.1, 24


def sign_rule(arms: Sequence[System], seed: int) -> Iterator[Check]:
    """After its decay, a used row is reduced by rate · sign(sum of its gradients).

    The table starts with random rows, and rows occur several times in a batch.
    """
    import torch

    from ablations.protocols import rigged
    from hrm.model.puzzles import PuzzleTable
    from hrm.training.optim import SparseSignSGD

    puzzles = getattr(arms[0].model.embedding, "puzzles", None)
    assert isinstance(puzzles, Puzzles), puzzles
    rows, width = puzzles.identities, puzzles.size
    noise = rigged.seeded(seed)
    before = torch.randn(rows, width, generator=noise)
    ids = torch.randint(1, rows - 1, (BATCH,), generator=noise)  # the first and last stay unused
    gradients = torch.randn(BATCH, width, generator=noise)

    def stepped(parts: int) -> torch.Tensor:
        table = PuzzleTable(rows, width).train()
        table.weights.copy_(before)
        for i, g in zip(ids.chunk(parts), gradients.chunk(parts), strict=True):
            (table(i) * g).sum().backward()
        SparseSignSGD([table], lr=RATE, weight_decay=DECAY).step()
        return table.weights

    summed = torch.zeros(rows, width, dtype=torch.float64).index_add(0, ids, gradients.double())
    expected = before.double()
    used = ids.unique()
    expected[used] = expected[used] * (1 - RATE * DECAY) - RATE * summed[used].sign()
    whole = stepped(1)
    yield Close(
        f"largest difference of {len(used)} rows in use from (1 − ηλ) W − η sign(ΣG)",
        error=float((whole.double() - expected)[used].abs().max()),
        tolerance=1e-6,
    )
    others = [row for row in range(rows) if row not in used.tolist()]
    yield Equal(
        f"entries that change in the {len(others)} rows that aren't in use",
        expected=0,
        observed=int((whole != before)[others].count_nonzero()),
    )
    yield Equal(
        "entries that differ where the batch comes in two parts before the step",
        expected=0,
        observed=int((whole != stepped(2)).count_nonzero()),
    )
