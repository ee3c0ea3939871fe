"""The claims: a module per document, the ledger they are taken from, the controls beside them."""

import difflib
import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources

from ablations.claims import act_v1, amulgent, complete, controller, gru, v2
from ablations.claims.controls import CONTROLS_OF_CLAIMS
from ablations.records import Json
from ablations.specs import Claim, Control
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


def controls() -> tuple[Control, ...]:
    """Return every control that is a spec of its own."""
    return CONTROLS_OF_CLAIMS


def guarding(chosen: Iterable[Claim]) -> tuple[Control, ...]:
    """Return the controls that share a measurement with any of these claims."""
    asked = tuple(chosen)
    return tuple(c for c in controls() if any(c.guards(claim) for claim in asked))


def unguarded(chosen: Iterable[Claim]) -> Iterator[str]:
    """Yield which of these claims are decided by statistics without controls of both kinds."""
    for claim in chosen:
        form, kinds = claim.statistics, {bool(c.planted) for c in guarding([claim])}
        both = {"negative": False, "positive": True}
        lacking = [kind for kind, planted in both.items() if planted not in kinds]
        if form is not None and lacking:
            metric = getattr(form, "metric", None)
            yield (
                f"claim {claim.id!r} has no {' and no '.join(lacking)} control of its measurement "
                f"({form.name} of {metric!r} in {claim.workload!r})"
            )


def choose(ids: Iterable[str]) -> tuple[Claim, ...]:
    """Return the claims (or controls) of these ids, all claims if there are none.

    Raises:
        UserError: If an id has no spec.
    """
    every = {claim.id: claim for claim in specs()}
    known = every | {control.spec.id: control.spec for control in controls()}
    wanted = list(dict.fromkeys(ids))
    for name in wanted:
        if name in known:
            continue
        if name in ledger():
            raise UserError(
                f"claim {name!r} is in the ledger but has no spec yet; "
                f"`ablations list` names the {len(every)} that have one"
            )
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UserError(f"unknown claim {name!r}; {hint}`ablations list` names all {len(every)}")
    return tuple(known[name] for name in wanted) or tuple(every.values())


@functools.cache
def ledger() -> Mapping[str, Mapping[str, Json]]:
    """Return every documented claim by id: its document, words, figure and forms."""
    return {entry["id"]: entry for entry in _load("ledger.json")}


def entry(name: str) -> Mapping[str, Json]:
    """Return what a reader is told of a claim, from the ledger, or of a control, from its spec."""
    for control in controls():
        if control.spec.id == name:
            return {
                "id": name,
                "document": "controls",
                "claim": control.statement,
                "documented": control.planted or "no effect",
            }
    return ledger()[name]


def _load(name: str) -> Json:
    return json.loads(resources.files(__name__).joinpath(name).read_text("utf-8"))
