"""One self-contained page of the history across commits; no statistic is computed here.

Series are drawn over the same commits, side by side, so that a step that occurs in several of them
is visible. Each level that asv's step detection found is drawn as a line.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ablations import text
from ablations.records.history import Commit, History, Step, every_series
from ablations.rule.outcomes import Group
from reports import svg
from reports.page import environment, style
from reports.words import name_of

NAME = "history.html"
WORTH = 0.05  # series with a change of level by this share or more are listed first
HEIGHT, CELL = 56, 18
_scales = {
    "seconds": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    "bytes": text.byte_units,
    "operations": ((1e9, "billion operations"), (1e6, "million operations")),
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
    def before(self) -> float | None:
        """The level before the last one; None without. A single commit is a spike, no level."""
        return next((level for first, last, level in self.levels[-2::-1] if last > first), None)

    @property
    def change(self) -> float:
        """The relative change at the last step, last level / level before − 1; 0 without one."""
        return self.levels[-1][2] / self.before - 1 if self.before else 0.0

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
        environment()
        .get_template("history.html.j2")
        .render(
            conditions=conditions,
            drawn=drawn,
            judged_of=judged,
            sentence=sentence,
            strip=strip,
            history=history,
            modules=_modules(every),
            changed=changed,
            lede=lede(history, every, changed),
            measured=[c for c in history.commits if c.benchmarks],
            judged=[c for c in history.commits if c.claims],
            style=Markup(style("report") + style("history")),
        )
    )


def series(history: History) -> Iterator[Series]:
    """Yield every series with a value, by name and parameters."""
    places = {commit.commit: i for i, commit in enumerate(history.commits)}
    units = {n: b.unit for commit in history.commits for n, b in commit.benchmarks.items()}
    for name, label, by_commit in every_series(history.commits):
        values = {places[c]: value for c, value in by_commit.items() if value is not None}
        steps: Sequence[Step] = history.steps.found.get(name, {}).get(label, ())
        if values:
            yield Series(
                name=name,
                parameters=label,
                unit=units[name],
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
    said = f"{text.count(len(history.commits), 'commit')}, {text.days(first, last)}: "
    of = f"of {text.count(len(every), 'series', 'series')} of measurements, "
    if not changed:
        return f"{said}{of}none changed its level by {text.percent(WORTH)} or more."
    moved = [f"{n} went {where}" for n, where in ((up, "up"), (len(changed) - up, "down")) if n]
    return f"{said}{of}{text.listed(moved)} by {text.percent(WORTH)} or more."


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
    if one.before is None:
        return f"{one.shown(one.last)}; no step in {text.count(len(one.values), 'commit')}."
    before, (at, _, after) = one.before, one.levels[-1]
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


def judged(commits: Sequence[Commit]) -> tuple[list[str], list[str]]:
    """Return the claims whose group has changed, by their groups, and those that kept theirs."""
    every = sorted({claim for commit in commits for claim in commit.claims})
    had = {claim: [c.claims[claim] for c in commits if claim in c.claims] for claim in every}
    moved = [claim for claim in every if len(set(had[claim])) > 1]
    order = {group: i for i, group in enumerate(name_of)}
    moved.sort(key=lambda claim: (order[Group(had[claim][-1])], had[claim], claim))
    return moved, [claim for claim in every if claim not in set(moved)]


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
