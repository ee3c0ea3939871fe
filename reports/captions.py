"""Below each picture: what it shows, what it doesn't, and the smallest effect to be seen."""

from ablations import text
from ablations.records.pictures import Kind, Picture
from ablations.records.rows import Row
from ablations.records.statements import Part
from reports import sayings
from reports.sayings import Saying

_bands = "median and middle half"
_shows = {
    Kind.COURSE: f"Accuracy on validation boards while training: {_bands} of {{runs}}.",
    Kind.ARRIVAL: "How many of {runs} had arrived by each update.",
    Kind.STEPS: f"The answers after each halting step: {_bands} of {{runs}}.",
    Kind.DIFFICULTY: f"Halting steps of equally difficult test boards: {_bands} of {{runs}}.",
    Kind.TURNS: "Each of {runs} in the order of measurement, beside the baseline built twice.",
    Kind.CELLS: f"Each cell’s values: {_bands} of {{runs}}.",
    Kind.RATES: f"The loss at the end of each rung of learning rates: {_bands} of {{runs}}.",
    Kind.MEMORY: "Bytes as the allocator counts them, without noise.",
}
_leaves_out = {
    Kind.COURSE: "It doesn’t decide: bands may overlap where every pair agrees.",
    Kind.ARRIVAL: "It doesn’t show which runs are pairs; what comes after the last update is open.",
    Kind.STEPS: "It doesn’t show at which step a model would stop by itself.",
    Kind.DIFFICULTY: "It doesn’t show whether the answers are right.",
    Kind.TURNS: "It says nothing of other machines; a trend in it would be the machine’s.",
    Kind.CELLS: "It doesn’t show the contrast, which is formed within each pair.",
    Kind.RATES: "It doesn’t show rates between the rungs, nor runs that diverged.",
    Kind.MEMORY: "It says nothing of other sizes, nor of what the system’s allocator rounds up.",
}


def caption(row: Row, picture: Picture) -> str:
    """Return what a picture shows, what it doesn't, and the smallest effect of its pairs."""
    runs = text.nouns(max(line.n for line in picture.lines), row.noun)
    said = [_shows[picture.kind].format(runs=runs)]
    if never := [line for line in picture.lines if line.beyond]:
        counts = [f"{line.beyond} of {line.n} ({line.label})" for line in never]
        said.append(f"Never arrived: {text.listed(counts)}.")
    said.append(_leaves_out[picture.kind])
    if row.parts:
        said += smallest(row, sayings.deciding(row))
    return " ".join(said)


def smallest(row: Row, part: Part) -> list[str]:
    """Return the sentence on the smallest effect that pairs could have shown, if any."""
    if not part.look:
        return []
    if part.seen is None:
        return ["However large the effect, pairs scattered like these couldn’t have shown it."]
    value = Saying.of(row, log=part.scale.log).value(part.seen)
    return [f"Smallest effect that pairs scattered like these could have shown: {value}."]


def spoken(row: Row, picture: Picture) -> str:
    """Return a picture in words, with its numbers, for those who don't see it."""
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
