"""What claims that need accelerators would take: operations as counted, hours as derived."""

import re

import pytest

from ablations.claims import accelerators, sets
from ablations.protocols import peaks
from ablations.specs.claim import External
from hrm import recipes

EXTERNAL = [claim for claim in sets.specs() if isinstance(claim, External)]


@pytest.mark.parametrize("recipe", accelerators.OPERATIONS)
def test_operations_of_the_full_size_recipes_are_those_that_are_counted(recipe):
    counted = peaks.operations_of_update(recipes.named[recipe].make(), 1).total
    assert counted == pytest.approx(accelerators.OPERATIONS[recipe], rel=0.005)


def test_hours_follow_from_operations_epochs_and_samples():
    said = accelerators.needs("act-v1-maze", epochs=3_600, samples=2_000, said="boards", data="it")
    hours = accelerators.OPERATIONS["act-v1-maze"] * 2_000 / accelerators.SUSTAINED
    assert said.startswith(f"about {hours:.1f} hours of one H100")
    assert "3,600 epochs of boards" in said
    assert said.endswith("and it")


@pytest.mark.parametrize("claim", EXTERNAL, ids=[claim.id for claim in EXTERNAL])
def test_an_external_claim_says_hours_data_and_the_command_with_the_published_epochs(claim):
    assert re.match(r"about \d[\d.]* hours of one H100", claim.needs)
    (epochs,) = re.findall(r"\(([\d,]+) epochs", claim.needs)
    assert f"epochs={epochs.replace(',', '')} " in claim.command
    assert claim.command.startswith("hrm data ")
