"""Rows and reports made up from a few numbers."""

import math
from collections import Counter
from dataclasses import replace
from typing import Any

from ablations.records.checks import Check
from ablations.records.plans import Chance, Prospect
from ablations.records.rows import Report, Row, Verdict
from ablations.records.statements import Exceptions, Part, Point, Scale
from ablations.rule.outcomes import Group, Word, group_of

hostile = '<script>document.title="owned"</script> & "quoted" \'single\' $x^{2$ {{ 7*7 }}'
long_name = "averyveryverylongclaimidentifier-" * 4 + "end"
LOOKS = {"16": 0, "26": 3, "40": 8, "60": 15, "120": 38}
SHARES = {"40": 0, "60": 3}
PROSPECTS = (
    Prospect(
        truth="as documented",
        effect=0.7,
        chances=(
            Chance(look=16, holds=0.5, partly=0.1, fails=0.0),
            Chance(look=26, holds=0.92, partly=0.01, fails=0.0),
        ),
    ),
)
AGREES = Check(
    what="parameters", documented="844,610", observed="844,610", holds=True, rule="equal"
)
DIFFERS = Check(
    what="increase", documented="~19 %", observed="19.76 %", holds=False, rule="rounds to 19 %"
)


def make_row(identity: str, word: Word, **changes: Any) -> Row:
    """Return a row without figures; `changes` may name fields of the row or of its verdict."""
    verdict = Verdict(
        id=identity,
        document="v2",
        section="Halting per sample",
        form="exact",
        documented="844,610",
        estimate=None,
        low=None,
        high=None,
        n=0,
        tier="standard",
        verdict=word,
        reason="the reason for this verdict, in one sentence",
        group=group_of(word),
    )
    named = {k: changes.pop(k) for k in list(changes) if k in Verdict.__dataclass_fields__}
    given = {
        "statement": f"The claim {identity} does something that is better.",
        "reading": "The document leaves the quantity open; counted operations are taken.",
        "command": f"ablations run {identity} --tier standard",
        **dict.fromkeys(("labels", "differences", "parts", "checks", "beside", "failures"), ()),
        **dict.fromkeys(("skill", "controls", "garden", "faults", "notes"), ()),
    }
    return Row(
        verdict=replace(verdict, **named),
        **{
            **given,
            "noun": "seeds",
            "planned": 1,
            "stored": 1,
            "cost_seconds": 1.25,
            "machine": None,
            **changes,
        },
    )


def make_exceptions(
    values: list[float], edges: list[float], *, allowed: int
) -> tuple[Exceptions, ...]:
    """Return the counts on both sides of each edge."""
    return tuple(
        Exceptions(
            edge=edge,
            side=side,
            pairs=pairs,
            of=len(values),
            exceptions=len(values) - pairs,
            established=len(values) - pairs <= allowed,
        )
        for edge in edges
        for side, pairs in (
            ("above", sum(v > edge for v in values)),
            ("below", sum(v < edge for v in values)),
        )
    )


