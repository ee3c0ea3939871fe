"""The documents' specs: what they claim belongs to the ledger, and they compare what they say."""

import ast
import importlib
import inspect
import json
import math
import re
from pathlib import Path

import pytest

from ablations.claims import sets
from ablations.claims.boards import ADAPTABLE
from ablations.claims.ledger import figure, ledger
from ablations.judging.cells import parts_of, trained
from ablations.metrics.curves import Arrival
from ablations.metrics.scores import Accuracy
from ablations.metrics.value import number
from ablations.protocols.base import Inputs
from ablations.protocols.check import run
from ablations.specs.claim import TIMED, Exact, Statistical, Tier, differences
from ablations.specs.protocols import Evaluate, Execute, Train
from ablations.specs.tests import Trend
from hrm.config import Series, Tokens
from hrm.config.learning import System
from hrm.config.parts import Part

# The claims of the first slice.
SLICE = [
    "controller-equivalent",
    "controller-speed",
    "controller-forward-share",
    "controller-memory",
    "controller-tensors",
    "controller-consistency",
    "amulgent-params-baseline",
    "amulgent-params-enhanced",
    "amulgent-params-increase",
    "amulgent-params-config",
    "attention-single-key",
    "attention-formula",
    "act-demo-arithmetic",
    "act-batch-waits",
    "act-stopped-idle",
    "act-individual-semantics",
    "act-savings-mixed",
    "metarl-unbiased",
    "metarl-gradient-variance",
    "metarl-reward",
    "halt-rule",
    "halt-max",
    "refinement-quality",
    "deep-supervision",
]
SOURCES = Path(sets.__file__).parent
# Research whose figure, or whose "nears" in words, a claim is held to.
TRANSFERRED = {
    "train-many-infer-one",
    "one-step-premise",
    "participation-ratio",
    "noise-floor",
}
SPECS = {claim.id: claim for claim in sets.specs()}
STATISTICAL = {i: c for i, c in SPECS.items() if isinstance(c, Statistical)}
EXACT = {i: c for i, c in SPECS.items() if isinstance(c, Exact)}
each = pytest.mark.parametrize("claim", SPECS.values(), ids=SPECS)
each_statistical = pytest.mark.parametrize("claim", STATISTICAL.values(), ids=STATISTICAL)
each_exact = pytest.mark.parametrize("claim", EXACT.values(), ids=EXACT)


def test_a_search_for_an_id_finds_its_spec():
    texts = [
        path.read_text("utf-8") for path in SOURCES.rglob("*.py") if path.parent.name != "setups"
    ]
    for name in ledger():
        assert any(f'"{name}"' in text for text in texts), name


def test_a_statistical_spec_has_at_most_20_lines_with_its_reading():
    """Those that a function makes count as one."""
    lines = {
        f"{path.name}:{node.lineno}": node.end_lineno - node.lineno + 1
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Statistical"
    }
    assert len(lines) > 60
    assert {place: count for place, count in lines.items() if count > 20} == {}


def paths(name, first=0, second=1):
    """Where two arms of a claim are configured otherwise."""
    claim = SPECS[name]
    arms = claim.arms or [cell.arm for cell in claim.cells]
    return [path for path, _, _ in arms[first].part.differences(arms[second].part)]


# -- ledger ---------------------------------------------------------------------------------------
def test_the_claims_of_the_first_slice_all_have_a_spec():
    assert len(SLICE) == 24
    assert set(SPECS) >= set(SLICE)


@each
def test_a_claims_form_is_one_of_the_ledgers(claim):
    assert claim.form in ledger()[claim.id].forms


@each
def test_a_claim_stands_in_its_documents_module(claim):
    module = importlib.import_module(sets.DOCUMENTS[ledger()[claim.id].document])
    assert claim in module.CLAIMS


# -- words ----------------------------------------------------------------------------------------
@each
def test_a_section_and_a_reading_in_full_sentences_say_where_and_how(claim):
    section = ledger()[claim.id].section
    assert section.strip() == section != ""
    assert re.match(r'["A-Z`]', claim.reading), claim.reading[:40]
    assert claim.reading.endswith(".")
    assert not re.search(r"\s\s|\s$|\{|\}|\.\.", claim.reading)
    assert len(claim.reading) > 60


def test_three_readings_offer_to_run_other_models():
    adaptable = {name for name, claim in SPECS.items() if claim.reading.endswith(ADAPTABLE)}
    assert adaptable == {"multitask", "few-shot", "easy-mix"}
    cells = [cell for name in adaptable for cell in SPECS[name].cells]
    assert {type(cell.protocol) for cell in cells} == {Train, Evaluate}
    assert {type(cell.metric) for cell in cells} == {Accuracy}


@each
def test_arms_and_other_readings_have_names_of_their_own(claim):
    for labels in (
        [arm.label for arm in getattr(claim, "arms", ())],
        [reading.label for reading in getattr(claim, "beside", ())],
    ):
        assert all(labels)
        assert len(set(labels)) == len(labels)


