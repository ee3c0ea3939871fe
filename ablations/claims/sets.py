"""Sets of claims: those of the documents, and users' own ones.

A set has claims, the ledger that contains them, and the family in which they share an error; a
report is about one set. The documents' set consists of a ledger (`ledger.json`), a manifest
(`family.json`), and a module or folder of specs for each document. Another set is a single Python
file, or a module that an installed package names under the entry point `ablations.claims`; it
defines

    CLAIMS  a sequence of specs
    LEDGER  what is claimed, a mapping from their ids to entries
    FAMILY  members as in `family.json`; without it each statistical claim is one
    SETUPS  for controls of own protocols and metrics, as in `ablations.claims.setups`
"""

import difflib
import fnmatch
import functools
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata

from ablations.claims import controls, family
from ablations.claims.controls import Control
from ablations.claims.family import Family
from ablations.claims.ledger import Entry, decoded, ledger
from ablations.claims.setups import Setup
from ablations.specs.claim import Claim
from hrm.errors import UserError
from hrm.system.include import include

DOCUMENTS = {  # the keys of the ledger, in its order, and where their specs are
    "v2": "ablations.claims.v2",
    "amulgent": "ablations.claims.amulgent",
    "gru": "ablations.claims.gru",
    "act-v1": "ablations.claims.act_v1",
    "complete": "ablations.claims.complete",
    "ours": "ablations.claims.own",
    "research": "ablations.claims.research",
    "research-2026": "ablations.claims.research_2026",
}
ENTRY_POINTS = "ablations.claims"


@dataclass(frozen=True, kw_only=True)
class ClaimSet:
    """Claims that are decided and reported together.

    Args:
        name: "documents", or the name of the module.
        specs: Specs in the order of the ledger.
        ledger: Entries by id; some may not have a spec yet.
        family: The members that share the error.
        setups: Setups for the controls of own protocols and metrics.
        compiled: Whether training steps are compiled in all claims and controls; None for the mode
            of each claim itself.
    """

    name: str
    specs: tuple[Claim, ...]
    ledger: Mapping[str, Entry] = field(repr=False)
    family: Family = field(repr=False)
    setups: tuple[Setup, ...] = field(default=(), repr=False)
    compiled: bool | None = None

    def __post_init__(self) -> None:
        """Check specs, ledger and family against one another.

        Raises:
            UserError: If an id occurs twice, has no entry, or is that of a control; or if the
                family doesn't match, or is too large for the rule.
        """
        _ = self.family.table
        ids = [claim.id for claim in self.specs]
        for name in ids:
            said = f"claim {name!r} of {self.name}"
            if ids.count(name) > 1:
                raise UserError(f"{said} is there twice; allowed is one spec an id; rename one")
            if name not in self.ledger:
                raise UserError(f"{said} has no entry in LEDGER; add one that says what is claimed")
            if name.startswith("controls/"):
                raise UserError(f"{said} is named like a control; allowed is any other name")
        for problem in self.family.problems(self.specs, self.ledger):
            raise UserError(f"{self.name}: {problem}; correct FAMILY, or leave it out")

    @property
    def documents(self) -> tuple[str, ...]:
        """The documents that claims are taken from, in the ledger's order."""
        return tuple(dict.fromkeys(entry.document for entry in self.ledger.values()))

    def controls(self, chosen: Iterable[Claim] | None = None) -> tuple[Control, ...]:
        """Return the controls that guard some claims, or all of them."""
        found = controls.derived(self.specs if chosen is None else chosen, self.setups)
        if self.compiled is None:
            return found
        compiled = self.compiled
        return tuple(replace(c, claim=c.claim.trained(compiled=compiled)) for c in found)

    def trained(self, *, compiled: bool) -> "ClaimSet":
        """Return the set with training steps compiled, or not, in all claims and controls."""
        specs = tuple(claim.trained(compiled=compiled) for claim in self.specs)
        return replace(self, specs=specs, compiled=compiled)

    def choose(self, wanted: Iterable[str] = ()) -> tuple[Claim, ...]:
        """Return the claims (or controls) of some ids and globs, all claims if there are none.

        Args:
            wanted: "halt-max", "controller-*", "controls/train-*".

        Raises:
            UserError: If one of them names no spec.
        """
        known = {claim.id: claim for claim in self.specs}
        asked = list(dict.fromkeys(wanted))
        if any(name.startswith(controls.PREFIX) for name in asked):
            known |= {control.claim.id: control.claim for control in self.controls()}
        found: dict[str, Claim] = {}
        for name in asked:
            ids = fnmatch.filter(known, name)
            if not ids:
                raise self._unknown(name, tuple(known))
            found |= {id_: known[id_] for id_ in ids}
        return tuple(found.values()) or self.specs

    def _unknown(self, name: str, known: tuple[str, ...]) -> UserError:
        if name in self.ledger:
            return UserError(
                f"claim {name!r} is in the ledger but has no spec yet; "
                f"`ablations list` names the {len(self.specs)} that have one"
            )
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        what = "no claim is called like" if set(name) & set("*?[") else "unknown claim"
        return UserError(f"{what} {name!r}; {hint}`ablations list` names all {len(self.specs)}")


