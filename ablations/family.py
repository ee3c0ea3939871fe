"""The family: the committed members that every interval is simultaneous over, and their fates."""

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources

from ablations.forms import External, Statistical
from ablations.records import Json, Row, Word
from ablations.specs import Claim
from ablations.tables import Family

error = 0.05  # of all members together
forms = {  # whose claims are members
    "ratio",
    "timing",
    "time-to-target",
    "quality",
    "trend",
    "factorial",
    "one-sample",
    "non-inferior",
}
undecided = {Word.NOT_RUN, Word.INCONCLUSIVE, Word.INVALID}


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member: its name, and the claims that share its measurement."""

    name: str
    claims: tuple[str, ...]


@functools.cache
def members() -> tuple[Member, ...]:
    """Return the members as the manifest has them."""
    path = resources.files("ablations") / "claims" / "family.json"
    data = json.loads(path.read_text("utf-8"))
    return tuple(Member(name=m["member"], claims=tuple(m["claims"])) for m in data["members"])


def level() -> float:
    """Return the confidence level of every interval: simultaneous over the family, 1 − 0.05/m."""
    return 1 - error / len(members())


def problems(specs: Iterable[Claim], ledger: Mapping[str, Mapping[str, Json]]) -> Iterator[str]:
    """Yield where the manifest, the ledger and the specs are out of step.

    Every statistical claim is a member, whether its spec is written yet or not; one whose spec
    turned out to need no statistics may stay, since no member is ever taken out.
    """
    listed = [claim for member in members() for claim in member.claims]
    known = {spec.id: isinstance(spec.form, Statistical) for spec in specs}
    for claim in sorted({claim for claim in listed if listed.count(claim) > 1}):
        yield f"claim {claim!r} is in the family twice"
    for claim in listed:
        if claim not in ledger or not forms & set(ledger[claim]["forms"]):
            yield f"member {claim!r} is no statistical claim of the ledger"
    for claim, entry in ledger.items():
        if known.get(claim, bool(forms & set(entry["forms"]))) and claim not in listed:
            yield f"claim {claim!r} is decided by statistics and has no member in the family"


def count(rows: Iterable[Row], specs: Iterable[Claim]) -> Family:
    """Return what became of the members, from a report's rows and from all specs there are."""
    words = {row.verdict.id: row.verdict.verdict for row in rows}
    specified = {spec.id for spec in specs if isinstance(spec.form, Statistical | External)}
    fates = [_fate(member, words, specified) for member in members()]
    return Family(
        members=len(fates),
        **{
            name: fates.count(name)
            for name in ("tested", "withheld", "failed", "not_run", "without_spec")
        },
    )


def _fate(member: Member, words: Mapping[str, Word], specified: set[str]) -> str:
    found = {words[claim] for claim in member.claims if claim in words and claim in specified}
    if Word.INVALID in found:
        return "failed"
    if found - undecided:
        return "tested"
    if Word.INCONCLUSIVE in found:
        return "withheld"
    return "not_run" if specified & set(member.claims) else "without_spec"
