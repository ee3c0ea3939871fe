"""Search spaces: which fields of a run a sweep varies, and how.

A file in TOML or JSON names fields by their path: `recipe.` arguments of the recipe, `training.`
fields of the training, `model.` and `objective.` fields of the system that the recipe makes.

    [training.learning_rate]        floats between both bounds, evenly in the logarithm
    low = 1e-4
    high = 1e-2
    log = true

    [recipe.hidden_low]             whole numbers, since both bounds are
    low = 16
    high = 64
    step = 16

    [training.schedule]             one of these values, each of plain JSON
    choices = [{ kind = "Constant" }, { kind = "Cosine" }]

Tables may be nested, as here, or named by the whole path in quotes.
"""

import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrm.config.parts import canonical
from hrm.errors import UserError

ROOTS = ("recipe", "training", "model", "objective")
_form = "low and high, with log or step, or choices"


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers from low to high, both included; whole numbers if both bounds and the step are.

    Args:
        low: The smallest value.
        high: The largest value.
        log: Whether values are uniform in the logarithm.
        step: Distance between two values; None for all values.
    """

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    @property
    def whole(self) -> bool:
        """Whether the numbers are whole."""
        return all(isinstance(x, int) for x in (self.low, self.high, self.step or 0))

    @property
    def values(self) -> tuple[int | float, ...]:
        """Both ends, which stand for all values when the space is checked."""
        return self.low, self.high


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of several values, each of plain JSON."""

    choices: tuple[Any, ...]

    @property
    def values(self) -> tuple[Any, ...]:
        """All values."""
        return self.choices


Space = Mapping[str, Range | Choice]


def read(path: Path) -> dict[str, Range | Choice]:
    """Return the search space of a file, in its order.

    Raises:
        UserError: If the file can't be read, or the description of a field is malformed.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise UserError(
            f"space is {str(path)!r}, which can't be read ({error}); allowed is a .toml file, or a "
            f"file in JSON; mend it, or name another"
        ) from error
    space = dict(_parts("", data))
    if not space:
        raise UserError(
            f"space is {str(path)!r}, which names no field; allowed is one table per field, with "
            f"{_form}; add one"
        )
    return space


def to_json(space: Space) -> dict[str, Any]:
    """Return a space as plain data, which `read` takes."""
    return {
        name: {"choices": list(part.choices)}
        if isinstance(part, Choice)
        else {"low": part.low, "high": part.high, "log": part.log, "step": part.step}
        for name, part in space.items()
    }


def _parts(path: str, data: Any) -> Iterator[tuple[str, Range | Choice]]:
    if not isinstance(data, Mapping):
        raise _refused(path or "file", data, f"a table with {_form}", "write it so")
    described = "choices" in data or any(
        name in data and not isinstance(data[name], Mapping) for name in ("low", "high")
    )
    if described:
        yield path, _part(path, data)
        return
    for name, inside in data.items():
        yield from _parts(f"{path}.{name}" if path else name, inside)


def _part(path: str, data: Mapping[str, Any]) -> Range | Choice:
    root, _, field = path.partition(".")
    if root not in ROOTS or not field:
        allowed = ", ".join(f"{root}.FIELD" for root in ROOTS)
        raise _refused(path, dict(data), f"a field named {allowed}", "rename it")
    given = {name: value for name, value in data.items() if value is not None}
    if given.keys() == {"choices"}:
        choices = given["choices"]
        if not isinstance(choices, list) or not choices:
            raise _refused(f"{path}.choices", choices, "a list of values", "list some")
        if len({canonical(choice) for choice in choices}) < len(choices):
            raise _refused(f"{path}.choices", choices, "different values", "name each once")
        return Choice(choices=tuple(choices))
    if not {"low", "high"} <= given.keys() <= {"low", "high", "log", "step"}:
        raise _refused(path, dict(data), _form, "write it so")
    for name in ("low", "high", "step"):
        value = given.get(name, 1)
        if type(value) not in (int, float) or not math.isfinite(value):
            raise _refused(f"{path}.{name}", value, "a number", "write one")
    found = Range(**given)
    for name, value, holds, allowed in (
        ("high", found.high, found.high > found.low, f"a number above low, {found.low}"),
        ("log", found.log, isinstance(found.log, bool), "true or false"),
        ("low", found.low, not found.log or found.low > 0, "a positive number, with log = true"),
        ("step", found.step, not (found.log and found.step), "no step, with log = true"),
        ("step", found.step, _divides(found), "a positive divisor of high - low"),
    ):
        if not holds:
            raise _refused(f"{path}.{name}", value, allowed, "change it")
    return found


def _divides(part: Range) -> bool:
    if part.step is None:
        return True
    count = (part.high - part.low) / part.step if part.step > 0 else 0.5
    return math.isclose(count, round(count), rel_tol=1e-9, abs_tol=0)


def _refused(name: str, value: Any, allowed: str, mend: str) -> UserError:
    return UserError(f"space {name} is {value!r}; allowed is {allowed}; {mend}")
