"""Draw samples from populations, judge them by the rule, and count false words."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ablations.calibration.noises import NOISES, SIZE
from ablations.calibration.populations import population
from ablations.calibration.questions import TESTS, edges, far_out, parts
from ablations.calibration.truths import false_codes, joined
from ablations.planning.chances import Spread, chances, documented
from ablations.rule import Group, Pairs, Table, Words, Zones, group_of, judge_many, zones
from ablations.rule.outcomes import UNSETTLED
from ablations.rule.verdict import WORDS
from hrm.codec import Record

_rows = 4096  # samples at a time
_open = [i for i, word in enumerate(WORDS) if group_of(word) is Group.OPEN]


@dataclass(frozen=True, kw_only=True)
class Cell(Record):
    """One test under one noise.

    Args:
        test: Name of the test.
        noise: Name of the noise.
        false: By place, the samples with a false word at any look.
        open: Number of samples, of a tenth as many, that stayed open although the claim holds
            clearly.
    """

    test: str
    noise: str
    false: Mapping[str, tuple[int, ...]]
    open: int


@dataclass(frozen=True, kw_only=True)
class Power(Record):
    """A plan's probability for normal contrasts and the share of samples, where they differ most.

    Args:
        zones: Name of the zones in `PLANS`.
        sd: Standard deviation of the contrasts.
        look: The look.
        group: The group.
        promised: The plan's probability of being settled as that group by that look.
        found: The share of samples that were.
    """

    zones: str
    sd: float
    look: int
    group: Group
    promised: float
    found: float


_why = "it is made up"
PLANS: Mapping[str, Zones] = {
    "direction": zones.difference(null=0.1, because=_why),
    "about": zones.ratio(null=0.05, because=_why, fewer=True, about=(0.6, 0.8)),
    "at least": zones.difference(null=0.1, because=_why, at_least=0.3),
    "either side": zones.either_side(null=0.1, because=_why),
    "not worse": zones.not_worse(margin=0.1, because=_why),
}
SPREADS = (0.5, 1.0, 2.0)  # standard deviations, as shares of the effect's distance to its edge


def far_samples(replicates: int) -> int:
    """Return the number of samples whose truth lies far out, where none should stay open."""
    return max(100, replicates // 10)


def fill(test: str, noise: str, replicates: int, table: Table) -> Cell:
    """Draw the samples of one cell, the same ones for the same arguments.

    Args:
        test: Name of the test in `TESTS`.
        noise: Name of the noise in `NOISES`.
        replicates: Samples at each place.
        table: The table of the rule.
    """
    asked = TESTS[test]
    false: dict[str, tuple[int, ...]] = {}
    for place in edges(asked):
        wrong = false_codes(asked, place)
        found: list[int] = []
        drawn = _judged(test, noise, place.name, replicates, table)
        for at, words in drawn:
            codes = joined([part.by_itself for part in words])
            found += (at + np.flatnonzero(np.isin(codes, wrong).any(axis=0))).tolist()
        false[place.name] = tuple(found)
    still = 0
    for _, words in _judged(test, noise, "far out", far_samples(replicates), table):
        still += int(np.isin(joined([part.codes for part in words])[-1], _open).sum())
    return Cell(test=test, noise=noise, false=false, open=still)


def power(name: str, spread: float, samples: int, table: Table) -> Power:
    """Compare the probabilities of a plan with the results of normal contrasts, judged by the rule.

    Args:
        name: Name of the zones in `PLANS`.
        spread: Standard deviation, as a share of the effect's distance to its edge.
        samples: Number of samples.
        table: Table of the rule.
    """
    given = PLANS[name]
    truth = documented(given)
    weak = max(e for e in given.edges if e < truth)
    sd = spread * (truth - weak)
    random = _random(name, str(spread))
    found = {group: np.zeros(len(table.looks)) for group in Group}
    group_at = np.array([list(Group).index(group_of(word)) for word in WORDS])
    group_at[[WORDS.index(word) for word in UNSETTLED]] = list(Group).index(Group.OPEN)
    for _, size in _blocks(samples):
        x = random.normal(truth, sd, (size, table.looks[-1]))
        groups = group_at[judge_many(Pairs.exact(x), given, table).by_itself[1:]]
        for i, group in enumerate(Group):
            found[group] += (groups == i).sum(axis=1) / samples
    rows = [
        Power(
            zones=name,
            sd=sd,
            look=chance.look,
            group=group,
            promised=promised,
            found=float(found[group][i]),
        )
        for i, chance in enumerate(chances(given, table, Spread(sd=sd).beyond(truth)))
        for group, promised in (
            (Group.HOLDS, chance.holds),
            (Group.PARTLY, chance.partly),
            (Group.FAILS, chance.fails),
        )
    ]
    return max(rows, key=lambda row: abs(row.promised - row.found))


def _judged(
    test: str, noise: str, place: str, samples: int, table: Table
) -> Iterator[tuple[int, tuple[Words, ...]]]:
    """Yield the index of a block's first sample, and the words of the block, one per part."""
    asked = TESTS[test]
    random = _random(test, noise, place)
    where = next(p for p in (*edges(asked), far_out(asked)) if p.name == place)
    pairs = population(asked, NOISES[noise], where, random)
    for at, size in _blocks(samples):
        drawn = random.integers(0, SIZE, (size, table.looks[-1]), dtype=np.int16)
        yield (
            at,
            tuple(
                judge_many(_taken(of, drawn), part.zones, table)
                for of, part in zip(pairs, parts(asked), strict=True)
            ),
        )


def _taken(of: Pairs, drawn: npt.NDArray[np.int16]) -> Pairs:
    """Return samples of a population; arrays that are equal are shared."""
    low, mean = of.low[drawn], of.mean_value[drawn]
    failed = of.failed[drawn] if of.failed.any() else None
    if bool((of.low == of.high).all()):
        return Pairs.exact(low, mean_value=mean, failed=failed)
    return Pairs.within(low, of.high[drawn], mean_value=mean, failed=failed)


def _blocks(samples: int) -> Iterator[tuple[int, int]]:
    for at in range(0, samples, _rows):
        yield at, min(_rows, samples - at)


def _random(*names: str) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32(name.encode()) for name in names])
