"""The family: the members among which the error of a whole report is divided."""

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources

from ablations.claims.ledger import STATISTICAL, Entry
from ablations.rule import Table, table_for
from ablations.specs.claim import Claim, Statistical
from hrm.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Member:
    """Claims that are decided by the same measurement.

    Args:
        name: Name of the member.
        claims: Ids of the claims.
        places: Number of statements that are decided; a conjunction has one for each part.
    """

    name: str
    claims: tuple[str, ...]
    places: int = 1


@dataclass(frozen=True, kw_only=True)
class Family:
    """All statistical claims that may get a verdict of their own in one report.

    A member is never removed after one of its runs, whatever the result.
    """

    members: tuple[Member, ...]

    @property
    def places(self) -> int:
        """The number of statements that share the error."""
        return sum(member.places for member in self.members)

    @property
    def table(self) -> Table:
        """The rule for a family of this size.

        Raises:
            UserError: If there are more places than the error can be divided among.
        """
        return table_for(max(1, self.places))

    def problems(self, claims: Iterable[Claim], ledger: Mapping[str, Entry]) -> Iterator[str]:
        """Yield the contradictions between the manifest, the ledger and the specs.

        Every statistical claim has a member, even if its spec isn't written yet. A claim whose spec
        turned out to need no statistics may keep its place.
        """
        listed = [name for member in self.members for name in member.claims]
        for name in sorted({name for name in listed if listed.count(name) > 1}):
            yield f"claim {name!r} is in the family twice"
        for name in listed:
            if name not in ledger or not STATISTICAL & set(ledger[name].forms):
                yield f"member {name!r} is no statistical claim of the ledger"
        specs = {claim.id: claim for claim in claims}
        for name, entry in ledger.items():
            spec = specs.get(name)
            statistical = bool(STATISTICAL & set(entry.forms))
            if spec is not None:
                statistical = isinstance(spec, Statistical)
            if statistical and name not in listed:
                yield f"claim {name!r} is decided by statistics and has no member in the family"
        for member in self.members:
            needed = _places(specs.get(name) for name in member.claims)
            if needed > member.places:
                yield f"member {member.name!r} decides {needed} statements on {member.places} place"


def _places(specs: Iterable[Claim | None]) -> int:
    """Return how many different statements a member's claims decide: equal ones are the same."""
    read = {
        (spec.test, spec.cells): spec.test.places for spec in specs if isinstance(spec, Statistical)
    }
    return sum(read.values())


def one_each(claims: Iterable[Claim]) -> Family:
    """Return the family of claims that come without a manifest: a member for each."""
    return Family(
        members=tuple(
            Member(name=claim.id, claims=(claim.id,), places=claim.test.places)
            for claim in claims
            if isinstance(claim, Statistical)
        )
    )


def decoded(members: Iterable[Mapping[str, object]]) -> Family:
    """Return a family from plain data.

    Raises:
        UserError: If a member lacks its name or claims, or there are too many places.
    """
    found = []
    for data in members:
        name, claims, places = data.get("member"), data.get("claims"), data.get("places", 1)
        if not isinstance(name, str) or not isinstance(claims, list | tuple) or not claims:
            raise UserError(
                f"family member {data!r} isn't one; allowed is a member (its name) with claims "
                "(ids), and places, a number; correct the manifest"
            )
        assert isinstance(places, int), data
        found.append(Member(name=name, claims=tuple(claims), places=places))
    family = Family(members=tuple(found))
    _ = family.table  # refuses what is too large
    return family


@functools.cache
def manifest() -> Family:
    """Return the family of the documents' claims, as `family.json` has it."""
    text = resources.files(__package__).joinpath("family.json").read_text("utf-8")
    return decoded(json.loads(text)["members"])