def make_part(
    word: Word,
    estimate: float,
    *,
    log: bool = True,
    spread: float = 0.05,
    pairs: int = 30,
    labels: tuple[str, ...] = ("lockstep", "compacted"),
    extra: tuple[Point, ...] = (),
    **changes: Any,
) -> Part:
    """Return a part whose pairs scatter around its estimate; those beyond the look aren't read."""
    look = max([int(n) for n in LOOKS if int(n) <= pairs], default=0)

    def turned(shift: float) -> float:
        return estimate * math.exp(shift) if log else estimate + shift

    values = [turned(spread * math.sin(2.4 * seed + 1)) for seed in range(pairs)]
    points = tuple(
        Point(
            seed=seed,
            values={
                label: (256.0 + 3 * (seed % 5)) * (value if log else 1) ** (i / (len(labels) - 1))
                + (0 if log else i * value)
                for i, label in enumerate(labels)
            }
            if len(labels) > 1
            else {labels[0]: value},
            low=value,
            high=value,
            read=seed < look or not look,
        )
        for seed, value in enumerate(values)
    )
    scale = Scale(
        unit="operations (rows through the high core)" if log else "accuracy on unknown cells",
        log=log,
        neutral=1.0 if log else 0.0,
        sign=-1 if log else 1,
        two_sided=False,
        null=(0.95, 1 / 0.95) if log else (-0.01, 0.01),
        because="a saving of 5 % pays for the bookkeeping" if log else "a point is worth having",
        band=(0.6, 0.8) if log else None,
        band_because="the printed range" if log else "",
    )
    scale = replace(scale, **{k: changes.pop(k) for k in list(changes) if hasattr(scale, k)})
    edges = [*(scale.null or ()), *(e for e in (*(scale.band or ()), scale.edge) if e is not None)]
    given: dict[str, Any] = {
        "sentence": "in 24 of 26 seeds the reduction is above 20 %",
        "low": turned(-spread / 2) if look else None,
        "high": turned(spread / 2) if look else None,
        "mean": turned(spread / 9),
        "sd": 0.7 * spread,
        "look": look,
        "exceptions": make_exceptions(values[:look], edges, allowed=LOOKS.get(str(look), 0)),
        "needed": None,
        "settled_at": look or None,
    }
    return Part(
        verdict=word,
        estimate=estimate,
        scale=scale,
        points=(*points, *extra),
        **(given | changes),
    )


def with_parts(identity: str, word: Word, *parts: Part, **changes: Any) -> Row:
    """Return a statistical row of these parts."""
    first = parts[0]
    given = {
        "form": "ratio" if first.scale.log else "quality",
        "documented": "20–40 %" if first.scale.log else "0.458 → 0.523",
        "estimate": first.estimate,
        "low": first.low,
        "high": first.high,
        "n": len(first.points),
        "look": first.look,
        "exceptions": first.exceptions,
        "sentence": first.sentence,
        "reason": first.sentence,
        "settled": group_of(word) is not Group.OPEN,
        "labels": tuple(first.points[0].values) if first.points else (),
        "parts": parts,
        "planned": 80,
        "stored": 60,
        "cost_seconds": 431.0,
        "machine": "Xeon 2.1 GHz, 2 cores",
    }
    return make_row(identity, word, **(given | changes))


def odd_points() -> tuple[Point, ...]:
    """Return pairs that were censored, diverged, are unknown, or lie between two numbers."""

    def point(seed: int, low: float | None, high: float | None, **more: Any) -> Point:
        return Point(
            seed=seed, values={"lockstep": 256.0, "compacted": None}, low=low, high=high, **more
        )

    return (
        point(90, 0.7, None, failed=("compacted",)),
        point(91, None, 0.66, failed=("lockstep",)),
        point(92, None, None, infinite=1, failed=("compacted",)),
        point(93, None, None, infinite=-1, failed=("lockstep",)),
        point(94, None, None, note="compacted: the record was deleted"),
        point(95, 0.69, 0.73),
    )


def make_report(rows: tuple[Row, ...], **changes: Any) -> Report:
    """Return a report whose tallies count its rows."""
    given: dict[str, Any] = {
        "tier": "standard",
        "looks": LOOKS,
        "shares": SHARES,
        "tally": Counter(row.verdict.verdict.value for row in rows),
        "groups": {g.value: sum(r.verdict.group is g for r in rows) for g in Group},
        "commits": ("3f9c2d1a7be04c55d1e0a9b8c7d6e5f4a3b2c1d0",),
        "dirty": True,
        "machines": ("Xeon 2.1 GHz, 2 cores, Linux 6.1",),
        "versions": {"torch": "2.13.0", "numpy": "2.4.6"},
        "runs": 412,
        "cpu_seconds": 4520.0,
        "rows": rows,
    }
    return Report(**(given | changes))
