"""`ablations list` and `ablations show`: which claims there are, and what one of them says."""

import argparse

from ablations.cli import display
from ablations.cli.session import Session
from ablations.judging.row import Desk, row
from ablations.planning.costs import Costs
from ablations.runs.trials import plan, seeds, with_parents
from ablations.specs.claim import Claim, Exact, External, Statistical, Tier, differences
from hrm.codec import Json
from hrm.errors import UserError


def list_(asked: argparse.Namespace) -> int:
    """JSON: [{id, document, section, group, form, documented, members, claim, word, block}].

    group is the ledger's letter; members are the members of the family that belong to the claim;
    word is its verdict, null if it isn't decided; block is that of its seeds, null for a claim
    without pairs; form is null for a claim that is in the ledger but has no spec.
    """
    session = Session.of(asked)
    chosen = {claim.id: claim for claim in session.chosen}
    words = _words(session, list(chosen.values()))
    rows = []
    listed = {**session.every.ledger, **{name: session.entries[name] for name in chosen}}
    for name, entry in listed.items():
        claim = chosen.get(name)
        if claim is None and (asked.claims or name in {c.id for c in session.every.specs}):
            continue
        if asked.document not in (None, entry.document) or asked.group not in (None, entry.group):
            continue
        rows.append(
            {
                "id": name,
                "document": entry.document,
                "section": entry.section,
                "group": entry.group,
                "form": None if claim is None else claim.form,
                "documented": entry.documented,
                "members": [m.name for m in session.every.family.members if name in m.claims],
                "claim": entry.claim,
                "word": words.get(name),
                "block": claim.block if isinstance(claim, Statistical) else None,
            }
        )
    if not rows and (asked.document or asked.group):
        raise _nothing(asked, session)
    if asked.json:
        return display.data(rows)
    display.claims(rows)
    return 0


def _nothing(asked: argparse.Namespace, session: Session) -> UserError:
    """Return the error if no claim belongs to the requested document and group."""
    groups = sorted({e.group for e in session.every.ledger.values() if e.group})
    of = f" of document {asked.document!r}" if asked.document else ""
    within = f" in group {asked.group!r}" if asked.group else ""
    known = f"the groups {', '.join(groups)}" if groups else "no groups, since none are named"
    return UserError(
        f"no claim is there{of}{within}; allowed are the documents "
        f"{', '.join(session.every.documents)}, and {known}; use one of them"
    )


def show(asked: argparse.Namespace) -> int:
    """JSON: as `list`, and more.

    That is: reading, arms {label: configuration}, cells [{label, arm, protocol, metric}],
    differences [{path, values}], pairs {tier: number}, seeds [first, last of the full tier], zones,
    cost (expected CPU seconds of a pair, with training).
    """
    asked.claims = [asked.claim]
    session = Session.of(asked)
    claim = session.chosen[0]
    entry = session.entries[claim.id]
    data: dict[str, Json] = {
        "id": claim.id,
        "document": entry.document,
        "section": entry.section,
        "group": entry.group,
        "form": claim.form,
        "documented": entry.documented,
        "claim": entry.claim,
        "word": _words(session, [claim]).get(claim.id),
        "block": claim.block if isinstance(claim, Statistical) else None,
        "reading": claim.reading,
        "differences": [
            {"path": path, "values": list(values)} for path, values in differences(claim).items()
        ],
        "cost": _cost(claim, session),
        **_details(claim, session),
    }
    if asked.json:
        return display.data(data)
    display.claim(data)
    return 0


def _details(claim: Claim, session: Session) -> dict[str, Json]:
    match claim:
        case Statistical():
            return {
                "arms": {cell.arm.label: cell.arm.part.to_json() for cell in claim.cells},
                "cells": [
                    {
                        "label": cell.label,
                        "arm": cell.arm.label,
                        "protocol": cell.protocol.to_json(),
                        "metric": cell.metric.to_json(),
                        "quantity": cell.metric.quantity,
                    }
                    for cell in claim.cells
                ],
                "pairs": {tier.value: claim.schedule[tier] for tier in Tier},
                "seeds": [seeds(claim, Tier.FULL)[0], seeds(claim, Tier.FULL)[-1]],
                "zones": display.zones(claim.test.zones),
                "controls": [c.claim.id for c in session.controls if c.guards(claim)],
            }
        case Exact():
            return {
                "arms": {arm.label: arm.part.to_json() for arm in claim.arms},
                "check": claim.check.function,
            }
        case External():
            return {"needs": claim.needs, "command": claim.command}
    return {}


def _cost(claim: Claim, session: Session) -> float:
    """Return the expected CPU seconds of all runs of one pair."""
    if isinstance(claim, External):
        return claim.cost
    trials = with_parents(plan(claim, seeds(claim, 1)).trials)
    return Costs([claim], session.reader(), session.committed).total(trials)


def _words(session: Session, chosen: list[Claim]) -> dict[str, str]:
    """Return the words of the claims that have a verdict in the store, by id.

    A word is that of the claim's fixed mode of execution, or else of eager runs, as in tier quick.
    """
    reader = session.reader()
    if reader is None:
        return {}
    desk = Desk(reader=reader, tier=Tier.FULL, table=session.table)
    begun: dict[str, Claim] = {}
    for claim in [both for c in chosen for both in (c, c.trained(compiled=False))]:
        if any(map(reader.over, plan(claim, seeds(claim, 1), desk.device).trials)):
            begun.setdefault(claim.id, claim)
    return {name: _word(claim, session, desk) for name, claim in begun.items()}


def _word(claim: Claim, session: Session, desk: Desk) -> str:
    return row(claim, session.entries[claim.id], desk).verdict.verdict.value
