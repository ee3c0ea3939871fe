"""Averaged weights, and what one recipe's results scatter by."""

from ablations.claims.arms_t3 import LEVELS, SPREAD, STEADY
from ablations.claims.ledger import figure
from ablations.metrics.scores import Accuracy, ShadowAccuracy
from ablations.specs.arms import Arm
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.tests import Difference, Spread
from hrm import recipes

__all__ = ["CLAIMS"]
