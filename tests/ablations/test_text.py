"""Numbers, durations and counts as a reader expects them."""

import math

import pytest

from ablations import text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "—"),
        (0.0, "0"),
        (0.1, "0.1"),
        (-2.345, "−2.35"),
        (844610.0, "844,610"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "—"),
        (1.5e-7, "1.50 × 10⁻⁷"),
        (-3e12, "−3.00 × 10¹²"),
        (99.95, "100"),
        (999.7, "1,000"),
        (-0.0, "0"),
        (-1e-320, "−1.00 × 10⁻³²⁰"),
    ],
)
def test_a_number_is_shown_as_a_reader_expects_it(value: float | None, shown: str) -> None:
    assert text.number(value) == shown


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((30.0, 28.2, 31.7), ["30.0", "28.2", "31.7"]),
        ((3.5, 3.46, 3.53), ["3.50", "3.46", "3.53"]),
        ((3.2, -1.4, 7.8), ["3", "−1", "8"]),
        ((0.05, 0.04, 0.055), ["0.050", "0.040", "0.055"]),
        ((0.011, -0.004, 0.026), ["0.011", "−0.004", "0.026"]),
        ((4.0, -0.04, 8.0), ["4", "0", "8"]),
        ((2.0, None, None), ["2", "—", "—"]),
        ((2.0, None, 2.5), ["2.0", "—", "2.5"]),
    ],
)
def test_an_estimate_has_the_digits_that_its_interval_supports(
    values: tuple[float | None, ...], shown: list[str]
) -> None:
    assert text.numbers(values) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-0.1, "0.0 s"),
        (0.42, "0.4 s"),
        (9.97, "10 s"),
        (59.7, "1 min"),
        (200.0, "3 min 20 s"),
        (7500.0, "2 h 5 min"),
    ],
)
def test_a_duration_is_shown_in_its_two_largest_units(seconds: float, shown: str) -> None:
    assert text.duration(seconds) == shown


def test_things_are_counted_in_singular_and_plural() -> None:
    assert [text.count(n, "run") for n in (0, 1, 1200)] == ["0 runs", "1 run", "1,200 runs"]
