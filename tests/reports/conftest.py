"""A report that has everything: every word, group and form, hostile and long texts, open ends."""

import math
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

import reports
from ablations.records.checks import Check
from ablations.records.plans import Chance, Planning, Prospect
from ablations.records.rows import (
    Beside,
    Controlled,
    Difference,
    Exceptions,
    Failures,
    Family,
    Garden,
    Part,
    Point,
    Report,
    Row,
    Scale,
    Skill,
    Verdict,
)
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
        "sentence": "in 24 of 26 seeds the saving is above 20 %",
        "low": turned(-spread / 2) if look else None,
        "high": turned(spread / 2) if look else None,
        "mean": turned(spread / 9),
        "look": look,
        "exceptions": make_exceptions(values[:look], edges, allowed=LOOKS.get(str(look), 0)),
        "needed": None,
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


def statistical_rows() -> Iterator[Row]:
    """Yield a row for each word that pairs can give, on both axes."""
    yield with_parts(
        "act-savings-mixed",
        Word.CONFIRMED,
        make_part(Word.CONFIRMED, 0.7, extra=odd_points()),
        differences=(Difference(path="execution.kind", values=("Lockstep", "Compacted")),),
        failures=(Failures(label="compacted", failed=2, of=26, low=0.0095, high=0.25),),
        skill=(
            Skill(label="lockstep", margin=0.3, error=0.01, n=26, needed=True, passed=True),
            Skill(label="compacted", margin=0.0, error=0.01, n=26, needed=True, passed=False),
        ),
        garden=(
            Garden(claim="act-savings-mixed", spec="0123456789abcdef", look=16, word=Word.WEAKER),
        ),
        controls=("controls/score-equal", "controls/elsewhere"),
        planning=Planning(
            sd=0.05, source="5 pilot pairs", pairs=26, prospects=PROSPECTS, pairs_80=26, pairs_90=40
        ),
        beside=(
            Beside(
                label="floating-point operations",
                unit="FLOPs",
                log=True,
                estimate=0.72,
                low=0.66,
                high=0.78,
                n=26,
            ),
            Beside(
                label="wall time",
                unit="ms",
                log=False,
                estimate=None,
                low=None,
                high=None,
                n=0,
                note="it was not measured",
            ),
        ),
    )
    yield with_parts(
        "controller-speed",
        Word.WEAKER,
        make_part(Word.WEAKER, 1 / 3.5, spread=0.02, null=(0.95, 1 / 0.95), band=(0.16, 0.25)),
        form="timing",
        documented="0.25 → 0.05 ms, “5x”",
        document="gru",
        noun="processes",
    )
    no_effect = make_part(Word.NO_EFFECT, 1.002, spread=0.002, band=None)
    yield with_parts("forward-share", Word.NO_EFFECT, no_effect, form="timing", document="gru")
    yield with_parts("controller-memory", Word.EXCEEDED, make_part(Word.EXCEEDED, 0.31))
    yield with_parts(
        "gradient-variance", Word.CONTRADICTED, make_part(Word.CONTRADICTED, 2.4, band=None)
    )
    yield with_parts(
        "act-stopped-idle", Word.DIRECTION_ONLY, make_part(Word.DIRECTION_ONLY, 0.93, spread=0.1)
    )
    yield with_parts("no-gain", Word.NO_GAIN, make_part(Word.NO_GAIN, 1.03, spread=0.1, band=None))
    at_least = make_part(Word.AT_LEAST, 2.6, band=(1.8, None), sign=1)
    yield with_parts(
        "more-of-it", Word.AT_LEAST, at_least, document="gru", documented="at least 2x"
    )
    yield with_parts(
        "split",
        Word.SPLIT,
        make_part(Word.CONFIRMED, 0.7),
        document="amulgent",
        form="time-to-target",
    )
    yield with_parts(
        "both-contrasts",
        Word.INCONCLUSIVE,
        make_part(Word.CONFIRMED, 0.05, log=False, spread=0.02),
        make_part(Word.INCONCLUSIVE, 0.011, log=False, spread=0.03, needed=60),
        form="factorial",
        document="amulgent",
    )
    yield with_parts(
        "not-worse",
        Word.CONFIRMED,
        make_part(Word.CONFIRMED, 0.001, log=False, spread=0.004, pairs=60, null=None, edge=-0.01),
        form="non-inferior",
        document="amulgent",
        documented="",
    )
    trend = ("1 segment", "2 segments", "4 segments")
    yield with_parts(
        "refinement-quality",
        Word.INCONCLUSIVE,
        make_part(Word.INCONCLUSIVE, 0.032, log=False, labels=trend, pairs=5, look=0),
        form="trend",
        document="amulgent",
    )
    yield with_parts(
        "difficulty-correlation",
        Word.CONFIRMED,
        make_part(Word.CONFIRMED, 0.4, log=False, labels=("trained",), unit="rank correlation"),
        form="one-sample",
        documented="",
    )
    yield with_parts(
        "deep-supervision",
        Word.INVALID,
        make_part(Word.CONFIRMED, 0.9, low=None, high=None, spread=0.4),
        faults=("the arm compacted is no better than a trivial method",),
        notes=("seed 3: diverged",),
    )
    yield with_parts(
        "far-out", Word.INCONCLUSIVE, make_part(Word.INCONCLUSIVE, 1.2, low=1e-9, high=1e9)
    )


