"""The calibration's table as data and as Markdown."""

import itertools
from collections.abc import Iterator, Sequence

from ablations import calibration, noise, places
from ablations.plain import Json
from ablations.statistics import clopper_pearson, widening
from ablations.tables import Bounded, Calibration, Cell, Power

_words = """\
# Calibration

Made by `ablations calibrate --replicates {replicates} --output ablations/calibration.json --docs
docs/calibration.md`, and not by hand. The engine measured here has the digest `{digest}`; a
report says where the engine has changed since.

The engine's own rule (`ablations/verdict.py`) judges made-up samples whose truth is known: for each
form of claim, noise and number of pairs, at {places} places of the truth: no effect, half the
effect, both edges of the null zone, both edges of the band, its middle, the wrong sign. At an edge,
a word counts as false if it is false on either side. A cell of the tables shows its worst false
verdict, whichever word that is (CONFIRMED among them), wherever the truth lies: how often it came,
and in brackets the upper Clopper-Pearson bound (97.5 %), as multiples of what the claim's level
allows ({nominal:.3g} at the family's level, 0.05 at the sharper one). A bound above {limit}
withholds verdicts of such claims; these cells are **bold**. Half of the interval's misses fall on
either side of an edge, so that 0.5 is what an exact interval of symmetric noise gives.

{replicates:,} samples can show a bound of {reach:.2f} at best, where nothing is wrong, and one of
{half:.2f} where a false verdict comes half as often as the level allows.

## Which cell is a claim's

No sample shows the noise that it comes from. At level 1 - α, n pairs can miss up to 1 - α^(1/n) of
a distribution with a probability that counts: 46 % at 12 pairs, 31 % at 20, 17 % at 40. A long tail
harms just where it hasn't been seen, and such a sample looks symmetric: a check of its skewness
helps at 40 pairs and hardly at 12. So a claim isn't sorted by how its sample looks. What sets its
cell apart is known before the run: the form, the pairs (the most that a table has and the claim
reaches), and whether its contrasts are symmetric by construction. All noises of the table must be
within their bound there. A sample that looks skewed has no verdict in either case.

- **All arms**: the same noise in every arm, as where one machine times both in an order that is
  drawn. A difference of two such draws is symmetric, whatever their shape. A spec must say why.
- **One arm**: nothing but the sample speaks for symmetry. Verdicts there read an interval that is
  {widenings} times as wide.
"""

_costs = """\
The distance from an edge, in standard deviations of a contrast, that so many pairs tell apart with
a power of {promised:.0%}, as `ablations plan` promises it; in brackets the share of {samples:,}
samples with normal contrasts that were confirmed at that distance. The wider interval is dear below
32 pairs and cheap from 40 on: a claim whose noise is alike in all arms, with a reason that its spec
gives, needs far fewer pairs.
"""

_limits = """\
## What the table can't tell

It holds for these noises, and for what is no worse. Outliers that are more of them and farther out
than one in twenty at six standard deviations can be missed more often: one in ten at ten standard
deviations is unseen in 40 pairs in 1.5 % of all cases, and then nothing in the sample tells. Equal
contrasts count as a spread of nothing; of a measurement that takes few values ("ties") a dozen can
be equal by chance, which is why such cells are withheld at 12 pairs, and some at 16.

That the noise of all arms is alike is a reason, not a measurement: it holds for timings as far as
the machine, and not the program, makes times differ between processes.
"""


def data(made: Calibration) -> dict[str, Json]:
    """Return the table with rates and bounds, as `ablations calibrate --json` prints it."""
    cells = [{**cell.to_json(), **calibration.bounded(cell).to_json()} for cell in made.cells]
    for cell, found in zip(cells, made.cells, strict=True):
        cell["plain"] = found.plain  # a number here, a multiple in the report
    wholes = [
        {
            **whole.to_json(),
            "rate": whole.confirmed / whole.reports,
            "bound": clopper_pearson(whole.confirmed, whole.reports)[1],
        }
        for whole in made.wholes
    ]
    return {
        "replicates": made.replicates,
        "level": made.level,
        "limit": calibration.limit,
        "digest": made.digest,
        "reach": _reach(made, 0),
        "cells": cells,
        "wholes": wholes,
        "powers": [power.to_json() for power in made.powers],
    }


def markdown(made: Calibration) -> str:
    """Return the table and what it means as a document."""
    return "\n".join(_parts(made)).rstrip() + "\n"


