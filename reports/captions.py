"""Captions of pictures: what they show, what they don't, and the smallest detectable effect."""

from ablations import text
from ablations.records.pictures import Kind, Picture
from ablations.records.rows import Row
from ablations.records.statements import Part
from reports import sayings
from reports.wording import Saying

_bands = "median and quartiles"
_shows = {
    Kind.COURSE: f"Accuracy on validation boards during training: {_bands} of {{runs}}.",
    Kind.ARRIVAL: "Share of {runs} that had reached the target by each update.",
    Kind.STEPS: f"The answers after each halting step: {_bands} of {{runs}}.",
    Kind.DIFFICULTY: f"Halting steps by difficulty of the test boards: {_bands} of {{runs}}.",
    Kind.TURNS: "Each of {runs} in the order of measurement, with a second build of the baseline.",
    Kind.CELLS: f"Each cell’s values: {_bands} of {{runs}}.",
    Kind.RATES: f"Final loss at each learning rate: {_bands} of {{runs}}.",
    Kind.MEMORY: "Bytes counted by the allocator, which have no noise.",
}
_leaves_out = {
    Kind.COURSE: "It doesn’t decide the claim: bands may overlap although every pair agrees.",
    Kind.ARRIVAL: "It doesn’t show pairs, nor what would happen after the last update.",
    Kind.STEPS: "It doesn’t show at which step a model would stop on its own.",
    Kind.DIFFICULTY: "It doesn’t show whether the answers are right.",
    Kind.TURNS: "It doesn’t apply to other machines; a trend would be a drift of the machine.",
    Kind.CELLS: "It doesn’t show the contrast, which is computed within each pair.",
    Kind.RATES: "It doesn’t show other rates, nor runs that diverged.",
    Kind.MEMORY: "It doesn’t apply to other sizes, nor what the system’s allocator rounds up.",
}


def caption(row: Row, picture: Picture) -> str:
    """Return the caption of a picture, with the smallest effect that its pairs could have shown."""
    runs = text.nouns(max(line.n for line in picture.lines), row.noun)
    said = [_shows[picture.kind].format(runs=runs)]
    if never := [line for line in picture.lines if line.beyond]:
        counts = [f"{line.beyond} of {line.n} ({line.label})" for line in never]
        said.append(f"Never reached the target: {text.listed(counts)}.")
    said.append(_leaves_out[picture.kind])
    if row.parts:
        said += smallest(row, sayings.deciding(row))
    return " ".join(said)


def smallest(row: Row, part: Part) -> list[str]:
    """Return the sentence on the smallest effect that pairs could have shown, if any."""
    if not part.look:
        return []
    if part.seen is None:
        return ["So few pairs, or ones with this scatter, couldn’t show that the claim holds."]
    value = Saying.part(row, part).value(part.seen)
    return [f"Smallest effect that pairs with this scatter could have shown: {value}."]


def spoken(row: Row, picture: Picture) -> str:
    """Return a text alternative of a picture, with its numbers."""
    said = []
    for line in picture.lines:
        points = [
            (name, y, i)
            for i, (x, y) in enumerate(zip(line.across, line.middle, strict=True))
            if y is not None
            for name in (picture.names[i] if picture.names else text.number(x),)
        ]
        if not points:
            continue
        kept = points if len(points) <= 4 else [points[0], points[-1]]
        values = "; ".join(
            f"{name}: {text.number(y)}{_band(line.low, line.high, i)}" for name, y, i in kept
        )
        said.append(f"{line.label}: {values}")
    level = (
        f". {picture.level_name}: {text.number(picture.level)}" if picture.level is not None else ""
    )
    return f"{row.verdict.id}: {picture.up} by {picture.across}. {'. '.join(said)}{level}"


def _band(low: tuple[float | None, ...], high: tuple[float | None, ...], i: int) -> str:
    if not low or low[i] is None or high[i] is None:
        return ""
    return f" ({text.number(low[i])} to {text.number(high[i])})"