def hostile_rows() -> Iterator[Row]:
    """Yield rows whose texts are markup, or too long."""
    texts = dict.fromkeys(("document", "section", "documented", "reason", "statement"), hostile)
    part = make_part(Word.EXCEEDED, 0.5, labels=(hostile, "汉字 \x07 tab\t"), unit=hostile)
    yield with_parts(
        f"{hostile}#ff",
        Word.EXCEEDED,
        replace(part, sentence=hostile),
        **texts,
        form=hostile,
        reading=hostile,
        differences=(Difference(path=hostile, values=(hostile, hostile)),),
        checks=(
            replace(DIFFERS, what=hostile, documented=hostile, observed=hostile, rule=hostile),
        ),
        failures=(Failures(label=hostile, failed=0, of=26, low=0.0, high=0.13),),
        notes=(hostile,),
        faults=(hostile,),
        command=hostile,
        machine=hostile,
        noun=hostile,
    )
    long = make_part(Word.EXCEEDED, 123456789.0, unit="unit" * 60, band=(2.0, 3.0), sign=1)
    yield with_parts(
        long_name,
        Word.EXCEEDED,
        long,
        documented="x" * 300,
        statement="wide" * 200,
        differences=(Difference(path="path." * 60, values=("y" * 200, "z" * 200)),),
        command="ablations run " + "w" * 400,
        notes=("n" * 300,),
        machine="m" * 200,
    )


def varied_rows() -> tuple[Row, ...]:
    """Return rows with every word, form and kind of axis."""
    return (
        make_row("params-baseline", Word.EXACT, checks=(AGREES,)),
        make_row(
            "params-increase",
            Word.MISMATCH,
            checks=(replace(AGREES, primary=False), DIFFERS),
            document="amulgent",
            form="consistency",
            documented="~19 %",
        ),
        *(make_row(f"exact-{i}", Word.EXACT, checks=(AGREES,)) for i in range(3)),
        *statistical_rows(),
        make_row(
            "arc-agi-1",
            Word.NOT_RUN,
            form="external",
            documented="40.3 %",
            stored=0,
            planned=0,
            cost_seconds=0.0,
            document="complete",
        ),
        make_row("late", Word.NOT_RUN, documented="", section="", reason="", reading="", stored=0),
        *hostile_rows(),
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


def make_controls() -> Iterator[Controlled]:
    """Yield controls that passed, failed, and are open."""
    for name, planted, word, passed in (
        ("controls/score-equal", "", Word.NO_EFFECT, True),
        ("controls/score-planted", hostile, Word.WEAKER, False),
        ("controls/variance-equal", "", Word.INCONCLUSIVE, None),
    ):
        yield Controlled(
            row=with_parts(name, word, make_part(word, 0.98)),
            planted=planted,
            expected=Word.CONFIRMED if planted else Word.NO_EFFECT,
            passed=passed,
            claims=("controller-speed",),
        )


CALIBRATION = {
    "current": True,
    "replicates": 50000,
    "cells": [{"noise": "normal", "rate": 0.0002, "within": True}],
}


@pytest.fixture(scope="session")
def varied() -> Report:
    return make_report(
        varied_rows(),
        machines=("Xeon 2.1 GHz, 2 cores, Linux 6.1", hostile),
        family=Family(members=77, holds=9, partly=5, fails=2, open=3, not_run=12, without_spec=46),
        controls=tuple(make_controls()),
        calibration=CALIBRATION,
    )


@pytest.fixture
def find(varied: Report) -> Callable[[str], Row]:
    rows = {row.verdict.id: row for row in varied.rows}
    return rows.__getitem__


@pytest.fixture(scope="session")
def folder(varied: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reports.render(varied, tmp_path_factory.mktemp("report")).parent


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, named by the variable CHROMIUM or found on the path."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if executable is None:
        missing = "chromium is missing: install it or name it in the variable CHROMIUM"
        if "CI" in os.environ:
            pytest.fail(missing)
        pytest.skip(missing)
    flags = (
        "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync"
    )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=flags.split())
        yield chromium
        chromium.close()
