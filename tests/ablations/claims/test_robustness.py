"""Robustness: eight headline claims, each under four other conditions."""

import dataclasses

import pytest
import torch

from ablations import claims
from ablations.claims.robustness import PREFIX, SEEDS, beside, headlines, variants
from ablations.protocols import train
from ablations.protocols.base import Inputs
from ablations.specs.claim import Statistical, Tier
from hrm.config.parts import differences

OURS = claims.ours()
HEADLINES = headlines(OURS)


def changes(claim, variant):
    """The paths in which a variant's cells differ from the claim's."""
    return [
        {
            path: (a, b)
            for path, a, b in [
                *differences("arm", one.arm.part.to_json(), other.arm.part.to_json()),
                *differences("protocol", one.protocol.to_json(), other.protocol.to_json()),
            ]
        }
        for one, other in zip(claim.cells, variant.cells, strict=False)
    ]


def test_there_are_eight_one_of_each_document():
    assert len(HEADLINES) == 8
    assert {OURS.ledger[claim.id].document for claim in HEADLINES} == set(OURS.documents)


@pytest.mark.parametrize("claim", HEADLINES, ids=lambda claim: claim.id)
def test_each_variant_changes_one_thing_alike_in_all_arms(claim):
    found = variants(claim)
    assert len(found) == 4
    expected = {
        "half as wide": ("width", "inner"),
        "twice as wide": ("width", "inner"),
        "6×6 boards": ("size", "clues"),
        "folds of 24": ("size",),
        "constant rate, averaged weights": ("schedule", "schedule.kind", "schedule.floor", "ema"),
        "falling rate": ("schedule", "ema"),
    }
    for label, variant in found.items():
        for changed in changes(claim, variant):
            names = {
                path.rpartition("training.")[2].rpartition("boards.task.")[2] for path in changed
            }
            names = {name if name.startswith("schedule") else name.split(".")[-1] for name in names}
            assert names, label
            assert names <= set(expected[label]), (label, names)


def test_with_the_claims_own_there_are_three_widths():
    for claim in HEADLINES:
        half, twice = (
            changes(claim, variants(claim)[f"{name} as wide"]) for name in ("half", "twice")
        )
        for small, large in zip(half, twice, strict=True):
            widths = {path for path in small if path.endswith("width")}
            assert widths
            assert all(small[p][1] * 4 == large[p][1] == 2 * small[p][0] for p in widths)


def test_what_is_asked_is_the_same():
    for claim in HEADLINES:
        for variant in variants(claim).values():
            assert variant.test == claim.test
            assert [c.metric for c in variant.cells] == [
                c.metric for c in claim.cells[: len(variant.cells)]
            ]
            assert set(variant.schedule.values()) == {SEEDS}


@pytest.mark.parametrize("claim", HEADLINES, ids=lambda claim: claim.id)
def test_models_fit_the_other_boards(claim):
    torch.set_num_threads(1)
    (variant,) = [v for name, v in variants(claim).items() if name in ("6×6 boards", "folds of 24")]
    cell = variant.cells[-1]
    asked = cell.protocol.trained(compiled=False)
    while asked.parent is not None:
        asked = asked.parent
    short = {"updates": 1, "batch": 4, "evaluate_every": 1, "warmup": 0}
    protocol = dataclasses.replace(
        asked,
        boards=dataclasses.replace(asked.boards, train=8, validation=8, test=8),
        training=dataclasses.replace(asked.training, **short),
    )
    inputs = Inputs(protocol=protocol, arms=(cell.arm.part,), seed=0, device="cpu", weights=None)
    assert len(train.run(inputs).observations[0]["right"]) == 8


def test_they_are_a_set_of_their_own_without_controls():
    found = beside(OURS)
    assert len(found.specs) == 32
    assert all(claim.id.startswith(PREFIX) for claim in found.specs)
    assert found.controls() == ()
    assert len(found.choose([f"{PREFIX}half-as-wide/*"])) == 8


def test_they_follow_the_mode_of_the_claims():
    eager = beside(OURS.trained(compiled=False))
    for claim in eager.specs:
        assert isinstance(claim, Statistical)
        assert all(cell.protocol.modes <= {False} for cell in claim.cells)
    assert Tier.FULL in eager.specs[0].schedule
