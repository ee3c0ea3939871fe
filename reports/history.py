"""One self-contained page of the history across commits; no statistic is computed here.

Series are drawn over the same commits, side by side, so that a step that occurs in several of them
is visible. Each level that asv's step detection found is drawn as a line.
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup

from ablations import text
from ablations.records.history import Commit, History, Step
from ablations.rule.outcomes import Group
from reports import svg
from reports.words import name_of

NAME = "history.html"
WORTH = 0.05  # series with a change of level by this share or more are listed first
HEIGHT, CELL = 56, 18
_templates = Path(__file__).parent / "templates"
_scales = {
    "seconds": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    "bytes": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "bytes")),
}


@dataclass(frozen=True, kw_only=True)
class Series:
    """One benchmark at one combination of parameters.

    Args:
        name: Name of the benchmark.
        parameters: Its parameters.
        unit: Its unit.
        values: Numbers by the index of the commit, from 0, if there is one.
        levels: First and last index, and the level.
    """

    name: str
    parameters: str
    unit: str
    values: Mapping[int, float]
    levels: tuple[tuple[int, int, float], ...]

    @property
    def change(self) -> float:
        """The last level divided by the one before it, minus 1; 0 without a step."""
        if len(self.levels) < 2 or not self.levels[-2][2]:
            return 0.0
        return self.levels[-1][2] / self.levels[-2][2] - 1

    @property
    def last(self) -> float:
        """The newest number."""
        return self.values[max(self.values)]

    def shown(self, value: float) -> str:
        """Return a number in its unit."""
        return amount(value, self.unit)


def page(history: History) -> str:
    """Return the page."""
    every = list(series(history))
    changed = sorted(
        (one for one in every if abs(one.change) >= WORTH), key=lambda one: (-one.change, one.name)
    )
    return (
        _environment()
        .get_template("history.html.j2")
        .render(
            history=history,
            modules=_modules(every),
            changed=changed,
            lede=lede(history, every, changed),
            measured=[c for c in history.commits if c.benchmarks],
            judged=[c for c in history.commits if c.claims],
            style=Markup((_templates / "report.css").read_text(encoding="utf-8")),
            more=Markup((_templates / "history.css").read_text(encoding="utf-8")),
        )
    )


def series(history: History) -> Iterator[Series]:
    """Yield every series with a value, by name and parameters."""
    places = {commit.commit: i for i, commit in enumerate(history.commits)}
    newest = {n: b for commit in history.commits for n, b in commit.benchmarks.items()}
    for name, latest in sorted(newest.items()):
        every = [
            (i, commit.benchmarks[name])
            for i, commit in enumerate(history.commits)
            if name in commit.benchmarks and commit.benchmarks[name].version == latest.version
        ]
        for label in dict.fromkeys(label for _, b in every for label in b.values):
            values = {i: v for i, b in every if (v := b.values.get(label)) is not None}
            steps: Sequence[Step] = history.steps.found.get(name, {}).get(label, ())
            if values:
                yield Series(
                    name=name,
                    parameters=label,
                    unit=latest.unit,
                    values=values,
                    levels=tuple(
                        (places[s.first], places[s.last], s.level)
                        for s in steps
                        if s.first in places and s.last in places
                    ),
                )


def lede(history: History, every: Sequence[Series], changed: Sequence[Series]) -> str:
    """Return the page's first sentence."""
    up = sum(one.change > 0 for one in changed)
    first, last = history.commits[0].date[:10], history.commits[-1].date[:10]
    days = f"on {first}" if first == last else f"from {first} to {last}"
    series_of = text.count(len(every), "series", "series")
    said = f"{text.count(len(history.commits), 'commit')} {days}, {series_of} of measurements"
    if not changed:
        return f"{said}: none changed its level by {text.percent(WORTH)} or more."
    return (
        f"{said}: {up} rose by {text.percent(WORTH)} or more, {len(changed) - up} fell, "
        f"{len(every) - len(changed)} stayed."
    )


