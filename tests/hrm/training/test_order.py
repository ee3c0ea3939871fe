"""The order of training boards, and streams of random numbers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm.training.order import Shuffled, stream


@settings(max_examples=25, deadline=None, derandomize=True)
@given(size=st.integers(1, 30), batch=st.integers(1, 30), seed=st.integers(0, 10**6))
def test_every_epoch_deals_each_index_once(size: int, batch: int, seed: int) -> None:
    if size < batch:
        with pytest.raises(ValueError, match="don't fill a batch"):
            next(Shuffled(size, batch, seed))
        return
    dealt, per_epoch = Shuffled(size, batch, seed), size // batch
    for _ in range(3):
        epoch = [next(dealt) for _ in range(per_epoch)]
        assert all(len(rows) == batch for rows in epoch)
        indices = torch.cat(epoch).tolist()
        assert len(set(indices)) == len(indices) == per_epoch * batch
        assert set(indices) <= set(range(size))


def test_epochs_are_shuffled_anew_and_repeat_with_their_seed() -> None:
    def epochs(seed: int) -> list[list[int]]:
        dealt = Shuffled(20, 20, seed)
        return [next(dealt).tolist() for _ in range(3)]

    first = epochs(0)
    assert len({tuple(e) for e in first}) == 3
    assert first == epochs(0) != epochs(1)


def test_every_seed_and_purpose_has_a_stream_of_its_own() -> None:
    purposes = ("weights", "dropout", "order", "noise")
    seeds = [stream(seed, purpose) for seed in range(50) for purpose in purposes]
    assert len(set(seeds)) == len(seeds) and all(0 <= seed < 2**32 for seed in seeds)
    first = [torch.rand(4, generator=torch.Generator().manual_seed(s)).tolist() for s in seeds[:4]]
    assert len({tuple(numbers) for numbers in first}) == 4
