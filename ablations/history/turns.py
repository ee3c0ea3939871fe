"""Benchmarks of two commits, measured in turns on one machine and judged by the count rule.

Each commit is checked out into a folder of its own, and fresh processes of one interpreter measure
them in the order A B, B A, A B, …, so that other work of the machine affects both alike. A pair is
one process of each commit; its contrast in a figure (a benchmark with parameters) is log(B / A).
All figures of a comparison share an error probability of 5 %, so that more figures need more pairs.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ablations.history import processes
from ablations.history.processes import Figure, Key
from ablations.rule import Pairs, Table, Verdict, Word, judge, zones
from ablations.rule.table import FAMILY_ERROR, POWER, error, share_needed
from hrm.errors import UserError

MOST_PAIRS = 400


class Change(StrEnum):
    """The established change of a figure; lower is better."""

    SLOWER = "slower"
    FASTER = "faster"
    EQUAL = "equal"
    NOT_SLOWER = "not slower"
    OPEN = "open"


CHANGES = {
    Word.CONFIRMED: Change.SLOWER,
    Word.CONTRADICTED: Change.FASTER,
    Word.NO_EFFECT: Change.EQUAL,
    Word.NO_GAIN: Change.NOT_SLOWER,
}


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The comparison of a figure after all pairs.

    Args:
        name: Name of the benchmark.
        parameters: Its parameters.
        unit: Its unit.
        change: The established change beyond the threshold, in either direction.
        ratio: Median of B / A over the pairs.
        low: Lower end of the interval of that median.
        high: Upper end of it.
        beyond: Number of pairs in which B exceeds the threshold.
        pairs: Number of all pairs.
        settleable: The smallest ratio that these pairs would have established as slower four times
            out of five, at the scatter that they show.
    """

    name: str
    parameters: str
    unit: str
    change: Change
    ratio: float | None
    low: float
    high: float
    beyond: int
    pairs: int
    settleable: float


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The comparison of two commits.

    Args:
        figures: Figures that both commits have.
        exceptions: Number of exceptions that the rule allows.
        left: Why other figures weren't compared, by name and parameters.
        load: Largest load before any pair: running processes per core.
    """

    figures: tuple[Compared, ...]
    exceptions: int
    pairs: int
    left: Mapping[str, str]
    load: float

    @property
    def slower(self) -> tuple[Compared, ...]:
        """The figures with an established slowdown."""
        return tuple(f for f in self.figures if f.change is Change.SLOWER)


def compare(
    first: str,
    second: str,
    *,
    root: Path,
    pattern: str = "",
    threshold: float = 0.05,
    pairs: int | None = None,
    quick: bool = False,
    said: Callable[[int, int], None] = lambda _done, _of: None,
) -> Comparison:
    """Measure two commits in turns, and judge each figure that both have.

    Args:
        first: Commit A, as git names it.
        second: Commit B, as git names it.
        root: The repository.
        pattern: Regular expression that names of benchmarks have to match.
        threshold: The allowed slowdown, as a share.
        pairs: Number of pairs; None for the fewest that allow one exception, or none with `quick`.
        quick: Whether each process takes fewer samples.
        said: Called after each pair, with the numbers of finished and of all pairs.

    Raises:
        UserError: If there is nothing to compare, too few pairs are asked for, or a commit can't be
            measured.
    """
    zones.ratio(null=threshold, because="")  # refuses an invalid threshold before any work
    with processes.trees(root, (first, second)) as folders:
        name = processes.suites(root)
        found: list[tuple[Mapping[Key, Figure], Mapping[Key, Figure]]] = []
        load, table = 0.0, None
        while table is None or len(found) < table.looks[-1]:
            load = max(load, processes.busy())
            order = (0, 1) if len(found) % 2 == 0 else (1, 0)
            both = {i: processes.measured(folders[i] / name, pattern, quick=quick) for i in order}
            found.append((both[0], both[1]))
            if table is None:
                shared, left = comparable(found)
                if not shared:
                    raise UserError(
                        f"--bench is {pattern!r}, which matches no benchmark that {first} and "
                        f"{second} have in common ({_reasons(left)}); allowed are benchmarks of "
                        "equal name and version that run at both; choose another pattern or commit"
                    )
                table = derived(len(shared), pairs or fewest(len(shared), 0 if quick else 1))
            said(len(found), table.looks[-1])
    return judged(found, table, threshold=threshold, load=load)


def judged(
    found: Sequence[tuple[Mapping[Key, Figure], Mapping[Key, Figure]]],
    table: Table,
    *,
    threshold: float,
    load: float = 0.0,
) -> Comparison:
    """Return the comparison, from pairs of measurements.

    Args:
        found: Figures of A and B in each pair.
        table: The rule, from `derived`.
        threshold: The allowed slowdown, as a share.
        load: Load of the machine, see `Comparison`.
    """
    shared, left = comparable(found[:1])
    figures = tuple(
        compared(key, [(a.get(key), b.get(key)) for a, b in found], table, threshold)
        for key in shared
    )
    (exceptions,) = table.exceptions.values()
    return Comparison(
        figures=figures, exceptions=exceptions, pairs=len(found), left=left, load=load
    )


def compared(
    key: Key,
    both: Sequence[tuple[Figure | None, Figure | None]],
    table: Table,
    threshold: float,
) -> Compared:
    """Return the comparison of one figure.

    It follows from the counts only, not from means: a single disturbed process changes one pair at
    most.
    """
    fixed = zones.ratio(null=threshold, because="it is allowed")
    contrasts = np.array([contrast(a, b) for a, b in both])
    verdict: Verdict = judge(Pairs.exact(contrasts), fixed, table)
    known = contrasts[np.isfinite(contrasts)]
    scatter = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    (figure, *_) = [a for a, _ in both if a is not None]
    edge = math.log1p(threshold)
    return Compared(
        name=key[0],
        parameters=key[1],
        unit=figure.unit,
        change=CHANGES.get(verdict.by_itself, Change.OPEN),
        ratio=None if verdict.estimate is None else fixed.value(verdict.estimate),
        low=fixed.value(verdict.low),
        high=fixed.value(verdict.high),
        beyond=int((contrasts > edge + fixed.rounding).sum()),
        pairs=len(both),
        settleable=settleable(threshold, scatter, table),
    )


def contrast(first: Figure | None, second: Figure | None) -> float:
    """Return log(B / A); NaN where one is unknown, and 0 where both are 0."""
    a, b = (None if f is None else f.value for f in (first, second))
    if a is None or b is None or a < 0 or b < 0:
        return math.nan
    if a == b:
        return 0.0
    return math.log(b / a) if a and b else math.copysign(math.inf, b - a)


def settleable(threshold: float, scatter: float, table: Table) -> float:
    """Return the smallest ratio that would be established as slower with 80 % probability.

    Args:
        threshold: The allowed slowdown, as a share.
        scatter: Standard deviation of the contrasts, which are taken to be normal.
        table: Table of the comparison.
    """
    from scipy.special import ndtri

    share = share_needed(table.exceptions, table.looks[-1], POWER)
    return math.exp(math.log1p(threshold) + scatter * float(ndtri(share)))


# -- the rule for a number of figures -------------------------------------------------------------
def derived(members: int, pairs: int) -> Table:
    """Return the rule for `members` figures with one look at `pairs` pairs.

    It allows as many exceptions as keep the probability of any false statement about any figure, on
    either side, at 5 % or less.

    Raises:
        UserError: If that many pairs can't establish anything.
    """
    allowed = FAMILY_ERROR / (2 * members)
    c = -1
    while c + 1 < pairs and error({pairs: c + 1}, Fraction(1, 2)) <= allowed:
        c += 1
    if c < 0:
        raise UserError(
            f"--pairs is {pairs}, which can't establish anything about {members} benchmarks at "
            f"once; allowed are {fewest(members, 0)} or more; raise --pairs, or choose fewer "
            "benchmarks with --bench"
        )
    return Table(
        exceptions=MappingProxyType({pairs: c}), shares=MappingProxyType({}), members=members
    )


def fewest(members: int, exceptions: int) -> int:
    """Return the fewest pairs at which a statement may have a number of exceptions."""
    allowed = FAMILY_ERROR / (2 * members)
    return next(
        n
        for n in range(exceptions + 1, MOST_PAIRS)
        if error({n: exceptions}, Fraction(1, 2)) <= allowed
    )


def comparable(
    found: Sequence[tuple[Mapping[Key, Figure], Mapping[Key, Figure]]],
) -> tuple[list[Key], dict[str, str]]:
    """Return the figures that both commits have in all pairs, and why others aren't compared."""
    (a, b), left, shared = found[0], dict[str, str](), list[Key]()
    for key in sorted({*a, *b}):
        one, other = a.get(key), b.get(key)
        if one is None or other is None:
            why = f"only {'the second' if one is None else 'the first'} commit has it"
        elif one.version != other.version:
            why = f"its meaning changed: version {one.version:.8}, then {other.version:.8}"
        elif one.value is None or other.value is None:
            why = one.why or other.why
        else:
            shared.append(key)
            continue
        left[" ".join(filter(None, key))] = why
    return shared, left


def _reasons(left: Mapping[str, str]) -> str:
    return "; ".join(dict.fromkeys(left.values())) or "neither has a benchmark"
