"""Every claim that pairs decide runs from its spec to contrasts, at a tiny budget."""

import math

import pytest

from ablations.claims import sets
from ablations.protocols import time
from ablations.specs.claim import Statistical
from tests.ablations.claims.tiny_specs import PIPELINE

NOTHING_LEARNED = {"first-step-share"}  # so few updates leave no gain to have a share of
CLAIMS = [claim for claim in sets.specs() if isinstance(claim, Statistical)]


@pytest.mark.parametrize("claim", CLAIMS, ids=[claim.id for claim in CLAIMS])
def test_a_claim_runs_from_its_spec_to_contrasts(claim, monkeypatch):
    monkeypatch.setattr(time, "MOST_FOREIGN", 2.0)  # others may work here meanwhile
    for cell, value in zip(claim.cells, PIPELINE.values(claim), strict=True):
        known = value.failed or math.isfinite(value.mean)
        assert known or claim.id in NOTHING_LEARNED, cell.label
    for label, contrast in PIPELINE.contrasts(claim).items():
        assert contrast.low <= contrast.high, label
