"""Claims are chosen by id or glob, and a set from outside has its own ledger and family."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import ablations
from ablations import claims
from ablations.claims import sets
from ablations.claims.ledger import ledger
from ablations.rule import table_for
from ablations.specs.claim import Statistical
from hrm.errors import UserError

EXAMPLE = Path(ablations.__file__).parents[1] / "docs" / "examples" / "my_claims.py"
HEAD = """
from dataclasses import replace
from ablations.claims import sets
(HALT,) = sets.choose(["halt-max"])
(TREND,) = sets.choose(["refinement-quality"])
"""


@pytest.fixture
def load(tmp_path):
    """Load a claims file with this text, each under a name of its own."""

    def loaded(text):
        path = tmp_path / f"own_claims_{len(list(tmp_path.iterdir()))}.py"
        path.write_text(HEAD + text)
        return sets.load(str(path))

    yield loaded
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


# -- choosing -------------------------------------------------------------------------------------
def test_nothing_chosen_is_every_claim_in_the_ledgers_order():
    assert sets.choose() == sets.specs()
    ids = [claim.id for claim in sets.specs()]
    assert ids == sorted(ids, key=list(ledger()).index)


def test_ids_choose_theirs_once_in_the_order_asked():
    found = sets.choose(["halt-max", "halt-rule", "halt-max"])
    assert [claim.id for claim in found] == ["halt-max", "halt-rule"]


def test_a_glob_chooses_all_that_match():
    found = [claim.id for claim in sets.choose(["controller-*"])]
    assert len(found) == 6
    assert all(name.startswith("controller-") for name in found)
    assert [c.id for c in sets.choose(["halt-max", "halt-r*"])] == ["halt-max", "halt-rule"]


def test_controls_are_chosen_by_their_ids_and_no_glob_of_claims_matches_one():
    every = sets.choose(["controls/*"])
    assert [claim.id for claim in every] == [control.claim.id for control in sets.guards()]
    assert not any(claim.id.startswith("controls/") for claim in sets.choose(["*"]))


@pytest.mark.parametrize("compiled", [False, True])
def test_claims_and_controls_of_a_set_train_in_one_mode(compiled):
    made = sets.ours().trained(compiled=compiled)
    found = [*made.specs, *(control.claim for control in made.controls())]
    modes = [cell.protocol.modes for c in found if isinstance(c, Statistical) for cell in c.cells]
    assert frozenset().union(*modes) == {compiled}
    (control,) = made.choose(["controls/train-accuracy-difference-equal"])
    assert control.cells[0].protocol.compiled == compiled


def test_an_unknown_id_is_refused_with_the_nearest_ones():
    with pytest.raises(UserError, match=r"unknown claim 'controler-sped'.*'controller-speed'"):
        sets.choose(["controler-sped"])
    with pytest.raises(UserError, match=r"unknown claim 'qqqq'; `ablations list`"):
        sets.choose(["qqqq"])
    with pytest.raises(UserError, match=r"no claim is called like 'qq\*'"):
        sets.choose(["qq*"])


def test_an_id_without_a_spec_is_refused_as_such():
    ours = sets.ours()
    fewer = replace(ours, specs=tuple(c for c in ours.specs if c.id != "halt-max"))
    with pytest.raises(UserError, match="'halt-max' is in the ledger but has no spec"):
        fewer.choose(["halt-max"])


def test_every_claim_of_the_ledger_has_a_spec():
    assert {claim.id for claim in sets.specs()} == set(ledger())
    assert len(ledger()) == 147


def test_documents_come_in_the_ledgers_order():
    assert sets.documents()[:2] == ("v2", "gru")
    assert set(sets.DOCUMENTS) == set(sets.documents())


# -- from outside ---------------------------------------------------------------------------------
def test_the_example_has_a_ledger_a_family_and_a_table_of_its_own():
    found = sets.load(str(EXAMPLE))
    (claim,) = found.specs
    assert isinstance(claim, Statistical)
    assert found.name == "my_claims"
    assert found.ledger[claim.id].forms == ("quality",)
    assert found.family.places == 1
    assert found.family.table == table_for(1) != sets.ours().family.table
    assert found.choose(["wider-*"]) == found.specs
    assert [c.planted != "" for c in found.controls()] == [False, True]


def test_an_own_set_may_name_its_members(load):
    text = """
