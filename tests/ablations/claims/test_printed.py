import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablations.claims.printed import parse, prints_as

examples = settings(deadline=None, derandomize=True, max_examples=100)


@pytest.mark.parametrize(
    ("printed", "number", "place"),
    [
        ("115K", 115e3, 1e3),
        ("115 k", 115e3, 1e3),
        ("500K+", 500e3, 1e3),
        ("27M", 27e6, 1e6),
        ("1.5B", 1.5e9, 1e8),
        ("~19%", 19, 1),
        ("40%", 40, 1),
        ("47 %", 47, 1),
        ("5x", 5, 1),
        ("5×", 5, 1),
        ("4.5", 4.5, 0.1),
        ("8.0", 8, 0.1),
        ("0.25", 0.25, 0.01),
        ("844,610", 844_610, 1),
        ("1,011,522", 1_011_522, 1),
        ("844610", 844_610, 1),
        ("-3.2", -3.2, 0.1),
        ("−3", -3, 1),
        ("+19%", 19, 1),
        (" 40% ", 40, 1),
        ("0", 0, 1),
    ],
)
def test_a_figure_is_its_number_and_the_size_of_its_last_place(printed, number, place):
    assert parse(printed) == (pytest.approx(number, rel=1e-15), pytest.approx(place, rel=1e-15))


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "fast",
        "20-40 %",
        "20–40 %",
        "4,5",
        "84,46,10",
        "1,0000",
        "1.",
        ".5",
        "5 ms",
        "%",
        "K",
        "1e3",
    ],
)
def test_what_is_not_one_figure_is_refused_with_its_text(printed):
    with pytest.raises(ValueError, match="isn't one figure") as error:
        parse(printed)
    assert repr(printed) in str(error.value)
    with pytest.raises(ValueError, match="isn't one figure"):
        prints_as(math.nan, printed)


@pytest.mark.parametrize(
    ("printed", "matching", "differing"),
    [
        ("115K", [114_500, 115_000, 115_499, 115_500, 115_999.9], [114_499, 116_000, 116_001, 115]),
        ("500K+", [500_000, 500_001, 27e6], [499_999, 499_500, 0, -600_000]),
        ("5x+", [5.0, 5.001, 80], [4.999]),
        ("27M", [26_500_000, 27_275_266, 27_999_999], [26_499_999, 28_000_000]),
        ("~19%", [19.76, 18.5, 19.0, 19.999], [18.49, 20.0, 20.5]),
        ("45%", [100 * (1 - 140 / 256), 45.0], [46.0, 44.4]),
        ("47 %", [100 * (1 - 0.08 / 0.15), 46.5], [46.4999, 48.0]),
        ("4.5", [4.45, 4.5, 4.55, 4.5999], [4.449, 4.6, 4.3]),
        ("844,610", [844_610], [844_609, 844_611, 844_611.5]),
        ("-3.2", [-3.2, -3.15, -3.29], [-3.3, -3.1, 3.2]),
        ("0", [0.0, 0.9, -0.9, 0.5], [1.0, -1.0]),
        ("0.3", [0.1 + 0.2, 0.3, 3 * 0.1], [0.4, 0.2]),
        ("0.4", [0.35, 0.1 + 0.25], [0.5, 0.34]),
    ],
)
def test_a_value_matches_if_it_rounds_or_truncates_to_what_is_printed(printed, matching, differing):
    assert [v for v in matching if not prints_as(v, printed)] == []
    assert [v for v in differing if prints_as(v, printed)] == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("printed", ["500K+", "0", "27M"])
def test_a_value_that_is_not_finite_matches_nothing(value, printed):
    assert not prints_as(value, printed)


def test_floating_point_noise_decides_nothing():
    assert not prints_as(math.nextafter(20.0, 0), "19%")  # it is 20, not 19.99…
    assert prints_as(math.nextafter(18.5, 0), "19%")
    assert prints_as(math.nextafter(500e3, 0), "500K+")


@examples
@given(number=st.integers(-(10**7), 10**7), decimals=st.integers(0, 3), rest=st.floats(-0.49, 0.49))
def test_every_printed_number_matches_what_formatting_shortens_to_it(number, decimals, rest):
    value = (number + rest) / 10**decimals
    assert prints_as(value, f"{value:,.{decimals}f}")
    assert not prints_as(value + 2 / 10**decimals, f"{value:,.{decimals}f}")
