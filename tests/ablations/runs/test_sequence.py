"""Timing trials of all claims run in one shuffled order, in separate stretches."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from ablations.runs.sequence import stretches

TRIALS = [f"{claim}-{seed}" for claim in ("speed", "share", "norm") for seed in range(26)]


def flat(found):
    return [trial for stretch in found for trial in stretch]


@given(trials=st.sets(st.text(max_size=5), max_size=40))
def test_every_trial_is_in_one_of_the_two_stretches_which_are_of_like_length(trials):
    first, last = stretches(trials, key=str)
    assert sorted([*first, *last]) == sorted(trials)
    assert len(last) - len(first) in (0, 1)


def test_the_order_depends_on_what_the_trials_are_and_not_on_how_they_come():
    mixed = random.Random(0).sample(TRIALS, len(TRIALS))
    assert stretches(mixed, key=str) == stretches(TRIALS, key=str)
    other = stretches(TRIALS, key=lambda trial: f"another {trial}")
    assert flat(other) != flat(stretches(TRIALS, key=str))


def test_a_further_trial_leaves_the_order_of_the_others_as_it_is():
    more = flat(stretches([*TRIALS, "new-0"], key=str))
    assert [trial for trial in more if trial != "new-0"] == flat(stretches(TRIALS, key=str))


def test_claims_and_seeds_are_shuffled_together():
    order = flat(stretches(TRIALS, key=str))
    claims = [trial.partition("-")[0] for trial in order]
    changes = sum(a != b for a, b in itertools.pairwise(claims))
    assert changes > 40, "of 52 expected; 2 if each claim were run in one go"
    first = [int(t.partition("-")[2]) for t in order if t.startswith("speed")]
    assert first != sorted(first)
    for name in ("speed", "share", "norm"):
        assert 5 <= sum(c == name for c in claims[:39]) <= 21, "each claim is in both stretches"
