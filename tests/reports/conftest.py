"""A report that has everything: every verdict, hostile and long texts, unbounded intervals."""

import math
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ablations.tables import Family
from playwright.sync_api import Browser, sync_playwright

import reports
from ablations.records import (
    Beside,
    Check,
    Control,
    Controlled,
    Difference,
    Planning,
    Point,
    Report,
    Row,
    Tier,
    Verdict,
    Word,
)

hostile = '<script>document.title="owned"</script> & "quoted" \'single\' $x^{2$ {{ 7*7 }}'
long_name = "averyveryverylongclaimidentifier-" * 4 + "end"


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
        reason="The reason for this verdict, in one sentence.",
    )
    named = {k: changes.pop(k) for k in list(changes) if k in Verdict.__dataclass_fields__}
    row = Row(
        verdict=replace(verdict, **named),
        statement="One arm does something that the other arm doesn’t, and that is better.",
        reading="The document leaves the quantity open; counted operations are taken.",
        labels=(),
        differences=(),
        unit="",
        null=None,
        band=None,
        neutral=0.0,
        log=False,
        level=None,
        points=(),
        checks=(),
        beside=(),
        controls=(),
        failures=(),
        notes=(),
        needed=None,
        planned=1,
        stored=1,
        command=f"ablations run {identity} --tier standard",
        cost_seconds=1.25,
        machine=None,
    )
    return replace(row, **changes)


def make_ratio(
    identity: str,
    word: Word,
    estimate: float,
    low: float | None,
    high: float | None,
    **changes: Any,
) -> Row:
    """Return a row on the logarithmic axis, with twelve pairs whose contrasts scatter about it."""
    points = tuple(
        Point(
            seed=seed,
            values={
                "lockstep": 256.0 + 3 * (seed % 5),
                "compacted": (256.0 + 3 * (seed % 5)) * contrast,
            },
            contrast=contrast,
        )
        for seed in range(12)
        for contrast in (estimate * math.exp(0.04 * math.sin(2.4 * seed)),)
    )
    given = {
        "form": "ratio",
        "documented": "20–40 % fewer",
        "estimate": estimate,
        "low": low,
        "high": high,
        "n": 12,
        "log": True,
        "neutral": 1.0,
        "null": (0.95, 1 / 0.95),
        "band": (0.6, 0.8),
        "unit": "x operations",
        "level": 1 - 0.05 / 65,
        "labels": ("lockstep", "compacted"),
        "differences": (Difference(path="execution.kind", values=("Lockstep", "Compacted")),),
        "points": points,
        "machine": "Xeon 2.1 GHz, 2 cores",
        "planned": 24,
        "stored": 24,
        "cost_seconds": 431.0,
        "controls": (
            Control(
                name="A versus A",
                estimate=1.001,
                low=0.995,
                high=1.007,
                bound="hold 1 within ± 5 %",
                passed=True,
            ),
        ),
    }
    return make_row(identity, word, **(given | changes))


def make_difference(
    identity: str,
    word: Word,
    estimate: float,
    low: float | None,
    high: float | None,
    **changes: Any,
) -> Row:
    """Return a row on a linear axis: a trend over three levels, for five seeds."""
    labels = ("1 segment", "2 segments", "4 segments")
    points = tuple(
        Point(
            seed=seed,
            values={
                name: 40 + estimate * level + 2 * math.cos(seed + level)
                for level, name in enumerate(labels)
            },
            contrast=estimate + math.cos(1.7 * seed),
        )
        for seed in range(5)
    )
    given = {
        "form": "trend",
        "documented": "2–3 default",
        "estimate": estimate,
        "low": low,
        "high": high,
        "n": 5,
        "null": (-1.0, 1.0),
        "unit": "points of path accuracy per doubling",
        "level": 1 - 0.05 / 65,
        "labels": labels,
        "differences": (Difference(path="segments.count", values=("1", "2", "4")),),
        "points": points,
        "needed": 18,
    }
    return make_row(identity, word, **(given | changes))


