"""Every exact claim is run, as it is, through its protocol."""

import json

import pytest

from ablations.claims import sets
from ablations.protocols.base import Inputs
from ablations.protocols.check import run
from ablations.records.checks import Check
from ablations.specs.claim import Exact

EXACT = [claim for claim in sets.specs() if isinstance(claim, Exact)]


@pytest.mark.parametrize("claim", EXACT, ids=[claim.id for claim in EXACT])
def test_an_exact_claim_yields_checks_that_carry_its_verdict(claim):
    given = Inputs(protocol=claim.check, arms=[arm.part for arm in claim.arms], seed=0)
    found, *others = run(given).observations
    assert others == [{}] * (len(claim.arms) - 1)
    checks = [Check.from_json(json.loads(json.dumps(row))) for row in found["checks"]]
    assert any(check.primary for check in checks)
    said = [check.what for check in checks]
    assert len(set(said)) == len(said), "each check says something else"
    for check in checks:
        assert check.what
        assert check.documented
        assert check.observed
        assert check.rule
