"""Rows with every word, form and kind of axis, with hostile and long texts and open ends."""

from collections.abc import Iterator
from dataclasses import replace

from ablations.records.plans import Planning
from ablations.records.rows import Controlled, Difference, Failures, Garden, Row, Skill
from ablations.records.statements import Beside
from ablations.rule.outcomes import Word
from tests.reports.made import (
    AGREES,
    DIFFERS,
    PROSPECTS,
    hostile,
    long_name,
    make_part,
    make_row,
    odd_points,
    with_parts,
)
from tests.reports.pictured import pictured_rows


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
        *pictured_rows(),
        make_row("late", Word.NOT_RUN, documented="", section="", reason="", reading="", stored=0),
        *hostile_rows(),
    )


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
