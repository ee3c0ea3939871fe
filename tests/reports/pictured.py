"""Pictures of every kind, and a report as large as a full one."""

import math
from collections.abc import Iterator
from dataclasses import replace

from ablations.records.origins import Origin
from ablations.records.pictures import Kind, Line, Picture
from ablations.records.replications import Agreement, Replicated, Replication
from ablations.records.rows import Report, Row
from ablations.rule.outcomes import Group, Word, group_of
from tests.reports.made import make_part, make_report, make_row, with_parts

ORIGIN = Origin(
    spec="0123456789abcdef",
    sources=("feedbeef0123",),
    commits=("3f9c2d1a7be04c55d1e0a9b8c7d6e5f4a3b2c1d0",),
    machines=("Xeon 2.1 GHz, 2 cores",),
    versions={"torch": "2.13.0"},
    first="2026-11-03",
    last="2026-11-29",
)
AGAIN = Replication(
    word=Word.WEAKER,
    evidence=Word.CONFIRMED,
    pairs=26,
    arms=(Replicated(label="one call", seed=0, agreement=Agreement.WITHIN, value=0.3),),
)
INCOMPARABLE = replace(
    AGAIN, arms=(Replicated(label="one call", seed=0, agreement=Agreement.OPEN, value=0.3),)
)


def curve(label: str, rate: float, points: int = 40, n: int = 26) -> Line:
    """Return a learning curve that bends, with a band."""
    across = tuple(10.0 * (i + 1) for i in range(points))
    middle = tuple(0.2 + 0.6 * (1 - math.exp(-rate * x / 100)) for x in across)
    return Line(
        label=label,
        across=across,
        middle=middle,
        low=tuple(y - 0.05 for y in middle),
        high=tuple(y + 0.04 for y in middle),
        n=n,
    )


def arrival(label: str, first: float, beyond: int, n: int = 26) -> Line:
    """Return the share of runs that arrived, with some that never did."""
    there = n - beyond
    at = tuple(first * (1 + 0.05 * i) for i in range(there))
    share = tuple((i + 1) / n for i in range(there))
    return Line(
        label=label,
        across=(0.0, *at, 400.0),
        middle=(0.0, *share, share[-1]),
        n=n,
        beyond=beyond,
    )