def make_report(rows: tuple[Row, ...], **changes: Any) -> Report:
    """Return a report whose tally counts its rows."""
    given: dict[str, Any] = {
        "tier": Tier.STANDARD,
        "members": 65,
        "level": 1 - 0.05 / 65,
        "tally": Counter(str(row.verdict.verdict) for row in rows),
        "commits": ("3f9c2d1a7be04c55d1e0a9b8c7d6e5f4a3b2c1d0",),
        "dirty": True,
        "machines": ("Xeon 2.1 GHz, 2 cores, Linux 6.1",),
        "versions": {"torch": "2.13.0", "numpy": "2.4.6"},
        "runs": 412,
        "cpu_seconds": 4520.0,
        "rows": rows,
    }
    return Report(**(given | changes))


def make_planning(**changes: Any) -> Planning:
    """Return what a plan tells whose spread is known."""
    given: dict[str, Any] = {
        "sd": 0.05,
        "source": "5 pilot pairs",
        "pairs": 12,
        "detectable": 1.08,
        "effect": 0.7,
        "power": 0.83,
        "pairs_80": 12,
        "pairs_90": 16,
        "refusal": "",
        "could": None,
    }
    return Planning(**(given | changes))


def make_controls() -> Iterator[Controlled]:
    """Yield controls that passed, failed, and are open."""
    for name, planted, word, passed in (
        ("controls/score-equal", "", Word.NO_EFFECT, True),
        ("controls/score-planted", hostile, Word.WEAKER, False),
        ("controls/variance-equal", "", Word.INCONCLUSIVE, None),
    ):
        yield Controlled(
            row=make_ratio(name, word, 0.98, 0.9, 1.07, planned=20),
            planted=planted,
            expected=Word.CONFIRMED if planted else Word.NO_EFFECT,
            passed=passed,
            claims=("controller-speed",),
        )


