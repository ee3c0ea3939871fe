"""A plan cut into parts: every trial is in one of them, with what it starts from."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablations.planning.shards import Shard, cut, within
from ablations.records.trials import Trial
from ablations.runs.trials import boards, with_parents
from hrm.errors import UserError

TRAIN = {"kind": "Train", "boards": {"count": 3}}
AFTER = {"kind": "Evaluate", "after": TRAIN}
TIMED = {"kind": "Time"}


def trials(seeds):
    arms = ({"kind": "A"}, {"kind": "B"})
    return [Trial(protocol=AFTER, arms=(arm,), seed=seed) for seed in range(seeds) for arm in arms]


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.integers(1, 30), st.integers(1, 12), st.lists(st.floats(0.1, 50), min_size=30))
def test_every_trial_is_in_one_shard_together_with_its_pair_and_its_parent(seeds, of, costs):
    every = with_parents(trials(seeds))
    shards = [cut(every, Shard(number=n, of=of), lambda t: costs[t.seed]) for n in range(1, of + 1)]
    for trial in every:
        owners = [n for n, groups in enumerate(shards) if within(trial, groups)]
        assert len(owners) == 1
        parent = trial.parent
        assert parent is None or within(parent, shards[owners[0]])
    loads = [sum(costs[t.seed] for t in every if within(t, groups)) for groups in shards]
    assert max(loads) <= sum(loads) / of + 4 * max(costs), "by a seed's trials at most"


def test_the_cut_is_the_same_whatever_order_trials_come_in():
    every, shard = with_parents(trials(20)), Shard(number=2, of=3)
    assert cut(every, shard, lambda t: 1.0) == cut(every[::-1], shard, lambda t: 1.0)
    assert len({boards(trial) for trial in every}) == 20


def test_timings_are_in_no_shard():
    timed = Trial(protocol=TIMED, arms=(), seed=0)
    groups = cut([timed], Shard(number=1, of=1), lambda t: 1.0)
    assert not groups
    assert not within(timed, {boards(timed)})


def test_a_shard_is_read_as_a_batch_job_gives_it():
    assert Shard.read("3/16") == Shard(number=3, of=16)


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "1/0", "-1/4", "1/4/2", "a/b", "1.0/2"])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(UserError, match=r"^--shard is .*allowed is I/N") as found:
        Shard.read(text)
    assert "\n" not in str(found.value)
