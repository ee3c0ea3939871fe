"""The whole report at a glance, drawn by seaborn: a swarm of effects, and words by document.

Only these two pictures are drawn by a library, because seaborn places the points of a swarm and
annotates a heat map. The many pictures of claims must fit every width; `figures` and `lines` write
them as SVG that is a tenth as large.

Texts stay texts, colours are the page's variables, and equal reports give equal bytes.
"""

import contextlib
import functools
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup, escape

from ablations import text
from ablations.records.rows import Report, Row
from ablations.rule.outcomes import Group, Word
from reports import sayings
from reports.documents import documents

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FARTHEST = 30.0  # largest distance from no effect, in null zones; larger ones are drawn at the edge
WIDTH = 8.5  # inches of 72 points
LONGEST = 40  # largest number of characters of a document's name beside a picture
SHADES = 9  # shades of the heat map, including the paper's
_ACROSS = "median, relative to the claim’s own null zone; positive in the documented direction"
_colours = {  # colours for matplotlib, and the page's variables for them
    "#000001": "var(--ink)",
    "#000002": "var(--muted)",
    "#000003": "var(--rule)",
    "#000004": "var(--paper)",
    "#000005": "var(--null-zone)",
    "#000006": "var(--holds-fill)",
    "#000007": "var(--partly-fill)",
    "#000008": "var(--fails-fill)",
    "#000009": "var(--muted)",
}
INK, MUTED, RULE, PAPER, ZONE = (f"#00000{i}" for i in range(1, 6))
_of_group = {
    Group.HOLDS: ("#000006", "o"),
    Group.PARTLY: ("#000007", "s"),
    Group.FAILS: ("#000008", "X"),
    Group.OPEN: ("#000009", "d"),
}
_settings: Mapping[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
}
_identity = re.compile(r' id="([^"]*)"')
_comments = re.compile(r"<!--.*?-->\s*", re.DOTALL)
_opening = re.compile(r'<svg [^>]*?(?P<box>viewBox="[^"]*")[^>]*>')


def effects(report: Report) -> Markup | None:
    """Return a swarm of the claims' medians, by document.

    The position of a claim is its distance from no effect, in widths of its own null zone, positive
    in the documented direction. None with fewer than three such claims.
    """
    found = [(d.name, row, leaning(row)) for d in documents(report) for row in d.rows]
    drawn = [(name, row.verdict.group, at) for name, row, at in found if at is not None]
    return _swarm(tuple(drawn)) if len(drawn) > 2 else None


@functools.lru_cache(maxsize=8)
def _swarm(drawn: tuple[tuple[str, Group, float], ...]) -> Markup:
    names = list(dict.fromkeys(name for name, _, _ in drawn))
    with _drawing("effects", 0.9 + 0.42 * len(names)) as (figure, axes):
        import seaborn as sns

        axes.axvspan(-1, 1, color=ZONE, linewidth=0)
        axes.axvline(0, color=MUTED, linewidth=0.8, linestyle=(0, (3, 3)))
        axes.set_xscale("symlog", linthresh=1, linscale=0.6)
        sns.swarmplot(
            x=[at for _, _, at in drawn],
            y=[name for name, _, _ in drawn],
            order=names,
            ax=axes,
            color=INK,
            size=6,
            warn_thresh=1.0,
            legend=False,
        )
        axes.set(xlim=(-1.15 * FARTHEST, 1.15 * FARTHEST), ylabel="", xlabel=_ACROSS)
        axes.set_xticks([-30, -10, -3, -1, 0, 1, 3, 10, 30], minor=False)
        axes.set_xticklabels(map(text.number, axes.get_xticks()))
        axes.set_xticks([], minor=True)
        sns.despine(ax=axes, left=True)
        axes.tick_params(axis="y", length=0)
        _swarmed(figure, axes, drawn)
        return _svg(figure, f"{_ACROSS.capitalize()}. {_spoken(drawn)}")


def _swarmed(figure: "Figure", axes: "Axes", drawn: Sequence[tuple[str, Group, float]]) -> None:
    """Draw the points of a swarm with the marks of their groups, where seaborn placed them.

    Seaborn places the points when they are drawn, in one collection per row.
    """
    names = list(dict.fromkeys(name for name, _, _ in drawn))
    figure.draw_without_rendering()
    found: dict[Group, list[Any]] = {group: [] for group in Group}
    for points, name in zip(axes.collections[-len(names) :], names, strict=True):
        groups = [group for its, group, _ in drawn if its == name]
        for place, group in zip(np.asarray(points.get_offsets()), groups, strict=True):
            found[group].append(place)
        points.remove()
    for group, places in found.items():
        colour, marker = _of_group[group]
        if places:
            x, y = np.array(places).T
            axes.scatter(
                x,
                y,
                color=colour,
                marker=marker,
                s=30,
                edgecolor=PAPER,
                linewidth=0.5,
                zorder=3,
                label=group.value,
            )
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(Group), handletextpad=0.1)


