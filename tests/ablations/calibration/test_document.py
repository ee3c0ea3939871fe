"""The page about a calibration."""

from dataclasses import replace
from pathlib import Path

from ablations.calibration import artefact
from ablations.calibration.artefact import NAME, load
from ablations.calibration.document import markdown
from ablations.calibration.noises import NOISES
from ablations.calibration.questions import TESTS
from ablations.calibration.samples import PLANS, SPREADS

MADE = load(Path(artefact.__file__).with_name(NAME))


def test_the_committed_page_is_of_the_committed_calibration():
    page = Path(__file__).parents[3] / "docs" / "calibration.md"
    assert page.read_text("utf-8") == markdown(MADE)


def test_the_page_has_a_row_for_each_test_noise_and_plan():
    lines = markdown(MADE).splitlines()
    for name in (*TESTS, *NOISES):
        rows = 1 + len(SPREADS) * (name in PLANS)
        assert sum(line.startswith(f"| {name} |") for line in lines) == rows, name
    assert "No count exceeds its bound." in " ".join(markdown(MADE).split())


def test_the_page_names_what_is_beyond_its_bound():
    first = MADE.cells[0]
    broken = replace(first, false={**first.false, "w": tuple(range(100))})
    page = markdown(replace(MADE, cells=(broken, *MADE.cells[1:])))
    assert "**These exceed their bounds:**" in " ".join(page.split())
    assert f"- {first.test}, {first.noise}, truth at w: 100 of" in page
