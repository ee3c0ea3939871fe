"""Pictures of exact claims about memory, parsed from the text of their checks.

Checks hold text for readers. Texts of three forms give bytes and what they were counted for; other
checks have no picture.

    peak of an update by H_cycles, full gradient 1, 2, 4            1,024, 2,048, 4,096 bytes
    peak of an update of 2 cycles, full and one-step gradient       920 and 440 bytes, ratio 0.479
    bytes that a call of batch 32 allocates, direct over original   0.071 (2,331 to 164)
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from ablations.records.checks import Check
from ablations.records.pictures import Kind, Line, Picture

LINES = 6  # largest number of lines in a picture
_number = r"\d{1,3}(?:,\d{3})*"
_listed = re.compile(r"(?P<what>.+?) by (?P<by>\w+)(?:, (?P<how>.+?),?)? (?P<at>\d+(?:, \d+)+)$")
_sizes = re.compile(rf"(?P<sizes>{_number}(?:, {_number})+) bytes$")
_counted = re.compile(r"(?P<what>.+) of (?P<at>\d+) (?P<by>\w+), (?P<first>.+) and (?P<second>.+)$")
_both = re.compile(rf"(?P<first>{_number}) and (?P<second>{_number}) bytes")
_batched = re.compile(
    r"(?P<what>.+) of (?P<by>batch) (?P<at>\d+) \w+, (?P<second>.+) over (?P<first>[^:]+)$"
)
_ratio = re.compile(rf"\S+ \((?P<first>{_number}) to (?P<second>{_number})\)$")

Found = dict[str, dict[str, dict[float, float]]]  # bytes by picture, line and horizontal position


def pictures(checks: Iterable[Check]) -> tuple[Picture, ...]:
    """Return pictures of bytes by cycles, steps or batch, from those checks that list them."""
    found: Found = {}
    for check in checks:
        if (where := _listed.match(check.what)) and (sizes := _sizes.match(check.observed)):
            values = sizes["sizes"].split(", ")
            places = where["at"].split(", ")
            name = f"{where['what']}, {where['how']}" if where["how"] else where["what"]
            line = found.setdefault(name, {}).setdefault(where["by"], {})
            line |= {float(at): _bytes(n) for at, n in zip(places, values, strict=False)}
        for form, values_form in ((_counted, _both), (_batched, _ratio)):
            if (where := form.match(check.what)) and (pair := values_form.match(check.observed)):
                lines = found.setdefault(f"{where['by']}; {where['what']}", {})
                for side in ("first", "second"):
                    lines.setdefault(where[side], {})[float(where["at"])] = _bytes(pair[side])
    made = (_picture(name, lines) for name, lines in found.items())
    return tuple(picture for picture in made if picture is not None)


def _picture(name: str, lines: Mapping[str, Mapping[float, float]]) -> Picture | None:
    drawn: Sequence[Line] = [
        Line(label=label, across=tuple(sorted(at)), middle=tuple(at[x] for x in sorted(at)))
        for label, at in lines.items()
        if len(at) > 1
    ]
    if not drawn:
        return None
    return Picture(kind=Kind.MEMORY, across=name, up="bytes", lines=tuple(drawn[:LINES]))


def _bytes(said: str) -> float:
    return float(said.replace(",", ""))
