"""Seconds of the rule, of judging and of planning; these use only numbers, no model.

- `Judging.time_judge`: twenty verdicts on one claim's 60 pairs, or the words of 2,000 samples of 60
  pairs after each look, once.
- `Planning.time_prospects`: probabilities at all looks for a claim that is true, has no effect or
  is reversed, for a spread that isn't cached, as a report computes for each claim.
"""

import itertools
from typing import Any

import numpy as np

from bench.timed import Suite, Timed, times

pairs, samples, verdicts, members = 60, 2000, 20, 89
kinds = ("size", "either side", "not worse")


class Judging(Suite):
    """Verdicts, by what is claimed (a size, either side, ...) and by the number of samples."""

    params = (kinds, ("one", "many"))
    param_names = ("claim", "samples")
    rounds = 1

    @classmethod
    def make(cls, claim: str, number: str) -> Timed:
        from ablations.rule import Pairs, judge, judge_many, table_for

        table, fixed = table_for(members), zones(claim)
        noise = np.random.default_rng(0)
        if number == "one":
            one = Pairs.exact(noise.normal(0.3, 0.2, pairs))
            return times(verdicts, lambda: judge(one, fixed, table))
        many = Pairs.exact(noise.normal(0.3, 0.2, (samples, pairs)))
        return lambda: judge_many(many, fixed, table)

    def time_judge(self, claim: str, number: str) -> None:
        """Judge one claim twenty times, or 2,000 samples once."""
        self.call()


class Planning(Suite):
    """Probabilities of verdicts, by what is claimed."""

    params = (kinds,)
    param_names = ("claim",)
    rounds = 1

    @classmethod
    def make(cls, claim: str) -> Timed:
        from ablations.planning.chances import Spread, prospects
        from ablations.rule import table_for

        table, fixed, seen = table_for(members), zones(claim), itertools.count()
        return lambda: prospects([fixed], [Spread(sd=0.2 + 1e-6 * next(seen))], table)

    def time_prospects(self, claim: str) -> None:
        """Compute the probabilities at all looks, for every assumed truth."""
        self.call()


def zones(claim: str) -> Any:
    """Return the zones of a claim, by its name among `kinds`."""
    from ablations.rule import zones as fixed

    because = "it is timed"
    match claim:
        case "size":
            return fixed.ratio(null=0.05, because=because, about=(1.2, 1.6))
        case "either side":
            return fixed.either_side(null=0.05, because=because)
    return fixed.not_worse(margin=0.05, because=because)
