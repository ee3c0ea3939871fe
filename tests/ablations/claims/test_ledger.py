"""The ledger has every documented claim once, and every documented figure."""

import re
from collections import Counter

import pytest

from ablations.claims import ledger
from ablations.claims.ledger import FORMS, Figure, decoded, entry, figure
from hrm.errors import UserError

DOCUMENTS = ("v2", "amulgent", "gru", "act-v1", "complete", "research", "research-2026", "ours")
LEDGER = ledger.ledger()
GROUPS = "ABCDEFGHIRJ"


def test_the_ledger_has_147_claims_by_group():
    counts = Counter(row.group for row in LEDGER.values())
    assert "".join(counts) == GROUPS
    assert list(counts.values()) == [13, 13, 5, 6, 4, 24, 6, 23, 25, 19, 9]
    assert counts.total() == len(LEDGER) == 147


def test_each_entry_has_a_claim_of_its_own_a_known_document_and_known_forms():
    for row in LEDGER.values():
        assert row.document in DOCUMENTS, row
        assert row.claim.endswith("."), row
        assert row.documented, row
        assert row.forms and set(row.forms) <= FORMS, row
    claims = [row.claim for row in LEDGER.values()]
    assert len(set(claims)) == len(claims)


def test_entries_come_group_by_group():
    groups = [GROUPS.index(row.group) for row in LEDGER.values()]
    assert groups == sorted(groups)


def test_a_figure_is_made_of_what_the_document_prints():
    for row in LEDGER.values():
        found = re.findall(r"\d{1,3}(?:,\d{3})+|\d*\.?\d+", row.documented)
        shown = {float(number.replace(",", "")) for number in found}
        for text in row.figure.printed:
            if row.documented != "—":
                assert float(re.sub(r"[^\d.]", "", text)) in shown, (row.id, text)


def test_every_documented_number_is_in_a_figure():
    without = {row.id for row in LEDGER.values() if re.search(r"\d", row.documented)}
    without -= {row.id for row in LEDGER.values() if row.figure.parts}
    assert without == set()


@pytest.mark.parametrize(
    ("parts", "low", "high"),
    [
        ({"change": ("0.25", "0.05")}, 0.2 / 1.25, 0.2 * 1.25),
        ({"change": ("8", "2", "3")}, 0.25, 0.375),
        ({"reduction": ("20%", "40%")}, 0.6, 0.8),
        ({"reduction": ("40%",)}, 0.6 / 1.25, 0.6 * 1.25),
        ({"increase": ("~19%",)}, 1.19 / 1.25, 1.19 * 1.25),
        ({"speedup": ("5x",)}, 0.2 / 1.25, 0.2 * 1.25),
        ({"change": ("0.25", "0.05"), "reduction": ("90%",)}, 0.2 / 1.25, 0.2 * 1.25),
    ],
)
def test_a_band_of_a_ratio_is_the_printed_range_or_lies_around_the_figure(parts, low, high):
    assert Figure(parts=parts).ratio() == pytest.approx((low, high))


def test_a_wider_tolerance_gives_a_wider_band_and_says_so():
    found = Figure(parts={"change": ("2", "1")})
    assert found.ratio(2.0) == pytest.approx((0.25, 1.0))
    assert "÷ 2" in found.because(2.0)
    assert found.because() != found.because(2.0)


def test_a_band_of_a_difference_keeps_its_sign():
    assert Figure(parts={"change": ("0.5", "0.3")}).difference() == pytest.approx((-0.25, -0.16))
    assert Figure(parts={"change": ("79.9", "87.4")}).difference() == pytest.approx((6, 9.375))


def test_a_range_a_value_and_an_at_least_are_read_as_printed():
    assert figure("latency").range() == (10, 50)
    assert figure("maze-accuracy").around() == pytest.approx((13.3 / 1.25, 13.3 * 1.25))
    assert figure("train-many-infer-one").least == 15
    assert figure("latency").because() == "the printed range"
    assert figure("controller-forward-share").because() == "the printed range"


def test_a_figure_may_be_another_entrys():
    assert figure("amulgent-params-config") == figure("amulgent-params-baseline")
    assert figure("amulgent-params-config").printed == ("844,610",)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"documented": "5"}, "no claim"),
        ({"claim": "It works.", "colour": "red"}, "'colour'"),
        ({"claim": "It works.", "forms": ["guess"]}, "'guess'"),
        ({"claim": "It works.", "figure": {"value": ["about five"]}}, "isn't one figure"),
    ],
)
def test_an_entry_that_isnt_one_is_refused_by_name(row, said):
    with pytest.raises(UserError, match="'mine'") as caught:
        decoded({"mine": row})
    assert said in str(caught.value)


def test_entries_are_looked_up_by_id():
    assert entry("halt-max").document == "act-v1"
    with pytest.raises(KeyError):
        entry("nothing")