def pictures() -> dict[Kind, Picture]:
    """Return one picture of each kind."""
    wobble = tuple(1 + 0.02 * math.sin(3.1 * i) for i in range(26))
    turns = tuple(float(i + 1) for i in range(26))
    found = (
        Picture(
            kind=Kind.COURSE,
            across="updates",
            up="accuracy on validation boards",
            lines=(curve("lockstep", 0.9), curve("compacted", 1.6)),
            level=0.6,
            level_name="target",
        ),
        Picture(
            kind=Kind.ARRIVAL,
            across="updates to 60% of unknown cells",
            up="share of runs that reached the target",
            lines=(arrival("lockstep", 140.0, 3), arrival("compacted", 90.0, 0)),
        ),
        Picture(
            kind=Kind.STEPS,
            across="halting steps",
            up="accuracy on unknown cells",
            lines=(curve("trained", 9.0, points=8),),
        ),
        Picture(
            kind=Kind.DIFFICULTY,
            across="difficulty of the board",
            up="halting steps",
            lines=tuple(
                Line(
                    label=label,
                    across=(20.0, 26.0, 31.0, 35.0, 40.0, 47.0),
                    middle=tuple(base + 0.6 * i for i in range(6)),
                    low=tuple(base + 0.5 * i - 0.2 for i in range(6)),
                    high=tuple(base + 0.7 * i + 0.2 for i in range(6)),
                    n=26,
                )
                for label, base in (("learned", 1.5), ("as coded", 3.0))
            ),
        ),
        Picture(
            kind=Kind.TURNS,
            across="processes, in the order in which they ran",
            up="time / time of the baseline",
            lines=(
                Line(
                    label="one call",
                    across=turns,
                    middle=tuple(0.29 * w for w in wobble),
                    n=26,
                ),
                Line(label="baseline, twice", across=turns, middle=wobble, n=26),
            ),
            level=1.0,
            level_name="equal times",
        ),
        Picture(
            kind=Kind.CELLS,
            across="cell",
            up="accuracy on unknown cells",
            lines=(
                Line(
                    label="median of the seeds",
                    across=(0.0, 1.0, 2.0, 3.0),
                    middle=(0.46, 0.5, None, 0.55),
                    low=(0.42, 0.47, None, 0.52),
                    high=(0.49, 0.54, None, 0.6),
                    n=26,
                ),
            ),
            names=("one level, 1 step", "one level, 4 steps", "two levels, 1 step", "both"),
        ),
        Picture(
            kind=Kind.RATES,
            across="learning rate",
            up="loss at the end",
            lines=(
                Line(
                    label="clipped",
                    across=(0.001, 0.002, 0.004, 0.008, 0.016, 0.032),
                    middle=(0.9, 0.7, 0.55, 0.5, 0.52, None),
                    n=26,
                ),
                Line(
                    label="unclipped",
                    across=(0.001, 0.002, 0.004, 0.008, 0.016, 0.032),
                    middle=(0.9, 0.68, 0.54, 0.6, None, None),
                    n=26,
                ),
            ),
        ),
        Picture(
            kind=Kind.MEMORY,
            across="cycles, steps or batch",
            up="bytes",
            lines=(
                Line(
                    label="peak of an update by H_cycles, full gradient",
                    across=(1.0, 2.0, 4.0, 8.0),
                    middle=(4.1e6, 7.9e6, 15.6e6, 31.0e6),
                ),
                Line(
                    label="peak of an update by H_cycles, one-step gradient",
                    across=(1.0, 2.0, 4.0, 8.0),
                    middle=(4.1e6, 4.1e6, 4.1e6, 4.1e6),
                ),
            ),
        ),
    )
    return {picture.kind: picture for picture in found}


def pictured_rows() -> Iterator[Row]:
    """Yield a claim for each kind of picture; one was replicated, one can't be compared."""
    for kind, picture in pictures().items():
        row = with_parts(
            f"pictured-{kind}",
            Word.WEAKER,
            make_part(Word.WEAKER, 1 / 3.5, spread=0.02, seen=0.91),
            document="complete",
        )
        again = {Kind.TURNS: AGAIN, Kind.MEMORY: INCOMPARABLE}.get(kind)
        yield replace(row, pictures=(picture,), origin=ORIGIN, replication=again)


def full_report(claims: int = 147, pairs: int = 60) -> Report:
    """Return a report of so many claims with so many pairs, and a picture or two each."""
    words = [word for word in Word if word not in (Word.EXACT, Word.MISMATCH, Word.NOT_RUN)]
    keys = ("v2", "amulgent", "gru", "act-v1", "complete", "research", "research-2026", "ours")
    kinds = list(pictures().values())
    rows = []
    for i in range(claims):
        word, key = words[i * 7 % len(words)], keys[i % len(keys)]
        if i % 5 == 4:
            rows.append(make_row(f"claim-{i}", Word.EXACT, document=key))
            continue
        log = i % 3 > 0
        toward = -1 if group_of(word) is Group.FAILS else 1
        size = 0.4 * math.sin(1.7 * i) ** 2
        estimate = math.exp(-toward * size) if log else 0.06 * toward * size
        part = make_part(word, estimate, log=log, spread=0.1 if log else 0.02, pairs=pairs)
        row = with_parts(f"claim-{i}", word, part, document=key)
        mine = tuple(kinds[(i + j) % len(kinds)] for j in range(1 + i % 2))
        rows.append(replace(row, pictures=mine, origin=ORIGIN))
    return make_report(tuple(rows), first="2026-11-03", last="2026-11-29")
