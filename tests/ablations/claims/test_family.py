"""The family is in step with the ledger and the specs, and no larger than the rule allows."""

from dataclasses import replace

import pytest

from ablations.claims import family, sets
from ablations.claims.family import Family, Member, decoded, manifest, one_each
from ablations.claims.ledger import STATISTICAL, Entry, ledger
from ablations.specs.claim import PILOT_BLOCK, Exact, Statistical
from ablations.specs.tests import Both
from hrm.errors import UserError

LATER = {name for name, row in ledger().items() if row.group == "J"}


def test_there_are_77_members_of_which_8_are_of_the_later_papers():
    members = manifest().members
    assert len(members) == 77
    assert sum(set(member.claims) <= LATER for member in members) == 8
    assert len({member.name for member in members}) == 77


def test_the_family_has_every_statistical_claim_once_and_no_exact_one():
    listed = [name for member in manifest().members for name in member.claims]
    assert len(set(listed)) == len(listed)
    assert set(listed) == {name for name, row in ledger().items() if STATISTICAL & set(row.forms)}


def test_claims_share_a_member_where_one_measurement_decides_them():
    shared = {m.name: m.claims for m in manifest().members if len(m.claims) > 1}
    assert shared == {
        "difficulty": ("act-difficulty", "gru-dynamic-allocation"),
        "outer-loop": ("refinement-beats-architecture", "outer-loop-dominates"),
        "controller-pass": ("controller-forward-share", "controller-consistency"),
        "exploration": (
            "exploration-too-many",
            "exploration-too-few",
            "exploration-never",
            "exploration-immediate",
        ),
    }


def members_of(name):
    return [member for member in manifest().members if name in member.claims]


def test_places_for_repairs_are_left():
    assert manifest().places == 83
    assert manifest().places < manifest().table.members == 89


@pytest.mark.parametrize("mended", ["few-shot", "puzzle-signsgd", "training-reliability"])
def test_a_spec_that_was_mended_has_a_further_place_and_a_block_of_its_own(mended):
    (claim,) = sets.choose([mended])
    assert isinstance(claim, Statistical)
    (member,) = members_of(mended)
    assert member.claims == (mended,)
    assert member.places == claim.test.places + 1
    blocks = {c.block for c in sets.specs() if isinstance(c, Statistical) and c is not claim}
    assert claim.block not in {*blocks, 0, PILOT_BLOCK}


def test_ninety_places_are_refused():
    rows = [{"member": f"m{i}", "claims": [f"c{i}"]} for i in range(89)]
    assert decoded(rows).places == 89
    with pytest.raises(UserError, match="90 statistical claims"):
        decoded([*rows, {"member": "more", "claims": ["more"]}])
    rows[0]["places"] = 2
    with pytest.raises(UserError, match="90 statistical claims"):
        decoded(rows)


def test_a_member_without_claims_is_refused():
    with pytest.raises(UserError, match="isn't one"):
        decoded([{"member": "empty", "claims": []}])


def test_the_manifest_is_in_step_with_the_ledger_and_the_specs():
    assert list(manifest().problems(sets.specs(), ledger())) == []


def test_each_statistical_spec_is_in_exactly_one_member():
    for claim in sets.specs():
        if isinstance(claim, Statistical):
            assert sum(claim.id in m.claims for m in manifest().members) == 1, claim.id


def test_a_statistical_claim_without_a_member_is_out_of_step():
    (claim,) = sets.choose(["refinement-quality"])
    members = tuple(m for m in manifest().members if claim.id not in m.claims)
    (problem,) = Family(members=members).problems(sets.specs(), ledger())
    assert problem == f"claim {claim.id!r} is decided by statistics and has no member in the family"


def test_a_member_that_is_no_claim_or_comes_twice_is_out_of_step():
    two = Family(members=(Member(name="a", claims=("x",)), Member(name="b", claims=("x",))))
    entries = {"x": Entry(id="x", claim="It works.", forms=("exact",))}
    assert list(two.problems([], entries)) == [
        "claim 'x' is in the family twice",
        *["member 'x' is no statistical claim of the ledger"] * 2,
    ]


def test_a_conjunction_needs_a_place_for_each_part():
    (claim,) = sets.choose(["controller-consistency"])
    assert isinstance(claim.test, Both)
    short = tuple(replace(m, places=1) for m in manifest().members)
    problems = list(Family(members=short).problems(sets.specs(), ledger()))
    assert sorted(problems) == [
        "member 'controller-pass' decides 3 statements on 1 place",
        "member 'outer-loop' decides 2 statements on 1 place",
    ]


def test_a_member_keeps_its_place_when_its_spec_turns_out_exact():
    (claim,) = sets.choose(["controller-memory"])
    assert isinstance(claim, Exact)
    assert members_of(claim.id)
    assert not members_of("halt-max")


def test_claims_without_a_manifest_are_a_member_each():
    found = one_each(sets.specs())
    statistical = [c for c in sets.specs() if isinstance(c, Statistical)]
    assert [m.claims for m in found.members] == [(c.id,) for c in statistical]
    assert found.places == sum(c.test.places for c in statistical) > len(statistical)
    assert family.one_each([]).table.members == 1