CLAIMS = [replace(TREND, id="a"), replace(TREND, id="b")]
LEDGER = {"a": {"claim": "A."}, "b": {"claim": "B."}}
FAMILY = [{"member": "both", "claims": ["a", "b"]}]
"""
    assert load(text).family.places == 1
    assert load(text.replace("FAMILY", "OTHER")).family.places == 2


def test_more_claims_than_the_error_can_be_divided_among_are_refused(load):
    text = """
CLAIMS = [replace(TREND, id=f"c{i}") for i in range(90)]
LEDGER = {claim.id: {"claim": "A."} for claim in CLAIMS}
"""
    with pytest.raises(UserError, match="90 statistical claims can't share"):
        load(text)


def test_an_entry_may_wait_for_its_spec(load):
    found = load("CLAIMS = []\nLEDGER = {'later': {'claim': 'It works.'}}")
    assert found.specs == ()
    with pytest.raises(UserError, match="in the ledger but has no spec"):
        found.choose(["later"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no CLAIMS"),
        ("CLAIMS = [1]", "has no CLAIMS"),
        ("CLAIMS = []", "has no LEDGER"),
        ("CLAIMS = []\nLEDGER = {'a': 'words'}", "has no LEDGER"),
        ("CLAIMS = []\nLEDGER = {'a': {}}", "no claim"),
        ("CLAIMS = [HALT]\nLEDGER = {'halt-max': {'claim': 'A.'}}", "a documented claim's"),
        ("CLAIMS = [HALT]\nLEDGER = {'a': {'claim': 'A.'}}", "'halt-max'.* has no entry"),
        ("CLAIMS = [replace(HALT, id='a')] * 2\nLEDGER = {'a': {'claim': 'A.'}}", "there twice"),
        (
            "CLAIMS = [replace(HALT, id='controls/a')]\nLEDGER = {'controls/a': {'claim': 'A.'}}",
            "named like a control",
        ),
        (
            "CLAIMS = [replace(TREND, id='a')]\nLEDGER = {'a': {'claim': 'A.'}}\nFAMILY = []",
            "'a' is decided by statistics and has no member",
        ),
        (
            """
CLAIMS = [replace(HALT, id="a")]
LEDGER = {"a": {"claim": "A."}}
FAMILY = [{"member": "a", "claims": ["a"]}]
""",
            "'a' is no statistical claim",
        ),
    ],
)
def test_a_mistake_in_a_claims_file_is_said_with_its_name(load, text, said):
    with pytest.raises(UserError, match=said):
        load(text)


def test_a_set_may_be_that_of_an_installed_package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    text = EXAMPLE.read_text()
    (tmp_path / "announced_claims.py").write_text(text)
    about = tmp_path / "announced-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: announced\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[ablations.claims]\nmine = announced_claims\nlost = announced_nowhere\n"
    )
    mine = sets.load("mine")
    assert mine.name == "announced_claims"
    assert [claim.id for claim in mine.specs] == [
        claim.id for claim in sets.load(str(EXAMPLE)).specs
    ]
    with pytest.raises(UserError, match=r"announced_nowhere can't be imported"):
        sets.load("lost")


# -- imports --------------------------------------------------------------------------------------
def test_claims_are_listed_and_guarded_without_torch_and_without_scipys_statistics():
    script = (
        "import sys\nfrom ablations import claims\n"
        "assert claims.specs() and claims.guards()\n"
        f"claims.load({str(EXAMPLE)!r})\nprint(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not {"torch", "scipy.stats", "matplotlib", "rich"} & set(done.stdout.split())


def test_what_exact_functions_rest_on_is_not_every_spec():
    script = "import sys\nimport ablations.claims.exact.halting\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not {"ablations.claims.sets", "ablations.claims.controls"} & loaded


def test_the_package_exports_its_list_and_nothing_else():
    assert claims.choose is sets.choose
    with pytest.raises(AttributeError, match="nothing"):
        _ = claims.nothing
