"""Rows and reports in words: "72 % less (65 to 76)", "24 of 26 seeds", "61 claims hold"."""

import math
import re
from collections.abc import Iterable

from ablations import text
from ablations.records.checks import Check
from ablations.records.rows import Report, Row
from ablations.records.statements import Exceptions, Part
from ablations.rule.outcomes import Group, Word
from reports.wording import Saying
from reports.words import decided_first, groups, look_of

_uneven = re.compile(r"\b(most|least|more|less|fewer|larger|within|between|another|unequal)\b")
_remark = re.compile(r"; | \(")  # what a check adds to its value
_plain = re.compile(r"[-−+]?[\d,.]*\d")


def printed(row: Row) -> str:
    """Return the documented figure, "" if the document gives only a direction."""
    return row.verdict.documented.strip().strip("—–-")


def measured(row: Row) -> tuple[str, str]:
    """Return the measured value in the wording of the documented one, and its interval."""
    if row.parts:
        part = deciding(row)
        said = Saying.part(row, part).interval(part.estimate, part.low, part.high)
        failed = [f for f in row.failures if f.failed == f.of]
        if not said[0] and part.look and failed:
            return f"fails in {failed[0].failed} of {failed[0].of} {row.noun}", ""
        return said
    primary = sorted((c for c in row.checks if c.primary), key=lambda check: check.holds)
    return (_compared(primary[0]), "") if primary else ("", "")


def result(row: Row) -> str:
    """Return the measured value with its interval, in the wording of the documented one."""
    value, within = measured(row)
    return f"{value} ({within})" if within else value


def _compared(check: Check) -> str:
    """Return both values of a check on one short line, or the one value that both are."""
    printed, found = (_remark.split(said)[0] for said in (check.documented, check.observed))
    limit = printed.removeprefix("at most ")
    if printed == found:
        bare = found.removeprefix("[").removesuffix("]")
        telling = any(map(str.isdigit, bare)) and bare.count(", ") < 3
        said = f"{bare} = {bare}" if _plain.fullmatch(bare) else bare if telling else "agrees"
    elif limit != printed:
        said = f"{found} {'≤' if check.holds else '>'} {limit}"
    elif check.holds and check.rule.startswith("rounds"):
        said = found
    elif _uneven.search(check.rule) or not any(map(str.isdigit, printed)):
        said = f"{printed}, found {found}"  # a range, or words: "no difference", of 2e-16
    else:
        said = f"{printed} {'=' if check.holds else '≠'} {found}"
    if len(said) < 60:
        return said
    return "agrees" if check.holds else found if len(found) < 40 else "differs"


def deciding(row: Row) -> Part:
    """Return the part that decided the row's word, or else the first."""
    return next((p for p in row.parts if p.verdict is row.verdict.verdict), row.parts[0])


def telling(part: Part) -> tuple[Exceptions, ...]:
    """Return the counts that decide a part's word, the most informative first.

    For words that establish something these are the established statements farthest on their side;
    else the counts on the claimed side of the null zone.
    """
    scale = part.scale
    claimed = "above" if scale.sign > 0 else "below"
    counts = [e for e in part.exceptions if e.edge is not None]
    known = [e for e in counts if e.established]

    def beyond(found: Iterable[Exceptions]) -> list[Exceptions]:
        return sorted(
            found, key=lambda e: (e.edge or 0.0) * (1 if e.side == "above" else -1), reverse=True
        )

    along = beyond(e for e in known if e.side == claimed)
    against = beyond(e for e in known if e.side != claimed)
    match part.verdict:
        case Word.NO_EFFECT | Word.WEAKER if along and against:
            return against[0], along[0]
        case Word.CONFIRMED if along and against and scale.band is not None:
            return along[0], against[0]
        case Word.CONTRADICTED | Word.NO_GAIN if against:
            return (against[0],)
    if scale.two_sided and known:
        return (max(known, key=lambda e: abs((e.edge or 0.0) - scale.neutral)),)
    if along:
        return (along[0],)
    edge = scale.edge if scale.null is None else scale.null[1 if scale.sign > 0 else 0]
    return tuple(e for e in counts if e.side == claimed and e.edge == edge)[:1]


def sides(part: Part) -> list[tuple[float, Exceptions | None, Exceptions | None]]:
    """Return each finite edge, ascending, with the counts below and above it."""
    found: dict[float, dict[str, Exceptions]] = {}
    for count in part.exceptions:
        if count.edge is not None:
            found.setdefault(count.edge, {})[count.side] = count
    return [
        (edge, counts.get("below"), counts.get("above")) for edge, counts in sorted(found.items())
    ]


def counted(row: Row) -> str:
    """Return "24 of 26 seeds", "3 of 3 checks", "7 seeds so far"."""
    if row.parts:
        return counted_in(row, deciding(row))
    primary = [c for c in row.checks if c.primary]
    agree = sum(c.holds for c in primary)
    return f"{agree} of {text.count(len(primary), 'check')}" if primary else ""


