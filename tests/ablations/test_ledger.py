"""The ledger of claims and the family manifest belong together."""

import json
from dataclasses import replace
from importlib import resources

import pytest

from ablations import claims, family
from ablations.forms import Quality
from ablations.records import Zones

DOCUMENTS = ("v2", "amulgent", "gru", "act-v1", "complete", "research", "ours")
SECTIONS = "ABCDEFGHIR"
UNCORRECTED = {"exact", "consistency", "external"}
STATISTICAL = {
    "ratio",
    "timing",
    "time-to-target",
    "quality",
    "trend",
    "factorial",
    "one-sample",
    "non-inferior",
}
EXPLORATION = {
    "exploration-too-many",
    "exploration-too-few",
    "exploration-never",
    "exploration-immediate",
}
# Its figure is a count without noise, so that it is decided as an exact claim.
COUNTED = {"act-stopped-idle"}


def read(name):
    text = (resources.files("ablations") / "claims" / name).read_text(encoding="utf-8")
    return json.loads(text)


@pytest.fixture(scope="module")
def ledger():
    return read("ledger.json")


@pytest.fixture(scope="module")
def members():
    return read("family.json")["members"]


def test_each_id_is_used_once(ledger):
    ids = [row["id"] for row in ledger]
    assert len(set(ids)) == len(ids) == 136


def test_each_row_has_a_claim_a_known_document_and_known_forms(ledger):
    for row in ledger:
        assert list(row) == ["id", "document", "section", "claim", "documented", "forms"], row
        assert row["document"] in DOCUMENTS, row
        assert row["section"] in SECTIONS, row
        assert row["claim"].endswith(".") and row["documented"], row
        assert row["forms"] and set(row["forms"]) <= STATISTICAL | UNCORRECTED, row


def test_no_two_rows_claim_the_same_in_the_same_words(ledger):
    claims = [row["claim"] for row in ledger]
    assert len(set(claims)) == len(claims)


def test_rows_come_section_by_section(ledger):
    sections = [row["section"] for row in ledger]
    assert sections == sorted(sections)
    assert set(sections) == set(SECTIONS)


def test_the_family_has_every_statistical_claim_once_and_nothing_else(ledger, members):
    statistical = {row["id"] for row in ledger if set(row["forms"]) & STATISTICAL} - COUNTED
    claims = [claim for member in members for claim in member["claims"]]
    assert len(set(claims)) == len(claims)
    assert set(claims) == statistical


def test_only_the_exploration_rows_share_a_member(members):
    shared = [set(member["claims"]) for member in members if len(member["claims"]) != 1]
    assert shared == [EXPLORATION]
    names = [member["member"] for member in members]
    assert len(set(names)) == len(names) == 79
    assert all(m["member"] == m["claims"][0] for m in members if len(m["claims"]) == 1)


# -- in step --------------------------------------------------------------------------------------
def test_the_manifest_is_in_step_with_the_ledger_and_the_specs():
    assert list(family.problems(claims.specs(), claims.ledger())) == []


def test_a_statistical_claim_without_a_member_is_out_of_step():
    zones = Zones(null=1.0, null_reason="test")
    (exact,) = claims.choose(["halt-max"])
    grown = replace(exact, form=Quality(metric="score", zones=zones))
    others = [claim for claim in claims.specs() if claim.id != exact.id]
    (problem,) = family.problems([*others, grown], claims.ledger())
    assert problem == "claim 'halt-max' is decided by statistics and has no member in the family"
    row = {"id": "new", "forms": ["quality"]}
    (problem,) = family.problems(claims.specs(), {**claims.ledger(), "new": row})
    assert "'new'" in problem


def test_a_member_that_is_no_claim_or_comes_twice_is_out_of_step(monkeypatch):
    two = (family.Member(name="a", claims=("ghost",)), family.Member(name="b", claims=("ghost",)))
    monkeypatch.setattr(family, "members", lambda: two)
    found = list(family.problems([], {}))
    assert found == [
        "claim 'ghost' is in the family twice",
        *["member 'ghost' is no statistical claim of the ledger"] * 2,
    ]
