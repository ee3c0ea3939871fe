"""What a person sees of scores."""

import sys
from collections.abc import Mapping
from typing import Any

_metrics = ("tokens", "unknown", "exact", "valid")


def show(found: Mapping[str, Any]) -> None:
    """Print the test scores of checkpoints, and below them those of the task's trivial methods."""
    rows = [("test scores", *(f"{name:>8}" for name in (*_metrics, "steps")))]
    for name, values in found["checkpoints"].items():
        title = f"{name}, update {values['update']}"
        rows.append((title, *_shares(values), f"{values['steps']:8.2f}"))
    rows += [(name, *_shares(values)) for name, values in found["baselines"].items()]
    width = max(len(row[0]) for row in rows)
    sys.stdout.writelines(f"{row[0]:{width}}  {'  '.join(row[1:])}\n" for row in rows)


def _shares(values: Mapping[str, float]) -> list[str]:
    return [f"{values[name]:8.1%}" for name in _metrics]
