"""Documents v2 and gru: what their trained arms share, and where they differ."""

import math

import pytest

from ablations.claims import sets
from ablations.claims.ledger import figure
from ablations.specs.claim import differences
from ablations.specs.protocols import Train

CLAIMS = (
    "act-savings-mixed",
    "act-ops-mixed-batch",
    "act-easy-cycles",
    "act-hard-cycles",
    "v2-all-flags",
    "metarl-gradient-variance",
    "metarl-convergence",
    "metarl-stability",
    "metarl-entropy",
    "attention-sequence-gain",
    "act-difficulty",
    "gru-dynamic-allocation",
    "gru-optimal-steps",
    "metarl-cost-weight",
    "metarl-smooth-l1",
    "metarl-baseline-variance",
    "metarl-per-sample-advantage",
    "gru-detach-stability",
)


def test_one_training_serves_all_claims_about_an_arm():
    def trainings(names):
        cells = [cell for claim in sets.choose(names) for cell in claim.cells]
        found = {(cell.arm.part, cell.protocol.parent or cell.protocol) for cell in cells}
        assert all(isinstance(protocol, Train) for _, protocol in found)
        return len(found)

    about_v2 = [name for name in CLAIMS if name.startswith("act-") and name != "act-difficulty"]
    assert trainings(about_v2) == 1
    assert trainings(["metarl-convergence", "metarl-stability", "metarl-entropy"]) == 3
    assert trainings(["act-difficulty", "gru-dynamic-allocation", "gru-optimal-steps"]) == 1
    assert trainings(["metarl-cost-weight", "act-difficulty"]) == 3
    estimators = ["metarl-smooth-l1", "metarl-baseline-variance", "metarl-per-sample-advantage"]
    assert trainings(estimators) == 1


def test_claims_of_one_member_decide_one_statement():
    first, second = sets.choose(["act-difficulty", "gru-dynamic-allocation"])
    assert (first.test, first.cells) == (second.test, second.cells)


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("metarl-convergence", {"objective.masked_mean"}),
        ("metarl-stability", {"objective.masked_mean"}),
        ("metarl-entropy", {"objective.entropy"}),
        ("metarl-cost-weight", {"objective.cost"}),
        ("metarl-smooth-l1", {"protocol.objective.smooth_value"}),
        ("metarl-per-sample-advantage", {"protocol.objective.shared_advantage"}),
        (
            "metarl-baseline-variance",
            {"protocol.objective.baseline", "protocol.objective.normalise"},
        ),
        ("attention-sequence-gain", {"model.summary"}),
        (
            "gru-detach-stability",
            {"model.coupling.detach_low_to_high", "model.coupling.detach_high_to_low"},
        ),
        (
            "v2-all-flags",
            {
                "model.execution",
                "model.halting.controller",
                "model.summary",
                "objective.masked_mean",
            },
        ),
        ("gru-optimal-steps", {"metric.chosen"}),
    ],
)
def test_cells_differ_in_what_the_claim_is_about_alone(name, paths):
    (claim,) = sets.choose([name])
    assert set(differences(claim)) == paths


def test_prices_are_those_of_the_trend_in_order():
    (claim,) = sets.choose(["metarl-cost-weight"])
    prices = [arm.part.objective.cost for arm in claim.arms]
    assert prices == sorted(prices)
    assert prices[0] == 0
    assert claim.test.levels == (0.0, 1.0, 2.0)


def test_hard_samples_are_held_to_the_printed_least_number_of_cycles():
    (claim,) = sets.choose(["act-hard-cycles"])
    zones = claim.test.zones
    assert claim.test.constant * zones.value(zones.band[0]) == pytest.approx(6.0)
    assert zones.band[1] == math.inf
    (easy,) = sets.choose(["act-easy-cycles"])
    assert easy.test.constant == figure(easy.id).numbers("change")[0]
    ends = [easy.test.constant / math.exp(end) for end in easy.test.zones.band]
    assert sorted(ends) == pytest.approx([2.0, 3.0])


def test_prices_in_returns_are_those_that_policies_are_trained_for():
    for name in ("gru-optimal-steps", "metarl-convergence", "metarl-entropy"):
        (claim,) = sets.choose([name])
        for cell in claim.cells:
            assert cell.metric.cost == cell.arm.part.objective.cost


def test_the_streamed_inputs_fit_their_boards():
    (claim,) = sets.choose(["attention-sequence-gain"])
    model, task = claim.cells[0].arm.part.model, claim.cells[0].protocol.boards.task
    assert model.embedding.steps == model.low_steps == task.cells
    assert model.readout.size == task.cells * task.classes