@functools.cache
def ours() -> ClaimSet:
    """Return the documents' claims."""
    claims: list[Claim] = []
    for module in DOCUMENTS.values():
        claims.extend(importlib.import_module(module).CLAIMS)
    return ClaimSet(
        name="documents",
        specs=_ordered(claims, ledger()),
        ledger=ledger(),
        family=family.manifest(),
    )


def specs() -> tuple[Claim, ...]:
    """Return every documented claim that has a spec, in the ledger's order."""
    return ours().specs


def documents() -> tuple[str, ...]:
    """Return the documents' keys, in the ledger's order."""
    return ours().documents


def guards(chosen: Iterable[Claim] | None = None) -> tuple[Control, ...]:
    """Return the controls that guard some documented claims, or all of them."""
    return ours().controls(chosen)


def choose(wanted: Iterable[str] = ()) -> tuple[Claim, ...]:
    """Return documented claims by id or glob; see `ClaimSet.choose`."""
    return ours().choose(wanted)


def load(where: str) -> ClaimSet:
    """Return a set of claims from outside.

    Args:
        where: A Python file, the name of an entry point, or of a module.

    Raises:
        UserError: If it can't be imported, lacks CLAIMS or LEDGER, or has an id of the documents'.
    """
    points = {point.name: point.value for point in metadata.entry_points(group=ENTRY_POINTS)}
    module = include(points.get(where, where))
    claims = getattr(module, "CLAIMS", None)
    if not isinstance(claims, list | tuple) or not all(isinstance(c, Claim) for c in claims):
        raise UserError(
            f"{where} has no CLAIMS, a list or tuple of specs such as Statistical(...); define it"
        )
    entries = getattr(module, "LEDGER", None)
    if not isinstance(entries, Mapping) or not all(
        isinstance(e, Mapping) for e in entries.values()
    ):
        raise UserError(
            f'{where} has no LEDGER, a mapping such as {{"my-claim": {{"claim": "..."}}}}; '
            "define it, with an entry for each claim"
        )
    taken = sorted(set(entries) & set(ledger()))
    if taken:
        raise UserError(
            f"{where} has the id {taken[0]!r}, which is a documented claim's; rename it"
        )
    forms = {claim.id: (claim.form,) for claim in claims}
    read = decoded({name: {"forms": forms.get(name, ()), **row} for name, row in entries.items()})
    members = getattr(module, "FAMILY", None)
    return ClaimSet(
        name=module.__name__,
        specs=_ordered(claims, read),
        ledger=read,
        family=family.one_each(claims) if members is None else family.decoded(members),
        setups=tuple(getattr(module, "SETUPS", ())),
    )


def _ordered(claims: Iterable[Claim], entries: Mapping[str, Entry]) -> tuple[Claim, ...]:
    """Return claims in their ledger's order; what it doesn't have comes last, to be refused."""
    order = {name: place for place, name in enumerate(entries)}
    return tuple(sorted(claims, key=lambda claim: order.get(claim.id, len(order))))
