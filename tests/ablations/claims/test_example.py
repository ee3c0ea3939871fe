"""The worked example of docs/your-own-claim.md: a claim from outside is loaded, and runs."""

import importlib
import json
import math
import re
from pathlib import Path

import pytest

import ablations
from ablations.claims import sets
from ablations.claims.ledger import decoded
from ablations.protocols.base import Inputs
from ablations.specs.claim import differences, exact
from ablations.specs.tests import Ratio
from hrm.config.parts import Part

PAGE = Path(ablations.__file__).parents[1] / "docs" / "your-own-claim.md"
EXAMPLE = PAGE.parent / "examples" / "my_claims.py"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def claim():
    (found,) = sets.load(str(EXAMPLE)).specs
    return found


def test_the_example_says_what_differs(claim):
    assert differences(claim)["model.low.width"] == ("16", "64")


def test_the_page_shows_the_examples_spec(claim):
    """The page's code is the example's, but for a shorter training and named parts."""
    module = importlib.import_module("my_claims")
    names = {
        **vars(module),
        "WIDE": claim.arms[1].part,
        "BOARDS": claim.protocol.boards,
    }
    shown = eval(compile(BLOCKS[0], str(PAGE), "eval"), names)
    assert (shown.id, shown.reading) == (claim.id, claim.reading)
    assert (shown.arms, shown.metric, shown.test) == (claim.arms, claim.metric, claim.test)
    assert shown.protocol.boards == claim.protocol.boards


def test_the_page_shows_how_an_exact_claim_is_written():
    names = {"exact": exact, "ARMS": ()}
    exec(compile(BLOCKS[1], str(PAGE), "exec"), names)
    assert callable(names["doubled"])
    assert 'exact("doubled", "my_claims:doubled"' in BLOCKS[1]


def test_the_figures_that_the_page_names_become_bands():
    given = [json.loads(text) for text in re.findall(r"(\{\"\w+\": \[.*?\]\})", PAGE.read_text())]
    assert len(given) == 2
    for parts in given:
        figure = decoded({"my-claim": {"claim": "It works.", "figure": parts}})["my-claim"].figure
        test = Ratio(
            null=0.05,
            because="a test",
            fewer=True,
            about=figure.ratio(),
            band_because=figure.because(),
        )
        assert test.zones.band is not None


def test_the_example_runs_and_its_observations_become_a_contrast(claim):
    values = []
    for cell in claim.cells:
        sent = [
            Part.from_json(json.loads(json.dumps(p.to_json())))
            for p in (cell.protocol, cell.arm.part)
        ]
        protocol, arm = sent
        run = importlib.import_module(protocol.module).run
        (found,) = run(Inputs(protocol=protocol, arms=[arm], seed=0)).observations
        values.append(cell.metric.read(found))
    contrast = claim.test.contrast(values)
    assert contrast.low == contrast.high == pytest.approx(values[1].low - values[0].low)
    assert all(0 <= value.low <= 1 for value in values)
    assert math.isfinite(contrast.mean)