def varied_rows() -> tuple[Row, ...]:
    """Return rows with every verdict, on both axes and on none."""
    check = Check(
        what="parameters", documented="844,610", observed="844,610", holds=True, rule="equal"
    )
    differs = Check(
        what="increase",
        documented="~19 %",
        observed="19.76 %",
        holds=False,
        rule="rounds to the printed 19 %",
    )
    return (
        make_row("amulgent-params-baseline", Word.EXACT, checks=(check,)),
        make_row(
            "amulgent-params-increase",
            Word.MISMATCH,
            checks=(replace(check, primary=False), differs),
        ),
        *(make_row(f"exact-{i}", Word.EXACT, checks=(check,)) for i in range(7)),
        make_ratio(
            "act-savings-mixed",
            Word.CONFIRMED,
            0.7,
            0.652,
            0.751,
            planning=make_planning(),
            beside=(
                Beside(
                    label="floating-point operations",
                    unit="x FLOPs",
                    estimate=0.72,
                    low=0.66,
                    high=0.78,
                    n=12,
                ),
                Beside(label="wall time", unit="ms", estimate=-0.4, low=None, high=None, n=12),
            ),
        ),
        make_ratio(
            "controller-speed",
            Word.WEAKER,
            0.88,
            0.85,
            0.91,
            documented="0.25 → 0.05 ms, “5x”",
            band=(0.15, 0.3),
        ),
        make_ratio(
            "controller-forward-share", Word.NO_EFFECT, 1.0021, 1.0018, 1.0024, unit="x time"
        ),
        make_ratio("controller-memory", Word.EXCEEDED, 0.31, 0.3, 0.32),
        make_ratio("metarl-gradient-variance", Word.CONTRADICTED, 2.4, 1.6, 3.6, unit="x variance"),
        make_ratio(
            "act-stopped-idle", Word.DIRECTION_ONLY, 0.8, 0.62, 0.99, band=None, documented=""
        ),
        make_ratio(
            "deep-supervision",
            Word.INVALID,
            0.9,
            0.0,
            math.inf,
            failures=("seed 3 diverged: loss is NaN",),
            points=(
                Point(seed=2, values={"lockstep": 9.0, "compacted": 8.1}, contrast=0.9),
                Point(
                    seed=3,
                    values={"lockstep": 9.0, "compacted": None},
                    contrast=None,
                    note="compacted diverged",
                ),
            ),
            controls=(
                Control(
                    name="beats the trivial baseline",
                    estimate=None,
                    low=None,
                    high=None,
                    bound="be 3 standard errors above",
                    passed=False,
                ),
            ),
        ),
        make_ratio("far-out", Word.INCONCLUSIVE, 1.2, 1e-9, 1e9, band=(1.25, math.inf)),
        make_ratio("one-pair", Word.INCONCLUSIVE, 1.1, None, None, n=1, points=()),
        make_difference(
            "refinement-quality",
            Word.INCONCLUSIVE,
            3.2,
            -1.4,
            7.8,
            reason="Five seeds are too few; the quick tier can’t decide.",
        ),
        make_difference("refinement-connection", Word.CONFIRMED, 4.1, 2.2, 6.0, band=(2.0, 7.0)),
        make_difference(
            "difficulty-correlation",
            Word.INCONCLUSIVE,
            0.4,
            -math.inf,
            math.inf,
            unit="rank correlation",
            null=(-0.1, 0.1),
            labels=("trained",),
            points=tuple(
                Point(seed=s, values={"trained": 0.4 + 0.05 * s}, contrast=0.4 + 0.05 * s)
                for s in range(5)
            ),
        ),
        make_row(
            "arc-agi-1",
            Word.NOT_RUN,
            form="external",
            documented="40.3 %",
            stored=0,
            planned=20,
            cost_seconds=0.0,
            command="ablations run arc-agi-1 --tier full --device cuda",
        ),
        make_row(
            "late",
            Word.NOT_RUN,
            documented="",
            section="",
            reason="",
            reading="",
            stored=0,
            command="",
        ),
        make_ratio(
            f"{hostile}#ff",
            Word.EXACT,
            0.5,
            0.4,
            0.6,
            document=hostile,
            section=hostile,
            form=hostile,
            documented=hostile,
            reason=hostile,
            statement=hostile,
            reading=hostile,
            unit=hostile,
            labels=(hostile, "汉字 \x07 tab\t"),
            differences=(Difference(path=hostile, values=(hostile, hostile)),),
            checks=(
                replace(differs, what=hostile, documented=hostile, observed=hostile, rule=hostile),
            ),
            points=(Point(seed=1, values={hostile: 1.0, "汉字 \x07 tab\t": 2.0}, contrast=2.0),),
            failures=(hostile,),
            notes=(hostile,),
            command=hostile,
            machine=hostile,
            beside=(
                Beside(label=hostile, unit=hostile, estimate=1.0, low=math.inf, high=None, n=1),
            ),
            controls=(
                Control(
                    name=hostile, estimate=None, low=None, high=None, bound=hostile, passed=True
                ),
            ),
        ),
        make_ratio(
            long_name,
            Word.EXCEEDED,
            123456789.0,
            1e8,
            2e8,
            unit="x " + "unit" * 60,
            documented="x" * 300,
            statement="wide" * 200,
            differences=(Difference(path="path." * 60, values=("y" * 200, "z" * 200)),),
            command="ablations run " + "w" * 400,
            notes=("n" * 300,),
            machine="m" * 200,
        ),
    )


@pytest.fixture(scope="session")
def varied() -> Report:
    return make_report(
        varied_rows(),
        machines=("Xeon 2.1 GHz, 2 cores, Linux 6.1", hostile),
        family=Family(members=65, tested=9, withheld=5, failed=2, not_run=3, without_spec=46),
        controls=tuple(make_controls()),
    )


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