@each
def test_arms_are_json_and_come_back(claim):
    arms = [cell.arm for cell in getattr(claim, "cells", ())] or getattr(claim, "arms", ())
    for arm in arms:
        assert System.from_json(json.loads(json.dumps(arm.part.to_json()))) == arm.part


@each_statistical
def test_what_is_done_and_read_is_json_and_comes_back(claim):
    for cell in claim.cells:
        for part in (cell.protocol, cell.metric):
            assert Part.from_json(json.loads(json.dumps(part.to_json()))) == part


# -- figures --------------------------------------------------------------------------------------
@each_statistical
def test_a_claim_with_a_figure_is_held_to_it_and_one_without_to_none(claim):
    parts = figure(claim.id).parts
    claimed = {"change", "reduction", "increase", "speedup", "range", "least", "value"} & set(parts)
    banded = claim.test.zones.band is not None
    if ledger()[claim.id].document.startswith("research"):
        # its figures are of other models; only where a spec says that they hold here is there one
        assert banded == (claim.id in TRANSFERRED), parts
    else:
        assert bool(claimed) == banded, parts


@each_statistical
def test_a_run_that_diverged_never_speaks_for_a_claim_about_one_cell(claim):
    for test, reads in parts_of(claim):
        if len(reads) == 1:
            found = test.contrast([claim.cells[reads[0]].metric.of_diverged()])
            assert -math.inf in (found.low * test.zones.sign, found.high * test.zones.sign)


@pytest.mark.parametrize(
    ("name", "weak", "strong"),
    [
        ("controller-speed", 5 / 1.25, 5 * 1.25),
        ("controller-forward-share", 1 / 0.95, 1 / 0.9),
        ("act-savings-mixed", 1 / 0.8, 1 / 0.6),
        ("metarl-gradient-variance", 0.15 / 0.08 / 1.25, 0.15 / 0.08 * 1.25),
    ],
)
def test_bands_follow_from_the_documents_figures(name, weak, strong):
    zones = SPECS[name].test.zones
    assert zones.band == pytest.approx((math.log(weak), math.log(strong)))
    assert zones.sign == -1


def test_the_consistency_of_the_controller_is_held_to_both_ends_of_the_printed_range():
    claim = SPECS["controller-consistency"]
    ends = [part.constant for part in claim.test.parts]
    assert ends == [0.05, 0.1]
    assert [part.fewer for part in claim.test.parts] == [False, True]
    assert claim.cells[0].metric.speedup == 5
    assert claim.cells[0].metric.calls == 8


def test_no_spec_has_a_documented_figure_in_its_code():
    """Figures reach code from the ledger; words in a reading, and numbers of our own, may."""
    printed = {
        text for row in ledger().values() for text in row.figure.printed if not text.isdigit()
    }
    for path in Path(inspect.getfile(sets)).parent.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
        assert not printed & {text for text in texts if isinstance(text, str)}, path


# -- arms -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [i for i in SPECS if i.startswith("controller-")])
def test_controller_arms_differ_in_the_controller_alone(name):
    assert set(differences(SPECS[name])) == {"model.halting.controller"}
    (kinds,) = differences(SPECS[name]).values()
    assert [kind.partition("(")[0] for kind in kinds] == [
        "ConcatenatedController",
        "DirectController",
    ]


def test_meta_rl_cells_differ_in_the_mean_alone():
    assert paths("metarl-unbiased") == ["objective.masked_mean"]
    claim = SPECS["metarl-gradient-variance"]
    first, second = claim.cells[:2]
    assert first.arm == second.arm
    assert first.protocol.after == second.protocol.after
    assert first.protocol.objective is None
    own = first.arm.part.objective
    assert [p for p, _, _ in own.differences(second.protocol.objective)] == ["masked_mean"]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("act-stopped-idle", ("Masked()", "Compacted()")),
        ("act-individual-semantics", ("Compacted()", "Masked()", "Lockstep()")),
    ],
)
def test_arms_about_halting_for_oneself_differ_in_the_execution_alone(name, kinds):
    assert differences(SPECS[name]) == {"model.execution": kinds}


def test_savings_are_counted_on_one_trained_arm():
    cells = SPECS["act-savings-mixed"].cells
    assert all(isinstance(cell.protocol, Execute) for cell in cells)
    assert len({cell.arm for cell in cells}) == len({cell.protocol.after for cell in cells}) == 1
    assert set(differences(SPECS["act-savings-mixed"])) == {
        "protocol.execution",
        "protocol.mode",
        "metric",
    }


def test_deep_supervision_arms_differ_in_which_segments_are_supervised_alone():
    claim = SPECS["deep-supervision"]
    assert differences(claim) == {"objective.every_segment": ("false", "true")}
    assert claim.arms[0].part.model.segments.count > 1


