"""`hrm demo v2` and `hrm.documented.demos.v2`, on a tiny budget."""

import json
import re
import shlex
from dataclasses import replace

import numpy as np
import pytest
import torch

from hrm import cli, recipes
from hrm.cli import progress
from hrm.cli.demo import DOCUMENTS
from hrm.documented.demos import v2 as demo
from hrm.errors import Diverged, UserError
from hrm.model import HRM
from hrm.training import loop
from hrm.training.learner import evaluating


@pytest.fixture(scope="module", autouse=True)
def few_boards():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(demo, "TRAIN", 512)
        patched.setattr(demo, "TEST", 64)
        yield


@pytest.fixture(scope="module")
def found(few_boards):
    return demo.v2(updates=4, batch=8)


def test_numbers_are_those_of_the_run(found):
    for name, arm in found.arms.items():
        cycles = np.array(arm.cycles).reshape(-1, 8)
        assert cycles.size == 64 and cycles.min() >= 1 and cycles.max() <= 8
        assert arm.operations == cycles.sum()
        assert arm.flops > 0 and 0 < arm.error < 2
        if name == "original":
            assert (cycles == cycles[:, :1]).all()
    saved = found.savings["operations"]
    operations = {name: arm.operations for name, arm in found.arms.items()}
    assert saved == pytest.approx(1 - operations["enhanced"] / operations["original"])


def test_equal_seeds_give_equal_numbers(found):
    again = demo.v2(updates=4, batch=8)
    assert replace(again, seconds=0.0) == replace(found, seconds=0.0)
    assert demo.v2(seed=2, updates=4, batch=8).arms != found.arms


def test_samples_that_want_to_stop_at_once_cost_one_cycle_only_in_the_enhanced_run():
    """With stops that differ, the original's batches go on; a sample's own stop comes first."""
    splits = demo.TASK.generate(0, 1, 0, 64)
    system = recipes.v2(**demo.SIZES, **demo.FLAGS)
    model = loop.build(system, loop.Seeds(weights=1, order=0))
    inputs = torch.from_numpy(demo.TASK.one_hot(splits.test.inputs))
    with torch.no_grad(), evaluating(model):  # half of the boards want to stop at once
        logits = model(inputs, steps=1).run.logits[0]
        model.halting.controller.policy[-1].bias[1] -= (logits[:, 1] - logits[:, 0]).median()
    arms = {
        name: demo.measured(model, replace(system.model, execution=part), splits, 4)
        for name, part in demo.EXECUTIONS.items()
    }
    original, enhanced = (np.array(arm.cycles) for arm in arms.values())
    assert (enhanced == 1).sum() == 32
    assert (enhanced <= original).all() and enhanced.sum() < original.sum()
    assert arms["enhanced"].flops < arms["original"].flops


def test_for_half_of_the_updates_all_cycles_are_taken():
    moments = []
    demo.v2(updates=40, report=lambda moment, _: moments.append(moment))
    assert [m.update for m in moments] == list(range(2, 41, 2))
    assert all(m.steps == 8 for m in moments[:10])
    assert 4 < moments[10].steps < 8  # then the policy is obeyed, and inclined to go on


def test_an_inclined_policy_seldom_stops():
    torch.manual_seed(0)
    model = HRM(recipes.v2(**demo.SIZES, **demo.FLAGS).model)
    demo.incline(model)
    inputs = torch.randn(200, 5)
    noise = model.draw(200, torch.Generator().manual_seed(0))
    assert model(inputs, noise).run.steps.double().mean() > 5


def test_the_command_prints_both_arms_and_what_is_saved(hrm):
    status, out, err = hrm("demo v2 --updates 4 --batch 8")
    assert status == 0
    lines = err.splitlines()
    pattern = r"update \d of 4  error 0\.\d{3}  cycles \d\.\d\d"
    assert len(lines) == 4 and all(re.fullmatch(pattern, line) for line in lines)
    rows = out.splitlines()
    assert rows[0].startswith("v2, 15,740 parameters: 4 updates, seed 1, ")
    assert rows[1] == "64 held-out boards in batches of 8, the same weights for both"
    header, original, enhanced, saved = rows[3:7]
    assert header.split()[-3:] == ["operations", "MFLOP", "error"]
    assert original.startswith("original") and enhanced.startswith("enhanced")
    assert len(header) == len(original) == len(enhanced)
    assert re.fullmatch(r"saved +-?\d+\.\d% +-?\d+\.\d%", saved)


def test_a_run_in_which_nothing_can_be_saved_says_so(found):
    equal = {
        name: replace(arm, cycles=(3,) * 64, operations=192) for name, arm in found.arms.items()
    }
    assert demo.text(replace(found, arms=equal)).splitlines()[-1].endswith("nothing to save")


def test_json_is_the_same_run(hrm, found):
    status, out, _ = hrm("demo v2 --updates 4 --batch 8 --json")
    data = json.loads(out)
    assert status == 0
    expected = json.loads(json.dumps(found.to_json()))
    assert {**data, "seconds": 0} == {**expected, "seconds": 0}
    assert data["savings"].keys() == {"operations", "flops"}


def test_ctrl_c_ends_it_on_one_line(hrm, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "measured", interrupted)
    status, out, err = hrm("demo v2 --updates 2")
    assert (status, out, err.splitlines()[-1]) == (130, "", "hrm: stopped")


def test_a_person_sees_a_bar(hrm, monkeypatch):
    monkeypatch.setattr(progress, "watched", lambda: True)
    for name, value in (("TTY_COMPATIBLE", "1"), ("TERM", "xterm"), ("COLUMNS", "120")):
        monkeypatch.setenv(name, value)
    assert "update 2 of 2" in hrm("demo v2 --updates 2")[2]


def test_divergence_is_said(hrm, monkeypatch):
    def diverging(*_, **__):
        raise Diverged(3, "the loss is nan")

    monkeypatch.setattr(demo, "v2", diverging)
    status, out, err = hrm("demo v2")
    assert (status, out) == (1, "")
    assert err == "hrm: training diverged at step 3: the loss is nan; try another --seed\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("demo v3", "invalid choice: 'v3'"),
        ("demo v2 --seed -1", "seed is -1; allowed is 0 or more"),
        ("demo v2 --updates 1", "updates is 1; allowed is 2 or more"),
        ("demo v2 --batch 0", "batch is 0; allowed is 1 ... 64"),
    ],
)
def test_a_mistake_is_named_on_one_line(hrm, line, said):
    status, out, err = hrm(line)
    assert (status, out) == (2, "") and said in err and len(err.splitlines()) == 1
    with pytest.raises(UserError, match="batch is 65"):
        demo.v2(batch=65)


def test_help_teaches_by_examples(hrm):
    status, out, _ = hrm("demo --help")
    assert status == 0
    examples = re.findall(r"^  hrm (demo .*)$", out, re.MULTILINE)
    assert len(examples) == 6
    documents = {cli.parser().parse_args(shlex.split(each)).document for each in examples}
    assert documents == set(DOCUMENTS)