def words(report: Report) -> Markup | None:
    """Return a heat map of the number of claims by word and document; None without runs."""
    found = documents(report)
    used = [word for word in Word if report.tally.get(word.value)]
    if not found or not set(used) - {Word.NOT_RUN}:
        return None
    counts = [tuple(sum(r.verdict.verdict is w for r in d.rows) for w in used) for d in found]
    return _heat(tuple(d.name for d in found), tuple(used), tuple(counts))


@functools.lru_cache(maxsize=8)
def _heat(
    names: tuple[str, ...], used: tuple[Word, ...], counts: tuple[tuple[int, ...], ...]
) -> Markup:
    most = max(max(line) for line in counts)
    with _drawing("words", 1.2 + 0.32 * len(names)) as (figure, axes):
        import seaborn as sns
        from matplotlib.colors import ListedColormap

        sns.heatmap(
            [[math.ceil((SHADES - 1) * math.sqrt(n / most)) for n in line] for line in counts],
            vmin=-0.5,
            vmax=SHADES - 0.5,
            cmap=ListedColormap([_shade(i) for i in range(SHADES)]),
            annot=np.array([[str(n or "") for n in line] for line in counts]),
            fmt="",
            annot_kws={"color": INK},
            cbar=False,
            linewidths=1.5,
            linecolor=PAPER,
            xticklabels=[word.value for word in used],
            yticklabels=[n if len(n) <= LONGEST else f"{n[: LONGEST - 1]}…" for n in names],
            ax=axes,
        )
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.tick_params(axis="y", labelrotation=0)  # a single document's name stands upright
        for label in axes.get_xticklabels():
            label.set(rotation=38, ha="left", rotation_mode="anchor")
        said = "; ".join(
            f"{name}: " + text.listed([f"{n} {w}" for n, w in zip(line, used, strict=True) if n])
            for name, line in zip(names, counts, strict=True)
        )
        return _svg(figure, f"Words by document. {said}.")


def leaning(row: Row) -> float | None:
    """Return a median's distance from no effect in null zones, positive as documented."""
    if not row.parts or not sayings.strength(row):
        return None
    part = sayings.deciding(row)
    assert part.estimate is not None
    along = (part.estimate - part.scale.neutral) * part.scale.sign > 0
    far = min(sayings.strength(row), FARTHEST)
    return far if along or part.scale.two_sided else -far


def _spoken(drawn: Sequence[tuple[str, Group, float]]) -> str:
    """Return the text alternative of a swarm."""
    said = []
    for name in dict.fromkeys(name for name, _, _ in drawn):
        each = sorted(at for its, _, at in drawn if its == name)
        ends = f"{text.number(each[0])} to {text.number(each[-1])}"
        said.append(f"{name}: {text.count(len(each), 'claim')}, {ends}")
    return "; ".join(said) + "."


@contextlib.contextmanager
def _drawing(salt: str, height: float) -> Iterator[tuple["Figure", "Axes"]]:
    """Yield a figure with one pair of axes, with our settings."""
    import matplotlib as mpl  # slow to import, and only needed to render a report
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()
        ours: dict[Any, Any] = {**_settings, "svg.hashsalt": salt}
        mpl.rcParams.update(ours)
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        yield figure, figure.subplots()


def _shade(place: int) -> str:
    return f"#0001{place:02x}"


def _svg(figure: "Figure", label: str) -> Markup:
    """Return a figure as inline SVG in the page's colours."""
    written = io.StringIO()
    figure.savefig(
        written, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
    )
    source = written.getvalue()
    source = source[source.index("<svg") :]
    source = _comments.sub("", source)
    used = set(re.findall('#([^")]+)', source))  # other ids would recur in the next picture
    source = _identity.sub(lambda found: found[0] if found[1] in used else "", source)
    source = source.replace("xlink:href", "href")  # the form for SVG inside HTML
    source = re.sub(r"<metadata>.*?</metadata>\s*", "", source, flags=re.DOTALL)
    for plain, ours in _colours.items():
        source = source.replace(plain, ours)
    for place in range(SHADES):
        share = round(55 * place / (SHADES - 1))
        mixed = f"color-mix(in srgb, var(--holds-fill) {share}%, var(--paper))"
        source = source.replace(_shade(place), mixed)
    source = source.replace("'DejaVu Sans', sans-serif", "var(--sans)").replace(
        "'DejaVu Sans'", "var(--sans)"
    )
    return Markup(
        _opening.sub(
            f'<svg class="overview" role="img" aria-label="{escape(label)}" \\g<box>>',
            source,
            count=1,
        )
    )