def test_refinement_arms_differ_in_the_segments_alone():
    claim = SPECS["refinement-quality"]
    counts = [cell.arm.part.model.segments.count for cell in claim.cells[:3]]
    assert counts == [1, 2, 4]
    assert paths(claim.id, 1, 2) == ["model.segments.count"]
    # one segment has no previous answer to feed back: the map goes with the segments
    assert all(path.startswith("model.segments") for path in paths(claim.id, 0, 1))
    assert isinstance(claim.test, Trend)
    assert claim.test.levels == tuple(math.log2(count) for count in counts)


def test_halting_arms_differ_in_the_halting_alone():
    assert paths("halt-max") == ["model.halting.exploration.probability"]
    assert paths("halt-rule", 0, 1) == ["model.halting.exploration"]
    assert paths("halt-rule", 0, 2) == ["model.halting.halt_in_evaluation"]


# -- directions -----------------------------------------------------------------------------------
@each_statistical
def test_a_treatment_that_diverged_never_counts_for_a_claim(claim):
    for test, reads in parts_of(claim):
        cells = [claim.cells[place] for place in reads]
        if test.zones.two_sided or not trained(cells[-1]):
            continue
        values = [
            cell.metric.of_diverged() if cell.arm == cells[-1].arm else number(0.5)
            for cell in cells
        ]
        found = test.contrast(values)
        assert min(found.low * test.zones.sign, found.high * test.zones.sign) <= 0


# -- protocols ------------------------------------------------------------------------------------
@each_statistical
def test_timings_have_the_machine_alone_and_the_schedule_of_timings(claim):
    alone = {cell.protocol.alone for cell in claim.cells}
    assert alone == {claim.schedule == TIMED}
    assert claim.schedule[Tier.FULL] >= 60


def test_the_timings_of_the_controller_are_one_series():
    names = ("controller-speed", "controller-forward-share", "controller-consistency")
    cells = [cell for name in names for cell in SPECS[name].cells]
    assert len({cell.protocol for cell in cells}) == 1
    assert len({cell.arm for cell in cells}) == 2


@each_statistical
def test_trained_claims_draw_boards_anew_for_each_seed_and_hold_some_out(claim):
    for cell in claim.cells:
        train = cell.protocol.parent or cell.protocol
        if isinstance(train, Train):
            assert train.boards.seed is None
            assert min(train.boards.train, train.boards.validation) > 0
            assert train.boards.train >= train.training.batch, "a batch has to be full"
            embedding, task = cell.arm.part.model.embedding, train.boards.task
            several = len(getattr(task, "tasks", (task,)))
            dear = isinstance(embedding, Series)  # ten steps at each of 81 positions
            assert train.boards.test == (256 if dear else 2048) * several
            if isinstance(embedding, Series):
                assert embedding.positions == task.cells
            elif isinstance(embedding, Tokens):
                assert embedding.positions == task.cells
                assert embedding.vocabulary == task.vocabulary
            else:
                assert embedding.size == task.cells * (task.vocabulary or 1)  # numbers have none


def test_time_to_target_is_cut_off_where_training_ends():
    claim = SPECS["deep-supervision"]
    assert isinstance(claim.metric, Arrival)
    training = claim.protocol.training
    assert claim.metric.cap == training.updates
    assert training.updates % training.evaluate_every == 0


# -- exact claims ---------------------------------------------------------------------------------
@each_exact
def test_an_exact_claims_function_takes_its_arms_a_seed_and_its_figures(claim):
    module, _, name = claim.check.function.partition(":")
    taken = inspect.signature(getattr(importlib.import_module(module), name)).parameters
    assert len([p for p in taken.values() if p.kind is p.POSITIONAL_OR_KEYWORD]) == 2
    assert ("figures" in taken) == bool(claim.check.figures)


@pytest.mark.parametrize(
    "name", ["act-demo-arithmetic", "amulgent-params-increase", "controller-memory"]
)
def test_figures_reach_the_checks(name):
    claim = EXACT[name]
    (found, *_) = run(
        Inputs(protocol=claim.check, arms=[arm.part for arm in claim.arms], seed=0)
    ).observations
    assert found["checks"]
    shown = " ".join(check["documented"] + check["what"] for check in found["checks"])
    assert claim.check.figures[-1] in shown


def test_the_demonstrations_figures_are_recomputed_from_its_cycles():
    claim = EXACT["act-demo-arithmetic"]
    (found,) = run(Inputs(protocol=claim.check, arms=[], seed=0)).observations[:1]
    observed = {
        c["what"]: (c["documented"], c["observed"], c["holds"], c["primary"])
        for c in found["checks"]
    }
    assert observed == {
        "Original [8, 8, 8, 8]: average": ("8.0", "8", True, True),
        "Original [8, 8, 8, 8]: operations": ("32", "32", True, True),
        "Enhanced [3, 6, 2, 7]: average": ("4.5", "4.5", True, True),
        "Enhanced [3, 6, 2, 7]: operations": ("18", "18", True, True),
        "total of the printed Original rows": ("64", "32", False, True),
        "total of the printed Enhanced rows": ("38", "18", False, True),
        "reduction from 64 to 38, in percent": ("40%", "40.625", True, True),
        "reduction from 32 to 18, in percent": ("40%", "43.75", False, False),
    }
