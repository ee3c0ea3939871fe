"""The claims: a module per document, the ledger they are taken from, the family they form."""

import difflib
import functools
import json
from collections.abc import Iterable, Mapping
from importlib import resources

from ablations.claims import act_v1, amulgent, complete, controller, gru, v2
from ablations.records import Json
from ablations.specs import Claim
from hrm.errors import UserError


def specs() -> tuple[Claim, ...]:
    """Return every claim that has a spec, in the ledger's order."""
    order = list(ledger())
    claims = (
        *v2.CLAIMS,
        *controller.CLAIMS,
        *gru.CLAIMS,
        *amulgent.CLAIMS,
        *act_v1.CLAIMS,
        *complete.CLAIMS,
    )
    return tuple(sorted(claims, key=lambda claim: order.index(claim.id)))


def choose(ids: Iterable[str]) -> tuple[Claim, ...]:
    """Return the claims of these ids, all of them if there are none.

    Raises:
        UserError: If an id has no spec.
    """
    known = {claim.id: claim for claim in specs()}
    wanted = list(dict.fromkeys(ids))
    for name in wanted:
        if name in known:
            continue
        if name in ledger():
            raise UserError(
                f"claim {name!r} is in the ledger but has no spec yet; "
                f"`ablations list` names the {len(known)} that have one"
            )
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UserError(f"unknown claim {name!r}; {hint}`ablations list` names all {len(known)}")
    return tuple(known[name] for name in wanted) or tuple(known.values())


@functools.cache
def ledger() -> Mapping[str, Mapping[str, Json]]:
    """Return every documented claim by id: its document, words, figure and forms."""
    return {entry["id"]: entry for entry in _load("ledger.json")}


@functools.cache
def family() -> tuple[str, ...]:
    """Return the members of the family: what every interval is simultaneous over."""
    return tuple(member["member"] for member in _load("family.json")["members"])


def _load(name: str) -> Json:
    return json.loads(resources.files(__name__).joinpath(name).read_text("utf-8"))
