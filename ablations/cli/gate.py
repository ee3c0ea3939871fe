"""`ablations bench-compare`: whether one commit is slower than another, for a maintainer's CI."""

import argparse
import dataclasses
import math
import sys
import time
from pathlib import Path

from ablations.cli import display
from ablations.history import turns
from ablations.history.turns import Change, Compared, Comparison
from hrm.codec import Json


def compare(asked: argparse.Namespace) -> int:
    """JSON: {first, second, threshold, pairs, exceptions, load, slower, figures, left}.

    slower counts the figures with an established slowdown; the exit status is 1 if there is one.
    figures are [{name, parameters, unit, change, ratio, low, high, beyond, pairs, settleable}]:
    ratio is the median of B / A with its interval, null where open; settleable the smallest one
    that these pairs would have established as slower four times out of five. left says why others
    weren't compared.
    """
    started = time.monotonic()

    def said(done: int, of: int) -> None:
        left = (time.monotonic() - started) / done * (of - done)
        sys.stderr.write(f"pair {done} of {of}, about {math.ceil(left / 60)} min left\n")

    found = turns.compare(
        asked.first,
        asked.second,
        root=Path.cwd(),
        pattern=asked.bench,
        threshold=asked.threshold,
        pairs=asked.pairs,
        quick=asked.quick,
        said=said,
    )
    if asked.json:
        display.data(data(found, asked))
    else:
        sys.stdout.write("\n".join(lines(found, asked.threshold)) + "\n")
    return int(bool(found.slower))


def data(found: Comparison, asked: argparse.Namespace) -> dict[str, Json]:
    """Return a comparison as the command prints it in JSON."""
    figures = [dataclasses.asdict(figure) for figure in found.figures]
    for figure in figures:
        for name in ("ratio", "low", "high"):
            value = figure[name]
            figure[name] = value if value is not None and 0 < value < math.inf else None
    return {
        "first": asked.first,
        "second": asked.second,
        "threshold": asked.threshold,
        "pairs": found.pairs,
        "exceptions": found.exceptions,
        "load": found.load,
        "slower": len(found.slower),
        "figures": figures,
        "left": dict(found.left),
    }


def lines(found: Comparison, threshold: float) -> list[str]:
    """Return the comparison as text: changes, what could have been detected, and omissions."""
    allowed = f"{100 * threshold:g} %"
    out = [
        f"{change.value}: {_said(figure, allowed)}"
        for change in (Change.SLOWER, Change.FASTER)
        for figure in found.figures
        if figure.change is change
    ]
    counts = {change: sum(f.change is change for f in found.figures) for change in Change}
    out.append(
        f"{len(found.figures)} figures, {found.pairs} pairs, at most {found.exceptions} exceptions "
        f"each: {counts[Change.SLOWER]} slower by more than {allowed}, {counts[Change.FASTER]} "
        f"faster by as much, {counts[Change.EQUAL] + counts[Change.NOT_SLOWER]} not slower by "
        f"{allowed}, {counts[Change.OPEN]} open."
    )
    seen = sorted(figure.settleable for figure in found.figures)
    worst = max(found.figures, key=lambda f: f.settleable)
    out.append(
        "Smallest slowdowns that would have been found four times out of five: "
        f"{_share(seen[0])} in the least noisy benchmark, {_share(seen[len(seen) // 2])} in the "
        f"median one, {_share(seen[-1])} in {worst.name}."
    )
    if found.load > 0.6:
        out.append(f"The machine was busy: up to {found.load:g} processes per core were running.")
    if found.left:
        why = list(dict.fromkeys(found.left.values()))
        out.append(f"Not compared: {len(found.left)} figures ({'; '.join(why[:3])}).")
    return out


def _said(figure: Compared, allowed: str) -> str:
    name = " ".join(filter(None, (figure.name, figure.parameters)))
    ratio = "" if figure.ratio is None else f" takes {figure.ratio:.3f} times as much"
    if figure.change is not Change.SLOWER:
        return f"{name}{ratio}"
    return f"{name}{ratio}; in {figure.beyond} of {figure.pairs} pairs more than {allowed} more"


def _share(ratio: float) -> str:
    return f"{100 * (ratio - 1):.3g} %"