def _parts(made: Calibration) -> Iterator[str]:
    sizes = [n for n in calibration.sizes if any(cell.n == n for cell in made.cells)]
    yield _words.format(
        replicates=made.replicates,
        digest=made.digest[:12],
        places=len(places.places(margin=False)),
        nominal=1 - made.level,
        limit=calibration.limit,
        reach=_reach(made, 0),
        half=_reach(made, round(made.replicates * (1 - made.level) / 2)),
        widenings=", ".join(f"{widening(n, symmetric=False):g} (n = {n})" for n in sizes),
    )
    yield "The noises:\n"
    yield from (f"- *{name}*: {_said(name)}" for name in noise.shapes)
    yield ""
    yield "## What is withheld\n"
    yield from _withheld(made, sizes)
    yield ""
    for varies in (noise.ONE, noise.ALL):
        cells = [c for c in made.cells if c.varies == varies and c.level == made.level]
        yield f"## At the family's level, noise in {varies}\n"
        yield from _table([c for c in cells if not c.looks], sizes)
        yield ""
    yield "## Had one arm's noise been taken for symmetric\n"
    yield "The worst over all forms, without the wider interval: why it is there.\n"
    yield from _plain([c for c in made.cells if c.level == made.level and not c.looks], sizes)
    yield "\n## What it costs: the power of a plan\n"
    yield from _powers(made.powers, sizes)
    yield "\n## At level 0.95, without the family, noise in all arms\n"
    sharp = [c for c in made.cells if c.level != made.level]
    counts = " or ".join(sorted({f"{c.replicates:,}" for c in sharp}))
    yield f"A sharper check of the rule without its wider interval, by {counts} samples.\n"
    yield from _table(sharp, sorted({c.n for c in sharp}))
    yield ""
    yield "## Looks\n"
    yield (
        "Looked at with 12 (only to stop what is hopeless), 16, 20 and 32 pairs, O'Brien and\n"
        "Fleming's spending within the claim's own level. A cell is of the whole design, from the\n"
        "first look to the last, for every form that `ablations run --until-decided` can look at:\n"
    )
    yield from _looks([cell for cell in made.cells if cell.looks])
    yield "\n## Whole reports\n"
    yield "Every member of the family false, each at an edge of CONFIRMED, where it is likeliest:\n"
    yield "| looks | reports | with a false CONFIRMED | at most | with any false verdict |"
    yield "|---|---|---|---|---|"
    for whole in made.wholes:
        bound = clopper_pearson(whole.confirmed, whole.reports)[1]
        yield (
            f"| {'12, 16, 20, 32' if whole.looks else '20 pairs'} | {whole.reports:,} | "
            f"{whole.confirmed / whole.reports:.2%} | {bound:.2%} | "
            f"{whole.wrong / whole.reports:.2%} |"
        )
    yield "\n" + _limits


def _withheld(made: Calibration, sizes: Sequence[int]) -> Iterator[str]:
    """Yield the claims that have no verdict, by pairs and arms."""
    lines = []
    for (n, up_to), symmetric in itertools.product(
        zip(sizes, [*sizes[1:], 0], strict=True), (False, True)
    ):
        varies = noise.ALL if symmetric else noise.ONE
        forms = [f for f, w in noise.worlds.items() if w.arms > 1 or not symmetric]
        held = [f for f in forms if calibration.flag(made, f, n, symmetric, level=made.level)]
        if held:
            which = "all forms" if held == forms else ", ".join(held)
            pairs = f"{n} to {up_to - 1} pairs" if up_to else f"{n} pairs or more"
            lines.append(f"- {pairs}, noise in {varies}: {which}")
    for varies in (noise.ONE, noise.ALL):
        cells = [c for c in made.cells if c.looks and c.varies == varies]
        beyond = dict.fromkeys(c.form for c in cells if not calibration.bounded(c).within)
        if beyond:
            lines.append(f"- after several looks, noise in {varies}: {', '.join(beyond)}")
    yield from lines or [f"Nothing that has at least {sizes[0]} pairs."]


def _table(cells: Sequence[Cell], sizes: Sequence[int]) -> Iterator[str]:
    yield "| form | noise | " + " | ".join(f"n = {n}" for n in sizes) + " |"
    yield "|---|---|" + "---|" * len(sizes)
    rows: dict[tuple[str, str], dict[int, str]] = {}
    for cell in cells:
        shown = _shown(calibration.bounded(cell))
        rows.setdefault((cell.form, cell.noise), {})[cell.n] = shown
    for (form, shape), found in rows.items():
        yield f"| {form} | {shape} | " + " | ".join(found.get(n, "") for n in sizes) + " |"


def _looks(cells: Sequence[Cell]) -> Iterator[str]:
    yield f"| form | noise | {noise.ONE} | {noise.ALL} |\n|---|---|---|---|"
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for cell in cells:
        shown = _shown(calibration.bounded(cell))
        rows.setdefault((cell.form, cell.noise), {})[cell.varies] = shown
    for (form, shape), found in rows.items():
        where = (found.get(varies, "") for varies in (noise.ONE, noise.ALL))
        yield f"| {form} | {shape} | " + " | ".join(where) + " |"


def _plain(cells: Sequence[Cell], sizes: Sequence[int]) -> Iterator[str]:
    yield "| noise | " + " | ".join(f"n = {n}" for n in sizes) + " |"
    yield "|---|" + "---|" * len(sizes)
    for shape in noise.shapes:
        rates = [
            [calibration.bounded(c).plain for c in cells if (c.noise, c.n) == (shape, n)]
            for n in sizes
        ]
        worst = (max((r for r in found if r is not None), default=0.0) for found in rates)
        yield f"| {shape} | " + " | ".join(f"{rate:.1f}" for rate in worst) + " |"


def _powers(powers: Sequence[Power], sizes: Sequence[int]) -> Iterator[str]:
    if not powers:
        return
    yield _costs.format(promised=powers[0].promised, samples=powers[0].samples)
    yield "| noise in | " + " | ".join(f"n = {n}" for n in sizes) + " |"
    yield "|---|" + "---|" * len(sizes)
    for symmetric, varies in ((False, noise.ONE), (True, noise.ALL)):
        found = {p.n: p for p in powers if p.symmetric == symmetric}
        shown = (
            f"{found[n].distance:.2f} ({found[n].confirmed / found[n].samples:.1%})" for n in sizes
        )
        yield f"| {varies} | " + " | ".join(shown) + " |"


def _shown(cell: Bounded) -> str:
    text = f"{cell.rate:.2f} ({cell.bound:.2f})"
    return text if cell.within else f"**{text}**"


def _reach(made: Calibration, hits: int) -> float:
    return clopper_pearson(hits, made.replicates)[1] / (1 - made.level)


def _said(shape: str) -> str:
    return (noise.shapes[shape].__doc__ or "").strip()
