"""The result of a demonstration, and functions that several of them use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hrm.plots.style import Figure

Say = Callable[[float, str], None]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The result of a demonstration.

    Args:
        text: The text to print.
        data: The same numbers and more, ready for JSON.
        figures: Pictures by name.
    """

    text: str
    data: Mapping[str, Any]
    figures: Mapping[str, Figure] = field(default_factory=dict)


def table(rows: Mapping[str, Mapping[str, float]], digits: int = 3) -> str:
    """Return numbers in aligned columns, with the names of the first row as headings."""
    names = list(next(iter(rows.values())))
    shown = {
        row: [f"{v:,}" if isinstance(v, int) else f"{v:.{digits}f}" for v in values.values()]
        for row, values in rows.items()
    }
    first = max(map(len, rows))
    widths = [
        max(len(name), *(len(values[i]) for values in shown.values()))
        for i, name in enumerate(names)
    ]
    lines = [(" " * first, names), *shown.items()]
    return "\n".join(
        row.ljust(first) + "".join(f"  {v:>{w}}" for v, w in zip(values, widths, strict=True))
        for row, values in lines
    )
