"""Compare two reports claim by claim: whose group changed, and which of its inputs differ."""

from collections.abc import Iterator, Mapping

from ablations import text
from ablations.records.comparisons import Comparison, Move, Side
from ablations.records.origins import Origin
from ablations.records.rows import Report, Row

SHORT = 10  # characters of a digest that are shown


def compared(before: Report, after: Report, names: tuple[str, str]) -> Comparison:
    """Return what differs between two reports, in the order of the second.

    Args:
        before: The first report.
        after: The second report.
        names: Names of both.
    """
    first = {row.verdict.id: row for row in before.rows}
    second = {row.verdict.id: row for row in after.rows}
    found: dict[str, list[Move]] = {"moved": [], "reworded": [], "shifted": []}
    both = [name for name in second if name in first]
    for name in both:
        kind = _kind(first[name], second[name])
        if kind:
            found[kind].append(_move(first[name], second[name]))
    return Comparison(
        before=names[0],
        after=names[1],
        moved=tuple(found["moved"]),
        reworded=tuple(found["reworded"]),
        shifted=tuple(found["shifted"]),
        equal=len(both) - sum(map(len, found.values())),
        missing=tuple(name for name in first if name not in second),
        added=tuple(name for name in second if name not in first),
    )


def why(before: Row, after: Row) -> Iterator[str]:
    """Yield the differences between the inputs of two rows of one claim, pairs first."""
    a, b = before.verdict, after.verdict
    if a.n != b.n or a.look != b.look:
        yield f"{_pairs(before)} before, {_pairs(after)} after"
    if a.tier != b.tier:
        yield f"tier {a.tier} before, {b.tier} after"
    if before.origin is not None and after.origin is not None:
        yield from _origins(before.origin, after.origin)
    for fault in before.faults:
        if fault not in after.faults:
            yield f"only before: {fault}"
    for fault in after.faults:
        if fault not in before.faults:
            yield f"only after: {fault}"


def _pairs(row: Row) -> str:
    """Return how many pairs a row has, and how many of them its verdict reads if not all."""
    n, look = row.verdict.n, row.verdict.look
    if not n:
        return "none"
    return text.nouns(n, row.noun) + ("" if n == look else f" ({look or 'none'} read)")


def _origins(before: Origin, after: Origin) -> Iterator[str]:
    if before.spec != after.spec:
        yield f"the spec changed: {before.spec[:SHORT]} before, {after.spec[:SHORT]} after"
    if before.sources != after.sources and before.sources and after.sources:
        said = f"{_few(before.sources)} before, {_few(after.sources)} after"
        yield f"code that the runs rest on changed: sources {said}"
    yield from _versions(before.versions, after.versions)
    for name, one, other in (
        ("machine", before.machines, after.machines),
        ("commit", before.commits, after.commits),
    ):
        if one != other and one and other:
            yield f"another {name}: {_few(one)} before, {_few(other)} after"


def _versions(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *after} if before and after else ()):
        one, other = before.get(name, "none"), after.get(name, "none")
        if one != other:
            yield f"{name} {one} before, {other} after"


def _few(items: tuple[str, ...]) -> str:
    hexadecimal = set("0123456789abcdef")
    first = items[0][:SHORT] if set(items[0]) <= hexadecimal else items[0]
    return first if len(items) == 1 else f"{first} and {len(items) - 1} more"


def _kind(before: Row, after: Row) -> str:
    if before.verdict.group is not after.verdict.group:
        return "moved"
    if before.verdict.verdict is not after.verdict.verdict:
        return "reworded"
    checks = [[(check.what, check.observed) for check in row.checks] for row in (before, after)]
    apart = checks[0] != checks[1] and all(checks)
    return "shifted" if apart or _outside(before, after) else ""


def _outside(before: Row, after: Row) -> bool:
    """Return whether each estimate lies outside the other's interval."""

    def within(value: float, row: Row) -> bool:
        low, high = row.verdict.low, row.verdict.high
        if low is None and high is None:  # an interval that rules nothing out
            return True
        return (low is None or low <= value) and (high is None or value <= high)

    a, b = before.verdict.estimate, after.verdict.estimate
    if a is None or b is None:
        return False
    return not within(a, after) and not within(b, before)


def _move(before: Row, after: Row) -> Move:
    return Move(
        id=after.verdict.id,
        document=after.verdict.document,
        statement=after.statement,
        before=_side(before),
        after=_side(after),
        why=tuple(why(before, after)),
    )


def _side(row: Row) -> Side:
    v = row.verdict
    return Side(word=v.verdict, group=v.group, estimate=v.estimate, low=v.low, high=v.high, n=v.n)
