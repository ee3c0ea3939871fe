"""The views as such: what they may have of their own, and that every printed example has a test."""

import ast
import importlib.util
import json
import re
import shlex
from collections import Counter
from pathlib import Path

import pytest
import torch

from hrm import cli, documented
from hrm.cli import configured
from hrm.documented import amulgent, complete, gru, v2
from hrm.model import HRM
from hrm.models import HRMACTv1

ROOT = Path(documented.__file__).resolve().parents[2]
SOURCES = [*Path(documented.__file__).parent.glob("*.py")]
ACT = {
    "batch_size": 2,
    "seq_len": 4,
    "puzzle_emb_ndim": 8,
    "num_puzzle_identifiers": 3,
    "vocab_size": 5,
    "H_cycles": 1,
    "L_cycles": 1,
    "H_layers": 1,
    "L_layers": 1,
    "hidden_size": 8,
    "num_heads": 2,
    "pos_encodings": "learned",
    "halt_max_steps": 2,
    "halt_exploration_prob": 0.1,
}
VIEWS = {
    "gru": lambda: gru.HierarchicalReasoningModel(
        gru.HRMConfig(hidden_low=8, hidden_high=8, T=1, max_cycles=2, device="cpu")
    ),
    "v2": lambda: v2.EnhancedHierarchicalModel(
        v2.EnhancedConfig(input_dim=4, **dict.fromkeys(v2.FLAGS, True))
    ),
    "act_v1": lambda: HRMACTv1(ACT),
    "complete": lambda: complete.HRM(1, 16, 8, 3),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_holds_one_model_and_nothing_beside_it(name):
    view = VIEWS[name]()
    assert [child for child, _ in view.named_children()] == ["model"]
    assert type(view.model) is HRM
    own = {f"model.{key}": value for key, value in view.model.state_dict(keep_vars=True).items()}
    found = view.state_dict(keep_vars=True)
    assert found.keys() == own.keys() and all(found[key] is own[key] for key in own)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_draws_the_weights_that_the_recipe_draws(name):
    torch.manual_seed(3)
    view = VIEWS[name]()
    torch.manual_seed(3)
    model = HRM(view.model.config)
    for (key, a), b in zip(model.named_parameters(), view.model.parameters(), strict=True):
        assert torch.equal(a, b), key


def test_amulgent_has_no_module_but_its_agents_model():
    reasoning = amulgent.HRMReasoning({"hidden_size": 8, "h_layers": 1, "l_layers": 1})
    assert reasoning.model is reasoning.agent.model and type(reasoning.model) is HRM
    assert vars(reasoning).keys() == {"_agent"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_view_defines_no_layer(path):
    """Of torch.nn a view may name the base class and the criterion that it checks."""
    tree = ast.parse(path.read_text())
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("nn", "F")
    }
    assert used <= {"Module", "MSELoss"}


def test_every_printed_example_has_a_test():
    """The inventory in docs/migration.md names one for each of the documents' Python blocks."""
    page = (ROOT / "docs" / "migration.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|.*\| (\d+) \| `(test_\w+)` \|$", page, re.MULTILINE)
    blocks = {"v2": 11, "amulgent": 3, "gru": 5, "act_v1": 8, "complete": 3}
    for document, count in blocks.items():
        listed = [(int(n), test) for name, n, test in rows if name == document]
        assert sum(n for n, _ in listed) == count, document
        source = Path(__file__).with_name(f"test_{document}.py").read_text()
        for _, test in listed:
            assert f"def {test}(" in source, test


def test_every_command_on_the_migration_page_is_one(monkeypatch):
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "migration.md").read_text().partition("## From the public")[0]
    commands = [line for line in re.findall(r"`hrm ([^`]+ [^`]+)`", page) if "--help" not in line]
    for command in commands:
        if not command.startswith("eval --"):  # an option on its own
            cli.parser().parse_args(configured.expanded(shlex.split(command)))
    assert len(commands) >= 6


def test_the_page_of_promises_is_that_of_the_markers():
    """Where this fails: python tests/documented/promises.py."""
    path = Path(__file__).with_name("promises.py")
    specification = importlib.util.spec_from_file_location("promises", path)
    promises = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(promises)
    assert promises.PAGE.read_text() == promises.page()
    assert {row[0] for row in promises.rows()} == set(promises.DOCUMENTS)


def test_the_page_of_documents_counts_the_ledgers_claims():
    """Each of its tables has a group's claims, as many as there are, and every group of them."""
    page = (ROOT / "docs" / "documents.md").read_text()
    ledger = json.loads((ROOT / "ablations" / "claims" / "ledger.json").read_text())
    for document in ("v2", "gru", "amulgent", "act-v1", "complete"):
        section = page.partition(f"\n## Document {document}\n")[2].partition("\n## ")[0]
        groups = re.findall(r"^\| (\w) \| .* \| (\d+) \|$", section, re.MULTILINE)
        counted = Counter(claim["group"] for claim in ledger if claim["document"] == document)
        assert {group: int(n) for group, n in groups} == dict(counted), document
