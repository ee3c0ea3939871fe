"""`ablations calibrate`: the rule's theorem, checked by simulation."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from ablations.calibration import artefact, document, filling
from ablations.cli import display
from ablations.cli.progress import Share
from ablations.runs import locks
from hrm.codec import Json

WAITING = "waiting for another process that is timing on this machine"


def calibrate(asked: argparse.Namespace) -> int:
    """JSON: a summary of the calibration, as reports show it.

    {replicates, cells, places, samples, false, rate, bound, worst {test, noise, place, false,
    allowed}, withheld, reports [{what, reports, false, rate, bound}], power, problems}. The status
    is 1 if anything is beyond its bound; `problems` names it.
    """
    if asked.docs:
        filling.writable(Path(asked.docs))
    with locks.shared(lambda: display.say(WAITING)), Share("calibrating") as progress:
        made = filling.calibrate(
            asked.replicates, Path(asked.output), jobs=asked.jobs, progress=progress
        )
    if asked.docs:
        filling.write(Path(asked.docs), document.markdown(made))
    found = artefact.summary(made)
    if asked.json:
        display.data(found)
    else:
        sys.stdout.write(told(found, asked.output))
    return int(bool(found["problems"]))


def told(found: Mapping[str, Json], output: str) -> str:
    """Return the result of a calibration as text."""
    worst = found["worst"]
    wrong = (
        f"{found['false']:,} of {found['samples']:,} samples at {found['places']} places have a "
        f"false word: {found['rate']:.3g}; the bound is {found['bound']:.3g}."
    )
    most = (
        f"Closest to its bound: {worst['test']}, {worst['noise']} noise, truth at "
        f"{worst['place']}: {worst['false']} false, {worst['allowed']} allowed."
    )
    whole = (
        f"{one['what']}: any false word in {one['rate']:.1%} of {one['reports']:,}; the bound is "
        f"{one['bound']:.0%}."
        for one in found["reports"]
    )
    power = f"Powers differ from those that plans promise by at most {found['power']:.1%}."
    beyond = (f"Beyond its bound: {line}." for line in found["problems"])
    lines = (wrong, most, *whole, power, *beyond, f"Written to {output}.")
    return "\n".join(lines) + "\n"
