"""Setups of controls: a small arm for each protocol, and the effects that are planted in it.

Effects are planted in the configuration, so that a setting that is ignored is noticed. Sizes and
null zones were chosen on runs of the controls themselves, before any claim was run with them.
"""

from ablations.claims.setups import evaluated, measured, trained
from ablations.claims.setups.plants import Plant, Setup

__all__ = ["SETUPS", "Plant", "Setup"]

SETUPS: tuple[Setup, ...] = (*trained.SETUPS, *evaluated.SETUPS, *measured.SETUPS)
