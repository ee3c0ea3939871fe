"""Claims whose truth is known, through the whole pipeline: plan, run, store, decide.

Each known case is a pair of arms that are one recipe, trained with seeds of their own on the
smallest workload there is. Its A-versus-A claim should find no effect. Its planted claim reads the
same runs after a known share of the second arm's answers was spoilt, and should find that share.
All are judged as members of the family are, at its level. Cases share no seed.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ablations import claims, decide, family
from ablations.forms import Ratio, about
from ablations.plain import Json
from ablations.plan import Planned, over
from ablations.records import Row, Tier, Word, Zones
from ablations.specs import Arm, Claim
from ablations.store import Store
from hrm import recipes
from hrm.config.learning import Training

pairs = 20
spoilt = 0.6  # share of the second arm's answers in the planted claims
effects = (  # words that say that there is an effect: false of equal arms
    Word.CONTRADICTED,
    Word.CONFIRMED,
    Word.EXCEEDED,
    Word.WEAKER,
    Word.DIRECTION_ONLY,
)
found = (Word.CONFIRMED, Word.DIRECTION_ONLY)  # words that are true of what is planted
chance = 0.05  # of more false words than are allowed, were the level kept
_name = {"equal": "controls/score-equal", "planted": "controls/score-planted"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """Two claims that read the same runs."""

    equal: Planned
    planted: Planned


def cases(number: int) -> list[Case]:
    """Return so many cases, each with seeds of its own."""
    equal, planted = (_spec(kind) for kind in ("equal", "planted"))
    return [
        Case(equal=over(equal, seeds), planted=over(planted, seeds))
        for seeds in (range(i * pairs, (i + 1) * pairs) for i in range(number))
    ]


def judge(every: Sequence[Case], store: Store) -> dict[str, Json]:
    """Decide all cases from a store, and return how often the words were which.

    Returns:
        {cases, pairs, level, allowed, equal {verdict: number}, planted {verdict: number}, false,
        wrong, found, passed, cpu_seconds, smallest, largest}: false counts equal arms that were
        found to differ, wrong planted effects of which something false was said; allowed is how
        many of either the level lets come with a chance of 5 %; cpu_seconds are those of the runs;
        smallest and largest are the planted estimates, which should be about 1 - 0.6.
    """
    rows = {
        kind: [_row(getattr(case, kind), store) for case in every] for kind in ("equal", "planted")
    }
    words = {kind: Counter(row.verdict.verdict for row in rows[kind]) for kind in rows}
    most = allowed(len(every), family.error / len(family.members()))
    false = sum(words["equal"][word] for word in effects)
    right = sum(words["planted"][word] for word in found)
    wrong = len(every) - right - words["planted"][Word.INCONCLUSIVE]
    estimates = [e for row in rows["planted"] if (e := row.verdict.estimate) is not None]
    return {
        "cases": len(every),
        "pairs": pairs,
        "level": family.level(),
        "allowed": most,
        **{kind: {word.value: n for word, n in words[kind].items()} for kind in words},
        "false": false,
        "wrong": wrong,
        "found": right,
        "passed": max(false, wrong) <= most and right >= len(every) / 2,
        "cpu_seconds": sum(row.cost_seconds for row in rows["equal"]),
        "smallest": min(estimates, default=None),
        "largest": max(estimates, default=None),
    }


def allowed(number: int, alpha: float) -> int:
    """Return the most false words among so many that come with a chance above 5 %.

    The least k with P(X > k) <= 0.05, X binomial(number, alpha).
    """
    k, below = 0, (1 - alpha) ** number
    while 1 - below > chance:
        k += 1
        below += math.comb(number, k) * alpha**k * (1 - alpha) ** (number - k)
    return k


def markdown(made: dict[str, Json]) -> str:
    """Return what came out as a document."""
    lines = [
        "# Known truths through the whole pipeline",
        "",
        "Made by `ablations selfcheck --docs docs/selfcheck.md`, and not by hand.",
        "",
        (
            f"{made['cases']} cases, each {made['pairs']} pairs of one small recipe trained with "
            "seeds of its own in either arm (a GRU of width 16 on 4×4 sudokus, 16 updates), were "
            "planned, run, stored and decided as a member of the family is, at level "
            f"{made['level']:.6f}. From the same runs, a second claim reads the scores after "
            f"{spoilt:.0%} of the second arm's answers were spoilt, which leaves {1 - spoilt:g} "
            "times the score; its band is that, × or ÷ 2."
        ),
        "",
        "| verdict | equal arms | planted effect |",
        "|---|---|---|",
    ]
    lines += [
        f"| {word} | {made['equal'].get(word, 0)} | {made['planted'].get(word, 0)} |"
        for word in Word
        if word in made["equal"] or word in made["planted"]
    ]
    low, high = (f"{made[key]:.3f}" for key in ("smallest", "largest"))
    lines += [
        "",
        (
            f"Equal arms that were found to differ: {made['false']}; the level lets "
            f"{made['allowed']} come with a chance above 5 %. False words about the planted "
            f"effect: {made['wrong']}. The planted effect was found in {made['found']} of "
            f"{made['cases']} cases, with estimates from {low} to {high}. The runs took "
            f"{made['cpu_seconds'] / 60:.1f} minutes of CPU time."
        ),
    ]
    return "\n".join(lines) + "\n"


def _row(planned: Planned, store: Store) -> Row:
    return decide.row(planned, planned.collect(store), Tier.STANDARD)


def _spec(kind: str) -> Claim:
    """Return a control's spec on the smallest workload."""
    (spec,) = claims.choose([_name[kind]])
    gru = recipes.gru(
        inputs=80,
        outputs=80,
        hidden_low=16,
        hidden_high=16,
        max_cycles=1,
        low_steps=1,
        use_act=False,
    )
    training = Training(
        updates=16, batch=32, learning_rate=3e-2, warmup=8, clip=1.0, evaluate_every=16
    )
    sizes = {"train": 512, "validation": 16, "test": 64, "apart": 1_000_000, "spoilt": spoilt}
    null = Zones(null=math.log(1.25), null_reason="a quarter", log=True, unit="× score")
    zones = {
        "equal": null,
        "planted": replace(
            null, sign=-1, band=about(1 - spoilt, 2.0), band_reason="the planted effect, × or ÷ 2"
        ),
    }
    metric = {"equal": "score", "planted": "planted_score"}
    return replace(
        spec,
        form=Ratio(
            metric=metric[kind],
            zones=zones[kind],
            symmetry="" if kind == "planted" else "one recipe in both arms, each with own seeds",
        ),
        arms=(Arm(label="first", part=gru), Arm(label="second", part=gru)),
        settings={**spec.settings, **sizes, "training": training.to_json()},
        cost=0.2,
    )
