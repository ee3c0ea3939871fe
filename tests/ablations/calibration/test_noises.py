"""How made-up pairs scatter."""

import numpy as np
import pytest

from ablations.calibration.noises import FAR, NOISES, SIZE


@pytest.mark.parametrize("name", NOISES)
def test_no_more_than_half_of_a_noise_lies_on_either_side_of_its_median(name):
    z = NOISES[name].contrasts()
    assert len(z) == SIZE and (np.diff(z) >= 0).all()
    assert (z > 0).mean() <= 0.5 and (z < 0).mean() <= 0.5


@pytest.mark.parametrize("name", ["ties", "scores"])
def test_pairs_on_the_edge_are_many_where_values_are_coarse(name):
    z = NOISES[name].contrasts()
    assert (z == 0).mean() > 1 / 3
    assert (z >= 0).mean() > 2 / 3, "who counts them as beyond it errs"


def test_long_tails_lie_on_the_side_that_their_names_say():
    for shape in ("lognormal", "far"):
        towards, against = (NOISES[f"{shape} {side}"].contrasts() for side in ("for", "against"))
        assert towards.max() > 5 * -towards.min()
        assert towards == pytest.approx(-against[::-1])
    assert (NOISES["far for"].contrasts() > FAR / 2).mean() == pytest.approx(0.05)
