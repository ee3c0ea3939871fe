"""What a verdict's reason says, in the reader's unit: formatting alone."""

import math

from ablations.records import Word, Zones
from ablations.statistics import Interval


def in_words(value: float, zones: Zones) -> float:
    """Return a contrast in the reader's unit: the ratio if it is a logarithm, else itself.

    It isn't turned into the claimed direction: a claim that something falls has ratios below 1.
    """
    if not zones.log:
        return value
    return math.exp(value) if value < 700 else math.inf


def because(word: Word, zones: Zones) -> str:
    """Return a word's condition in words: what the interval does."""
    w = zones.null
    weak, strong = (-math.inf, math.inf) if zones.band is None else zones.band
    null, edge = f"the null zone {_span(-w, w, zones)}", _text(in_words(weak * zones.sign, zones))
    margin = f"{_text(in_words(-w * zones.sign, zones))}, the margin"
    if word is Word.CONFIRMED and zones.margin:
        return f"lies wholly on the better side of {margin}"
    if word is Word.CONFIRMED and zones.band is None:
        return f"lies beyond {null} on the claimed side"
    if word is Word.CONFIRMED and zones.at_least:
        return f"lies wholly beyond {edge}, the weak edge of the band"
    band = f"the band {_span(weak, strong, zones)}"
    return {
        Word.CONTRADICTED: f"lies beyond {margin}"
        if zones.margin
        else f"lies beyond {null} on the wrong side",
        Word.NO_EFFECT: f"lies inside {null}",
        Word.CONFIRMED: f"lies inside {band}",
        Word.EXCEEDED: f"lies wholly beyond {band}",
        Word.WEAKER: f"lies beyond {null} on the claimed side, but wholly short of {edge}",
        Word.DIRECTION_ONLY: "excludes zero on the claimed side and settles no more",
    }[word]


def measured(found: Interval, zones: Zones) -> str:
    """Return what was measured, in the reader's unit, ending with the interval."""
    if found.n == 0:
        return "no pair has a result"
    pairs = "1 pair" if found.n == 1 else f"{found.n} pairs"
    unit = f" {zones.unit}" if zones.unit else ""
    estimate = f"{_text(in_words(found.estimate, zones))}{unit} over {pairs}"
    if found.n == 1:
        return estimate
    return (
        f"{estimate}, {100 * found.level:.6g} % interval {_span(found.low, found.high, zones, 1)}"
    )


def would(needed: int | None) -> str:
    """Return how many pairs it takes, as the end of a sentence."""
    if needed is None:
        return ""
    return f"; about {needed:,} pairs would settle it at this spread and estimate"


def _span(low: float, high: float, zones: Zones, sign: int | None = None) -> str:
    """Return two ends in the reader's unit, given in the claimed direction or that of `sign`."""
    sign = zones.sign if sign is None else sign
    first, last = sorted((low * sign, high * sign))
    return f"{_text(in_words(first, zones))} to {_text(in_words(last, zones))}"


def _text(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.3g}"
