"""The ledger: all documented claims, and the only place of documented figures."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from types import MappingProxyType
from typing import Any

from ablations.claims.printed import parse
from hrm.errors import UserError

Range = tuple[float, float]
FORMS = {  # how a claim may be decided; those in STATISTICAL by pairs
    "exact",
    "consistency",
    "external",
    "ratio",
    "timing",
    "time-to-target",
    "quality",
    "trend",
    "factorial",
    "one-sample",
    "non-inferior",
}
STATISTICAL = FORMS - {"exact", "consistency", "external"}
PRINTED_RANGE = "the printed range"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """The figures that a document prints for a claim, as texts by kind, and bands around them.

    `parts` may have "change" (from and to, which may be a range), "reduction" and "increase" (a
    percentage or a range), "speedup" (5x), "range", "least", "value", and lists under other names.
    """

    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> tuple[str, ...]:
        """Return the texts under a name."""
        return self.parts[name]

    @property
    def printed(self) -> tuple[str, ...]:
        """All texts, in order, which the function of an exact claim gets as figures."""
        return tuple(text for texts in self.parts.values() for text in texts)

    def numbers(self, name: str) -> tuple[float, ...]:
        """Return the numbers under a name, in the unit that is printed: 40 for "40%"."""
        return tuple(parse(text)[0] for text in self.parts[name])

    def ratio(self, tolerance: float = 1.25) -> Range:
        """Return the band of the ratio, treatment over baseline.

        A printed range is the band itself; the band of a single figure is the figure × or ÷ the
        tolerance.
        """
        assert tolerance > 1, tolerance
        low, high = min(self._factors), max(self._factors)
        return (low, high) if low < high else (low / tolerance, high * tolerance)

    def difference(self, tolerance: float = 1.25) -> Range:
        """Return the band of the difference, treatment minus baseline, in the printed unit."""
        assert tolerance > 1, tolerance
        start, *ends = self.numbers("change")
        found = sorted(end - start for end in ends)
        if len(found) == 1:
            found = sorted((found[0] / tolerance, found[0] * tolerance))
        return found[0], found[-1]

    def around(self, tolerance: float = 1.25) -> Range:
        """Return the band of a value itself: × or ÷ the tolerance around the printed one."""
        (value,) = self.numbers("value")
        return value / tolerance, value * tolerance

    def range(self) -> Range:
        """Return the printed range of a value itself."""
        low, high = self.numbers("range")
        return low, high

    def band(self) -> Mapping[str, Any]:
        """Return the band of the ratio and its source, as arguments of a test."""
        return {"about": self.ratio(), "band_because": self.because()}

    @property
    def least(self) -> float:
        """The printed figure of an "at least"."""
        (value,) = self.numbers("least")
        return value

    def because(self, tolerance: float = 1.25) -> str:
        """Return where a band comes from, for the reader."""
        if any(len(set(self.parts.get(name, ()))) > 1 for name in ("reduction", "increase")):
            return PRINTED_RANGE
        if "range" in self.parts or len(self.parts.get("change", ())) > 2:
            return PRINTED_RANGE
        return (
            f"the documented figure, × or ÷ {tolerance:g}: the document gives no spread, and "
            "a quarter is generous"
            if tolerance == 1.25
            else f"the documented figure, × or ÷ {tolerance:g}"
        )

    @property
    def _factors(self) -> tuple[float, ...]:
        """Ratios of treatment to baseline; of several ways to print them, the one from parts."""
        if "change" in self.parts:
            start, *ends = self.numbers("change")
            return tuple(end / start for end in ends)
        if "reduction" in self.parts:
            return tuple(1 - x / 100 for x in self.numbers("reduction"))
        if "increase" in self.parts:
            return tuple(1 + x / 100 for x in self.numbers("increase"))
        return tuple(1 / x for x in self.numbers("speedup"))


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A documented claim.

    Args:
        id: Id of the claim and of its spec.
        claim: The claim in our words.
        document: Key of the document.
        group: Letter of its group.
        section: Section in which the document makes the claim.
        documented: The figure as text for the reader; "—" if only a direction is claimed.
        forms: The forms in which it may be decided, see `FORMS`.
        figure: The figure by its parts.
    """

    id: str
    claim: str
    document: str = "own"
    group: str = ""
    section: str = ""
    documented: str = "—"
    forms: tuple[str, ...] = ()
    figure: Figure = field(default_factory=Figure)


def decoded(data: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Entry]:
    """Return entries from plain data by id; a figure may name another entry, whose it is.

    Raises:
        UserError: If an entry lacks its claim, has an unknown field or form, or a figure that
            isn't one.
    """
    return MappingProxyType({name: _entry(name, row, data) for name, row in data.items()})


def _entry(name: str, row: Mapping[str, Any], data: Mapping[str, Mapping[str, Any]]) -> Entry:
    unknown = sorted(set(row) - set(Entry.__dataclass_fields__))
    forms = tuple(row.get("forms", ()))
    if not row.get("claim") or unknown or not set(forms) <= FORMS:
        wrong = unknown or sorted(set(forms) - FORMS) or "no claim"
        raise UserError(
            f"ledger entry {name!r} has {wrong if isinstance(wrong, str) else wrong[0]!r}; allowed "
            f"are the fields {', '.join(Entry.__dataclass_fields__)}, a claim in words, and of "
            f"the forms {', '.join(sorted(FORMS))}; correct the entry"
        )
    given = row.get("figure", {})
    parts = data[given]["figure"] if isinstance(given, str) else given
    figure = Figure(parts={key: tuple(texts) for key, texts in parts.items()})
    for text in figure.printed:
        try:
            parse(text)
        except ValueError as error:
            raise UserError(f"the figure of ledger entry {name!r}: {error}") from None
    return Entry(**{**row, "id": name, "forms": forms, "figure": figure})


@functools.cache
def ledger() -> Mapping[str, Entry]:
    """Return every claim of the documents by id, in order."""
    text = resources.files(__package__).joinpath("ledger.json").read_text("utf-8")
    return decoded({row["id"]: row for row in json.loads(text)})


def entry(name: str) -> Entry:
    """Return a claim of the documents."""
    return ledger()[name]


def figure(name: str) -> Figure:
    """Return what a document prints for a claim."""
    return ledger()[name].figure
