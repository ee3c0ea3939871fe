"""Tables of document complete, compared with each other without a run."""

from collections.abc import Iterator, Sequence

from ablations.claims.printed import parse
from ablations.records.checks import Check, Equal, Holds
from hrm.config.learning import System


def sizes(_arms: Sequence[System], _seed: int, *, figures: Sequence[str]) -> Iterator[Check]:
    """The ends of a printed range of sizes agree with those of the printed list of sizes.

    A figure stands for all numbers that round or truncate to it. Figures: both ends of the range;
    the listed sizes, ascending.
    """
    low, high, *listed = figures
    for what, end, size, primary in (
        ("largest size: the range's end and the list's", high, listed[-1], True),
        ("smallest size: the range's start and the list's", low, listed[0], False),
    ):
        a, b = (_interval(figure) for figure in (end, size))
        yield Holds(
            what,
            documented=end,
            observed=f"{size}; {_shown(a)} and {_shown(b)} "
            f"{'overlap' if a[0] < b[1] and b[0] < a[1] else 'are apart'}",
            holds=a[0] < b[1] and b[0] < a[1],
            rule="some number prints as both",
            primary=primary,
        )


def domains(_arms: Sequence[System], _seed: int, *, figures: Sequence[str]) -> Iterator[Check]:
    """The number of new domains equals that of tasks that are said to work and aren't original.

    Figures: new domains; tasks in the table; of these the original and working ones, and
        frameworks.
    """
    new, tasks, original, working, framework = (int(parse(figure)[0]) for figure in figures)
    yield Equal("new domains, and new tasks listed as working", expected=new, observed=working)
    yield Equal(
        "new domains, and tasks listed that aren't original",
        expected=new,
        observed=tasks - original,
        primary=False,
    )
    yield Equal(
        "tasks of the table, and the sum by status",
        expected=tasks,
        observed=original + working + framework,
        primary=False,
    )


def _interval(figure: str) -> tuple[float, float]:
    """Return the range that a figure may stand for: from half a unit below to one unit above it.

    Source: `ablations.claims.printed.prints_as`, which allows rounding and truncation.
    """
    number, place = parse(figure)
    return number - place / 2, number + place


def _shown(interval: tuple[float, float]) -> str:
    return " to ".join(f"{end:,.0f}" for end in interval)