def counted_in(row: Row, part: Part) -> str:
    """Return the count that decides one part's word."""
    if part.look and (found := telling(part)):
        first = found[0]
        if first.pairs == first.of and not first.established:
            return f"{first.pairs} of {first.of} {row.noun} so far"
        only = "" if first.established else "only "
        return f"{only}{first.pairs} of {first.of} {row.noun}"
    return f"{text.nouns(row.verdict.n, row.noun)} so far" if row.verdict.n else ""


def headline(report: Report) -> str:
    """Return "Of 144 claims, 61 hold, 12 hold partly, 40 don’t, 31 are open."."""
    total = len(report.rows)
    if not total:
        return "No claim was asked for."
    parts = [named.counted(n) for named in groups if (n := report.groups.get(named.group, 0))]
    return f"Of {text.count(total, 'claim')}, {', '.join(parts)}."


def paired(report: Report) -> str:
    """Return the number of complete pairs by what they are: "2,432 seeds and 256 processes"."""
    found: dict[str, int] = {}
    rows = [row for row in report.rows if row.parts and row.verdict.n]
    for row in rows:
        found[row.noun] = found.get(row.noun, 0) + row.verdict.n
    said = text.listed([f"{n:,} {noun}" for noun, n in found.items()])
    return f"{said}, summed over {text.count(len(rows), 'claim')}" if rows else ""


def gist(row: Row) -> str:
    """Return the rule's sentence on a claim; of shares, which it has as fractions, in points."""
    if row.parts and (said := _counts_of_shares(row, deciding(row))):
        return said
    return text.started(row.verdict.sentence or row.verdict.reason.split("; ")[0])


def _counts_of_shares(row: Row, part: Part) -> str:
    """Return "In 24 of 26 seeds the difference is above +2 points"; "" unless they are shares."""
    saying, counts = Saying.part(row, part), [e for e in telling(part) if e.edge is not None]
    if not saying.share or not counts:
        return ""
    said = [f"{e.side} {saying.value(e.edge)}" for e in counts]
    subject = f"{row.noun} {'it' if saying.level else 'the difference'} is"
    said[0] = f"{subject} {said[0]}"
    pairs = [f"in {e.pairs} of {e.of} {how}" for e, how in zip(counts, said, strict=True)]
    return f"{text.started(', '.join(pairs))} {look_of[part.verdict].meaning}"


def outside(report: Report) -> list[tuple[str, list[Row]]]:
    """Return the open rows without runs, by reason: they need other hardware, or weren't run yet.

    Only reasons that occur are returned.
    """
    open_rows = [row for row in report.rows if row.verdict.verdict is Word.NOT_RUN]
    external = [row for row in open_rows if row.verdict.form == "external"]
    waiting = [row for row in open_rows if row.verdict.form != "external"]
    named = (
        (("needs", "need"), "hardware or data that this harness doesn’t have", external),
        (("hasn’t", "haven’t"), "been run yet", waiting),
    )
    return [(f"{verbs[len(rows) != 1]} {why}", rows) for verbs, why, rows in named if rows]


def picture(row: Row, part: Part) -> str:
    """Return one sentence under a picture: what it shows, what it rules out, what it would take."""
    saying = Saying.part(row, part)
    value, within = saying.interval(part.estimate, part.low, part.high)
    if not value:
        return "No pair has a known value."
    if not part.look:
        some = text.nouns(row.verdict.n, row.noun)
        return f"The median of {some} is {value}; an interval needs more pairs."
    said = f"The median of {part.look} {row.noun} is {value}"
    if within:
        said += f" ({within}): these pairs rule out every median outside that interval"
    else:
        said += "; they rule nothing out"
    if part.verdict is Word.NO_EFFECT:
        said += "; a larger typical effect would have been seen"
    chance = _chance(row, part.look)
    if chance is not None:
        said += f"; a claim true as documented holds by this look with {text.percent(chance)}"
    if part.needed is not None:
        said += f"; about {part.needed:,} {row.noun} would settle the claim at these shares"
    return f"{said}."


def _chance(row: Row, look: int) -> float | None:
    """Return the planned chance that a claim which is true as documented holds by a look."""
    for prospect in row.planning.prospects if row.planning else ():
        if prospect.truth == "as documented":
            return next((c.holds for c in prospect.chances if c.look == look), None)
    return None


def strength(row: Row) -> float:
    """Return how far the median lies from no effect, in widths of the null zone; 0 if unknown."""
    part = deciding(row) if row.parts else None
    if part is None or part.estimate is None or part.scale.null is None:
        return 0.0
    ends = (part.estimate, part.scale.neutral, part.scale.null[1])
    if part.scale.log:
        if part.estimate <= 0:
            return 0.0
        value, neutral, edge = (math.log(end) for end in ends)
    else:
        value, neutral, edge = ends
    return abs(value - neutral) / abs(edge - neutral) if edge != neutral else 0.0


def decided(row: Row) -> bool:
    """Return whether something is established about a claim."""
    return row.verdict.group is not Group.OPEN


def rank(row: Row) -> int:
    """Return the place of a row in tables, by its group: fails, holds, partly, open."""
    return decided_first[row.verdict.group]
