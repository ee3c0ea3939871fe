"""Operations of a training with growing depth, counted as torch dispatches them."""

from collections.abc import Iterator, Sequence

from ablations.claims.printed import prints_as
from ablations.records.checks import Check, Holds
from hrm.config.learning import System

SHARES = (0.3, 0.3, 0.4)  # of the updates, which the stages take


def cost(arms: Sequence[System], _seed: int, *, figures: Sequence[str]) -> Iterator[Check]:
    """The schedule saves the printed share of the operations of as many updates at full depth.

    An update is a forward and a backward pass of one sample, with gradients through the last
    recursion only. Also shown: forward passes only, and counts of the levels' updates. Arms: one
    for each stage, the full depth last.
    """
    from ablations.protocols import peaks

    (figure,) = figures
    counts = [peaks.operations_of_update(system, 1) for system in arms]
    levels = [a.model.cycles * (a.model.low_steps + 1) for a in arms]
    for what, of, primary in (
        ("training operations, forward and backward", [c.total for c in counts], True),
        ("operations of forward passes alone", [c.forward for c in counts], False),
        ("updates of the two levels", levels, False),
    ):
        spent = sum(share * n for share, n in zip(SHARES, of, strict=True))
        saved = 100 * (1 - spent / of[-1])
        stages = ", ".join(f"{n:.4g}" for n in of)
        if primary:
            yield Holds(
                f"{what}: fewer than at full depth throughout",
                documented="fewer",
                observed=f"{saved:.2f} % fewer",
                holds=saved > 0,
                rule="more than none saved",
            )
        yield Holds(
            f"{what}, saved, in percent",
            documented=figure,
            observed=f"{saved:.2f} (an update of each stage takes {stages})",
            holds=prints_as(saved, figure),
            rule="rounds or truncates to the printed figure",
            primary=primary,
        )
