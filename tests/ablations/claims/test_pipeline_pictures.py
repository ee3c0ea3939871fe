"""What the documents' own claims leave is what their pictures are drawn from."""

from dataclasses import replace

import pytest
import torch

from ablations.claims import sets
from ablations.judging import checked_bytes
from ablations.judging.pictures import Album
from ablations.judging.row import Desk
from ablations.protocols import check, time
from ablations.protocols.base import Inputs
from ablations.records.checks import Check
from ablations.records.pictures import Kind
from ablations.runs.trials import plan, seeds
from ablations.specs.claim import Exact, Statistical, Tier
from tests.ablations.claims.tiny_specs import Pipeline, tiny

SEEDS = 3


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline()


def spec(name, kind=Statistical):
    (claim,) = sets.choose([name])
    assert isinstance(claim, kind)
    return claim


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("supervision-decay-speed", {Kind.COURSE, Kind.ARRIVAL}),
        ("first-step-share", {Kind.COURSE, Kind.STEPS}),
        ("adaptive-steps", {Kind.COURSE, Kind.DIFFICULTY}),
        ("clipping-stability", {Kind.RATES}),
        ("rmsnorm-compute", {Kind.TURNS}),
        ("gradient-by-architecture", {Kind.COURSE, Kind.CELLS}),
    ],
)
def test_a_claim_has_the_pictures_that_fit_it(lab, pipeline, name, wanted, monkeypatch):
    monkeypatch.setattr(time, "MOST_FOREIGN", 1.0)  # a busy core draws as well
    claim = spec(name)
    small = replace(
        claim,
        cells=tuple(replace(cell, protocol=tiny(cell.protocol)) for cell in claim.cells),
        schedule=dict.fromkeys(Tier, SEEDS),
    )
    memory = lab.Memory()
    row = [dict(pipeline.observed(claim, cell)) for cell in claim.cells]
    for slots in plan(small, seeds(small, Tier.QUICK)).rows:
        for slot, cell, found in zip(slots, claim.cells, row, strict=True):
            if cell.protocol.joint:
                memory.put(slot.trial, observed=row)
                continue
            memory.put(slot.trial, observed=[found])
            if (parent := cell.protocol.parent) is not None:
                trained = pipeline.observed(claim, replace(cell, protocol=parent))
                memory.put(slot.trial.parent, observed=[trained])
    album = Album(lab.Reader(memory))
    desk = Desk(reader=lab.Reader(memory), tier=Tier.QUICK, table=lab.TABLE, album=album)
    found = album.of(desk.case(small))
    assert {picture.kind for picture in found} == wanted
    for picture in found:
        assert all(any(y is not None for y in line.middle) for line in picture.lines)


@pytest.mark.parametrize("name", ["controller-memory", "one-step-memory"])
def test_claims_about_memory_have_theirs_from_their_checks(name):
    claim = spec(name, Exact)
    arms = [arm.part for arm in claim.arms]
    found = check.run(Inputs(protocol=claim.check, arms=arms, seed=0)).observations[0]
    (picture, *_) = checked_bytes.pictures(Check.from_json(dict(each)) for each in found["checks"])
    assert picture.kind is Kind.MEMORY
    assert len(picture.lines) == 2
    assert all(len(line.across) > 2 for line in picture.lines)