def conditions(commits: Sequence[Commit]) -> list[str]:
    """Return the conditions of the measurements, as sentences."""
    found = [c.conditions for c in commits if c.conditions is not None]
    if not found:
        return []
    said = [f"Measured on {text.listed(sorted({c.machine for c in found}))}."]
    loads = [c.load for c in found if c.load is not None]
    if loads:
        said.append(
            f"During the measurements, {text.number(min(loads))} to {text.number(max(loads))} "
            "processes per core were running; above one, times are unreliable, but bytes, counts "
            "and ratios are not."
        )
    if any(c.quick for c in found):
        quick = sum(c.quick for c in found)
        said.append(f"In {quick} of {len(found)} commits, each time is from one or two samples.")
    return [*said, *dict.fromkeys(c.note for c in found if c.note)]


def sentence(one: Series, commits: Sequence[Commit]) -> str:
    """Return a sentence about the last step of a series."""
    if len(one.levels) < 2:
        return f"{one.shown(one.last)}; no step in {len(one.values)} commits."
    (_, _, before), (at, _, after) = one.levels[-2:]
    more = f"{text.percent(abs(one.change))} {'more' if one.change > 0 else 'less'}"
    return (
        f"From {one.shown(before)} to {one.shown(after)}, {more}, at {commits[at].commit[:7]} "
        f"({commits[at].subject})."
    )


def drawn(one: Series, count: int) -> Markup:
    """Return a picture of a series: a dot per commit, and a line per level."""
    least, most = min(one.values.values()), max(one.values.values())
    gap = (most - least) or abs(most) or 1.0
    low, high = least - 0.15 * gap, most + 0.15 * gap

    def y(value: float) -> float:
        return round(HEIGHT - 6 - (HEIGHT - 12) * (value - low) / (high - low), 1)

    marks = [
        svg.line(at(first, count, -0.4), y(level), at(last, count, 0.4), y(level), "level")
        for first, last, level in one.levels
    ]
    marks += [svg.dot(at(i, count), y(value), 2.5, "commit") for i, value in one.values.items()]
    levels = "; ".join(one.shown(level) for _, _, level in one.levels)
    label = (
        f"{one.name} {one.parameters}: {len(one.values)} commits, {one.shown(least)} to "
        f"{one.shown(most)}, newest {one.shown(one.last)}; levels {levels}"
    )
    return svg.picture(marks, height=HEIGHT, label=label, kind="series")


def strip(claim: str, commits: Sequence[Commit]) -> Markup:
    """Return a claim's groups over commits: a cell per commit, with letter and colour."""
    marks, said = [], []
    for i, commit in enumerate(commits):
        found = commit.claims.get(claim)
        if found is None:
            continue
        group, width = Group(found), 92 / max(len(commits), 12)
        x = 4 + i * width
        cell = svg.box(x, 2, x + 0.9 * width, CELL - 2, "cell")
        letter = svg.words(x + 0.45 * width, CELL - 5, group.value[0].upper(), "letter")
        marks.append(svg.group([cell, letter], group.value))
        said.append(f"{commit.commit[:7]} {name_of[group].one}")
    return svg.picture(marks, height=CELL, label=f"{claim}: {', '.join(said)}", kind="strip")


def at(place: int, count: int, shift: float = 0.0) -> float:
    """Return the position of a commit, in per cent of the width."""
    if count < 2:
        return 50.0
    found = svg.LEFT + (svg.RIGHT - svg.LEFT) * (place + shift) / (count - 1)
    return round(min(max(found, 0.5), 99.5), 2)


def amount(value: float, unit: str) -> str:
    """Return "4.1 ms", "1.2 MB", "0.97"."""
    for size, name in _scales.get(unit, ()):
        if abs(value) >= size:
            return f"{text.number(value / size)}{text.space}{name}"
    return text.number(value) if unit in ("ratio", "unit") else f"{text.number(value)} {unit}"


def _modules(every: Sequence[Series]) -> list[tuple[str, list[Series]]]:
    """Return the series by the module of their benchmark."""
    found: dict[str, list[Series]] = {}
    for one in every:
        found.setdefault(one.name.partition(".")[0], []).append(one)
    return list(found.items())


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_templates),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "conditions": conditions,
        "drawn": drawn,
        "number": text.number,
        "sentence": sentence,
        "strip": strip,
    }
    return environment
