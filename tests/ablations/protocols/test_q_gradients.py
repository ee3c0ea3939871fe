"""Gradients of Q values' losses over experiences."""

from dataclasses import replace

import numpy as np
import pytest

from ablations.claims.arms_amulgent import halting
from ablations.metrics.gradients import TrunkNorm
from ablations.specs.protocols import QGradients
from hrm.config import Ahead
from hrm.errors import UserError
from tests.ablations.protocols.tiny import TRAIN, board, observed, outcome

ARM = halting("two heads", separate=True, exploration=Ahead(probability=0.1, per_sample=True)).part
PROTOCOL = QGradients(after=TRAIN, batches=3, batch=8)


def test_losses_are_compared_on_the_same_experiences():
    weights = outcome(TRAIN, ARM).weights
    own, again, one = (
        observed(replace(PROTOCOL, separate=separate), ARM, weights=weights)
        for separate in (None, True, False)
    )
    assert np.array_equal(own["trunk_norms"], again["trunk_norms"])
    assert (one["trunk_norms"] > 0).all()
    assert not np.array_equal(own["trunk_norms"], one["trunk_norms"])
    assert (own["terms"], one["terms"]) == (2.1, 1.0)
    assert TrunkNorm().read(own).mean == pytest.approx(own["trunk_norms"].mean() / 2.1)
    assert TrunkNorm(per_term=False).read(own).mean == pytest.approx(own["trunk_norms"].mean())


def test_replicas_are_other_experiences_at_the_same_weights():
    weights = outcome(TRAIN, ARM).weights
    first, second = (observed(replace(PROTOCOL, replica=n), ARM, weights=weights) for n in (0, 1))
    assert not np.array_equal(first["trunk_norms"], second["trunk_norms"])


def test_only_learning_from_experiences_has_them():
    with pytest.raises(UserError, match="ReplayHalting"):
        observed(PROTOCOL, board())
