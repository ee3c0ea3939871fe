"""Exact claims of act-v1, complete and the papers run as they are, and decide something."""

import pytest

from ablations.claims import sets
from ablations.claims.ledger import ledger
from ablations.protocols.base import Inputs
from ablations.protocols.check import run
from ablations.records.checks import Check
from ablations.specs.claim import Exact

DOCUMENTS = {"act-v1", "complete", "research", "research-2026"}
CLAIMS = [
    claim
    for claim in sets.specs()
    if isinstance(claim, Exact) and ledger()[claim.id].document in DOCUMENTS
]


@pytest.mark.parametrize("claim", CLAIMS, ids=[claim.id for claim in CLAIMS])
def test_a_claim_runs_and_its_checks_say_what_is_compared(claim):
    arms = [arm.part for arm in claim.arms]
    found, *others = run(Inputs(protocol=claim.check, arms=arms, seed=0)).observations
    checks = [Check.from_json(check) for check in found["checks"]]
    assert any(check.primary for check in checks)
    assert len({check.what for check in checks}) == len(checks)
    assert others == [{}] * (len(arms) - 1)
