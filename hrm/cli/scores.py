"""Print scores as tables."""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_apart = (
    "accuracy, as in the public code: share of labelled cells equal to the stored answer; tokens: "
    "share of all cells equal to the nearest valid answer\n"
)
_metrics = ("tokens", "unknown", "exact", "valid")


def show(found: Mapping[str, Any]) -> None:
    """Print the test scores of checkpoints, and below them those of trivial methods.

    If the public code's accuracy differs from `tokens`, it is printed beside it.
    """
    every = [*found["checkpoints"].values(), *found["baselines"].values()]
    apart = any(
        abs(values.get("accuracy", values["tokens"]) - values["tokens"]) > 1e-12 for values in every
    )
    shown = ("tokens", "accuracy", *_metrics[1:]) if apart else _metrics
    rows = [("test scores", *(f"{name:>8}" for name in (*shown, "steps")))]
    for name, values in found["checkpoints"].items():
        title = f"{name}, update {values['update']}"
        rows.append((title, *_shares(values, shown), f"{values['steps']:8.2f}"))
    rows += [(name, *_shares(values, shown)) for name, values in found["baselines"].items()]
    width = max(len(row[0]) for row in rows)
    sys.stdout.writelines(f"{row[0]:{width}}  {'  '.join(row[1:])}\n" for row in rows)
    if apart:
        sys.stdout.write(_apart)
    _by_task(found)


def _by_task(found: Mapping[str, Any]) -> None:
    """Print the scores of each task of a mixture: unknown cells, and valid answers."""
    every = {**found["checkpoints"], **found["baselines"]}
    first = next(iter(every.values()))
    names = [name.removeprefix("unknown ") for name in first if name.startswith("unknown ")]
    if not names:
        return
    width = max(map(len, (*every, "unknown / valid")))
    wide = max(15, *map(len, names))
    lines = [("unknown / valid", names)] + [
        (row, [f"{v[f'unknown {n}']:.1%} / {v[f'valid {n}']:.1%}" for n in names])
        for row, v in every.items()
    ]
    sys.stdout.write("\n")
    sys.stdout.writelines(
        f"{row:{width}}" + "".join(f"  {cell:>{wide}}" for cell in cells) + "\n"
        for row, cells in lines
    )


def trivial(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return the best trivial method's share of unknown cells, to stand beside a model's.

    Args:
        found: Scores by method, as `hrm.training.scoring.baselines` returns them.
    """
    if not found:
        return "no trivial method"
    name = max(found, key=lambda method: found[method]["unknown"])
    return f"trivial {found[name]['unknown']:.1%} ({name})"


def show_curve(name: str, points: Sequence[Mapping[str, Any]], trained: int) -> None:
    """Print a checkpoint's scores after each step, with a mark after the last trained step."""
    rows = [(f"{name}, after step", *(f"{metric:>8}" for metric in _metrics))]
    for point in points:
        mark = " (trained up to here)" if point["step"] == trained else ""
        rows.append((f"{point['step']}{mark}", *_shares(point, _metrics)))
    width = max(len(row[0]) for row in rows)
    sys.stdout.write("\n")
    sys.stdout.writelines(f"{row[0]:{width}}  {'  '.join(row[1:])}\n" for row in rows)


def _shares(values: Mapping[str, float], names: Sequence[str]) -> list[str]:
    return [f"{values.get(name, math.nan):8.1%}" for name in names]
