"""A session works on claims whose training steps are computed in one mode."""

import argparse

import pytest

from ablations.cli import parser
from ablations.cli.running import _stacked
from ablations.cli.session import Session
from ablations.judging.cells import Reader
from ablations.planning import next as planning
from ablations.runs.store import Store
from ablations.specs.claim import Statistical
from hrm.errors import UserError


def session(*arguments: str) -> Session:
    asked: argparse.Namespace = parser().parse_args(arguments)
    return Session.of(asked)


def modes(made: Session) -> set[frozenset[bool]]:
    return {
        frozenset().union(*(cell.protocol.modes for cell in claim.cells))
        for claim in made.run
        if isinstance(claim, Statistical)
    }


@pytest.mark.parametrize("tier", ["quick", "standard", "full"])
@pytest.mark.parametrize(("mode", "compiled"), [("eager", False), ("compiled", True)])
def test_a_mode_that_is_asked_for_is_that_of_claims_and_controls_at_every_tier(
    mode, compiled, tier
):
    made = session("run", "--mode", mode, "--tier", tier)
    assert frozenset().union(*modes(made)) == {compiled}


def test_one_seed_is_eager_and_many_are_as_each_claim_was_fixed():
    quick, standard, full = (session("run", "--tier", t) for t in ("quick", "standard", "full"))
    assert frozenset().union(*modes(quick)) == {False}
    assert standard.chosen == full.chosen == standard.every.specs
    assert [c.id for c in quick.chosen] == [c.id for c in full.chosen]


def test_commands_without_a_tier_show_claims_as_they_were_fixed():
    assert (
        session("list", "act-training").chosen
        == session("run", "act-training", "--tier", "full").chosen
    )


def test_stacks_are_eager_on_a_device_of_their_own():
    for arguments in (["run", "--stack", "4"], ["report", "--device", "cpu-stacked"]):
        made = session(*arguments, "act-training")
        assert (made.device, made.mode) == ("cpu-stacked", "eager")
        assert frozenset().union(*modes(made)) == {False}
    assert session("run", "act-training").device == "cpu"


def test_a_control_is_refused_in_a_stack_only_with_all_claims_that_it_guards(tmp_path):
    """The small arm of most controls is a policy's, which can't be stacked."""
    made = session("run", "--stack", "4", "act-training", "ema-helps")
    reader = Reader(Store.open(tmp_path / "store", create=True))
    due = planning.due(
        made.run,
        reader,
        made.tier,
        table=made.table,
        committed=made.committed,
        device=made.device,
    )
    due = _stacked(made, due)
    refused = {one.claim.id: one.refusal for one in due if one.refusal}
    (act,) = (claim for claim in made.chosen if claim.id == "act-training")
    kept = {control.claim.id for control in made.controls if control.guards(act)}
    others = {control.claim.id for control in made.controls} - kept
    assert len(kept) == 2
    assert len(others) >= 2
    assert set(refused) == {"ema-helps", *others}
    assert all("without --stack" in reason for reason in refused.values())
    assert all(not one.trials for one in due if one.refusal)


def test_compiled_stacks_are_refused():
    with pytest.raises(UserError, match="--mode is compiled for seeds in stacks"):
        session("run", "--stack", "4", "--mode", "compiled")
