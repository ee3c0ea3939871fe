"""The calibration as a page of the documentation."""

import textwrap
from collections.abc import Callable, Iterator, Sequence

from ablations.calibration.artefact import (
    MEMBERS,
    PLACE,
    POINTS,
    WITHHELD,
    Calibration,
    Checked,
    places,
    pooled,
    problems,
    summary,
    whole,
)
from ablations.calibration.noises import NOISES, SIZE
from ablations.calibration.samples import far_samples

_words = """\
Made by `ablations calibrate --replicates {replicates} --output
ablations/calibration/artefact.json --docs docs/calibration.md`, and not by hand; `verdicts` and
reports say when the rule has changed since. The sources that were calibrated have the digest
`{digest}`.

The theorem: whatever the noise, a member of a family of {members} has a false word, at any look,
with a chance of at most 0.05 / {members} = {place:.3g}. The bounds below are the table's exact
chances, for the sides of an edge that the words of a test can name.

The check: pairs are drawn from populations of {size:,}, whose median (or share beyond an edge) is
put exactly at an edge by construction. Values of cells go through the tests' own arithmetic and the
rule itself, at all looks from 16 to 240 pairs. A sample counts if any of its words at any look was
false, before SPLIT, which only takes words away.

{samples:,} samples at {places} places ({cells} pairs of a test and a noise; {replicates:,} samples
a place): **{false:,} with a false word, a rate of {rate:.3g}; the bound is {bound:.3g}.** No more
than "allowed" may be false, which a chance at its bound exceeds once in 100,000. The place nearest
to that is {worst[test]}, {worst[noise]} noise, truth at {worst[place]}: {worst[false]} false,
{worst[allowed]} allowed. {verdict}
"""

_open = """\
A rule that says nothing never errs. So each pair of a test and a noise has {far} further samples in
which the claim holds beyond doubt: in {withheld} of {cells} more than {share:.0%} stay open.
"""


def markdown(made: Calibration) -> str:
    """Return the page."""
    return "\n".join(_lines(made)).rstrip() + "\n"


def _lines(made: Calibration) -> Iterator[str]:
    found, wrong = summary(made), problems(made)
    yield "# Calibration\n"
    said = _words.format(
        **{name: found[name] for name in ("samples", "places", "cells", "false", "rate", "bound")},
        replicates=made.replicates,
        digest=made.digest[:12],
        members=MEMBERS,
        place=PLACE,
        size=SIZE,
        worst=found["worst"],
        verdict="Nothing is beyond its bound." if not wrong else "**Beyond what is allowed:**",
    )
    yield from (f"{_filled(paragraph)}\n" for paragraph in said.split("\n\n"))
    if wrong:
        yield "\n".join(f"- {line}" for line in wrong) + "\n"
    still = _open.format(
        far=far_samples(made.replicates),
        withheld=found["withheld"],
        cells=found["cells"],
        share=WITHHELD,
    )
    yield f"{_filled(still)}\n"
    edges: dict[str, list[str]] = {}
    for cell, place, _ in places(made):
        edges.setdefault(cell.test, []).append(place.name)
    yield "## By test\n"
    yield from _table(
        ("test", "truth at"),
        pooled(made, lambda cell, _: cell.test),
        lambda one: f"{one.what} | {'; '.join(dict.fromkeys(edges[one.what]))}",
    )
    yield "\n## By noise\n"
    yield from _table(
        ("noise", "pairs are"),
        pooled(made, lambda cell, _: cell.noise),
        lambda one: f"{one.what} | {NOISES[one.what].words}",
    )
    yield "\n## Whole reports\n"
    yield "Every member's truth lies at an edge; a report counts if any word in it was false.\n"
    yield from _table(("any false word in",), whole(made), lambda one: one.what)
    yield "\n## Power\n"
    yield (
        "What plans promise of normal contrasts, and the share of samples, by the look and for\n"
        f"the group at which the two are farthest apart. They may differ by {POINTS:.0%}.\n"
    )
    yield "| claim | sd | group, by look | promised | found |\n|---|---|---|---|---|"
    for one in made.powers:
        yield (
            f"| {one.zones} | {one.sd:.3g} | {one.group}, {one.look} | {one.promised:.1%} | "
            f"{one.found:.1%} |"
        )


def _filled(paragraph: str) -> str:
    return textwrap.fill(paragraph, 100, break_long_words=False, break_on_hyphens=False)


def _table(
    names: Sequence[str], rows: Sequence[Checked], told: Callable[[Checked], str]
) -> Iterator[str]:
    heads = (*names, "samples", "false", "allowed", "rate", "bound")
    yield f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|"
    for one in rows:
        numbers = f"{one.samples:,} | {one.false:,} | {one.allowed:,}"
        yield f"| {told(one)} | {numbers} | {one.rate:.2g} | {one.bound:.2g} |"
