"""`hrm convert` as its users call it, and `hrm eval` on what it makes."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from ablations.references import act_v1
from hrm import cli
from hrm.interop import PREFIX, files
from hrm.tasks.sudoku import Sudoku
from hrm.training import tracking
from tests.hrm.interop import public
from tests.hrm.interop.test_interop_logits import of_reference

# 6 tokens and 16 cells: a sudoku of size 4, in the files' tokens
SIZE = public.Size(tokens=6, width=16, high=1, low=2, table=(1, 20))
TASK = "--task sudoku --task-set size=4 --set num_heads=2 --set halt_max_steps=3"
ACT = "train act-v1 sudoku --task-set size=4 --set width=8 --set heads=2 --set h_layers=1"
FEW = "--updates 4 --batch 4 --train 12 --validation 4 --test 6"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("prefix", [public.PREFIXES[0], public.PREFIXES[-1]])
@pytest.mark.parametrize("name", ["step_7", "step_7.safetensors"])
@pytest.mark.parametrize("size", public.SIZES.values(), ids=public.SIZES)
def test_there_and_back_gives_the_same_bytes(hrm, here, size, name, prefix):
    files.write(here / name, public.state(size, prefix=prefix))
    heads = "" if size.attention is None else "--set num_heads=3"
    assert hrm(f"convert {name} run {TASK} {heads}")[::2] == (0, "")
    assert hrm(f"convert run again/{name}")[::2] == (0, "")
    assert (here / "again" / name).read_bytes() == (here / name).read_bytes()


def test_there_and_back_keeps_the_configuration(hrm, here):
    files.write(here / "step_7", public.state(SIZE, prefix=PREFIX))
    _, first, _ = hrm(f"convert step_7 run {TASK} --set L_cycles=5 --json")
    assert hrm("convert run again/step_7")[0] == 0
    status, again, _ = hrm("convert again/step_7 third --task sudoku --task-set size=4 --json")
    first, again = json.loads(first), json.loads(again)
    assert status == 0 and first["configuration"] == again["configuration"]
    assert first["configuration"]["L_cycles"] == 5
    assert (first["origin"]["L_cycles"], first["origin"]["H_cycles"]) == ("given", "recipe")
    assert again["origin"]["H_cycles"] == "given"  # by all_config.yaml
    runs = [tracking.described(here / name)["configuration"] for name in ("run", "third")]
    assert runs[0]["system"] == runs[1]["system"] and runs[0]["training"]["updates"] == 7


def test_what_is_said_is_printed_with_who_said_it(hrm, here):
    files.write(here / "step_7", public.state(SIZE))
    status, out, _ = hrm(f"convert step_7 run {TASK}")
    lines = dict(line.split(": ") for line in out.splitlines()[:-1])
    assert (status, out.splitlines()[-1]) == (0, "run")
    assert "hidden_size=16, H_layers=1, L_layers=2" in lines["from the weights"]
    assert "num_heads=2" in lines["given"] and "seq_len=16" in lines["given"]
    assert "H_cycles=2" in lines["as in act-v1-maze"]


def test_an_own_run_scores_the_same_after_a_journey(hrm, here):
    assert hrm(f"{ACT} --set puzzle_size=20 --set max_steps=2 {FEW} --output run")[0] == 0
    assert hrm("convert run away/step_4 --prefix model.inner.")[0] == 0
    assert list(files.read(here / "away/step_4").tensors)[:2] == ["H_init", "L_init"]
    assert files.read(here / "away/step_4").prefix == "model.inner."
    assert hrm("convert away/step_4 back --task sudoku --task-set size=4")[0] == 0
    scores = [
        json.loads(hrm(f"eval {name} sudoku --test 6 --json")[1])["checkpoints"]["best"]
        for name in ("run/best.safetensors", "back")
    ]
    del scores[0]["update"], scores[1]["update"]  # best was before the last
    assert scores[0] == scores[1]


def test_weights_in_bfloat16_for_the_public_code(hrm, here):
    assert hrm(f"{ACT} --set max_steps=2 {FEW} --output run")[0] == 0
    assert hrm("convert run step_4.safetensors --set forward_dtype=bfloat16")[0] == 0
    tensors = files.read(here / "step_4.safetensors").tensors
    kinds = {name: tensor.dtype for name, tensor in tensors.items()}
    assert kinds.pop("H_init") == kinds.pop("L_init") == torch.bfloat16
    assert set(kinds.values()) == {torch.float32}
    assert yaml.safe_load((here / "all_config.yaml").read_text())["arch"]["forward_dtype"] == (
        "bfloat16"
    )


@pytest.mark.parametrize("heads", [2, 3])
def test_the_plain_transformer_is_converted_beside_its_configuration_and_scored(hrm, here, heads):
    narrow = {"attention": 30} if heads == 3 else {}
    size = public.without(public.SIZES["plain transformer"], table=(1, 40), **narrow)
    files.write(here / "step_7", public.state(size, prefix=PREFIX))
    arch = {
        "name": "recursive_reasoning.transformers_baseline@Model_ACTV2",
        "num_heads": heads,
        "H_layers": 3,
        "H_cycles": 1,
        "halt_max_steps": 3,
        "act_enabled": False,
    }
    (here / "all_config.yaml").write_text(yaml.safe_dump({"arch": arch}))
    line = "convert step_7 run --task sudoku --task-set size=4 --json"
    status, out, _ = hrm(line)
    assert status == 0 and json.loads(out)["configuration"]["act_enabled"] is False
    assert json.loads(out)["recipe"] == "plain-transformer"
    status, out, err = hrm("eval run sudoku --test 4 --json")
    assert (status, err) == (0, "")
    assert json.loads(out)["checkpoints"]["best"]["steps"] == 3
    assert hrm("convert run again/step_7")[0] == 0
    assert (here / "again/step_7").read_bytes() == (here / "step_7").read_bytes()
    written = yaml.safe_load((here / "again/all_config.yaml").read_text())["arch"]
    assert {key: written[key] for key in arch} == arch
    assert "L_layers" not in written and "L_cycles" not in written


def test_act_enabled_is_refused_where_the_public_code_has_no_such_key(hrm, here):
    files.write(here / "step_7", public.state(SIZE))
    status, _, err = hrm(f"convert step_7 run {TASK} --set act_enabled=false")
    assert status == 2 and len(err.splitlines()) == 1 and not (here / "run").exists()
    assert "act_enabled is False; allowed is True but in the plain transformer" in err


# -- eval -----------------------------------------------------------------------------------------
def by_the_reference(state, boards, steps):
    """Tokens that the reference predicts for the boards, as the files number them."""
    inputs, _ = Sudoku(size=4).to_public(boards)
    weights = of_reference(state, {"L_level": "low", "H_level": "high"})
    sizes = act_v1.Sizes(
        heads=2, low_layers=2, high_layers=1, low_cycles=2, high_cycles=2, max_steps=3
    )
    tokens = torch.from_numpy(inputs)
    data = {"inputs": tokens, "labels": tokens, "identities": tokens.new_zeros(len(tokens))}
    carry, outputs = act_v1.initial_carry(weights, data), {}
    with torch.no_grad():
        for _ in range(steps):
            carry, outputs = act_v1.call(weights, sizes, carry, data, None, training=False)
    return outputs["logits"].argmax(-1).numpy()


@pytest.mark.parametrize(("options", "steps"), [("", 3), ("--halting", 1)])
def test_eval_runs_a_public_checkpoint_on_a_task(hrm, here, options, steps):
    state = public.state(SIZE)
    state["q_head.bias"] = torch.tensor([50.0, -50.0])  # wants to halt at once
    files.write(here / "step_7", state)
    assert hrm(f"convert step_7 run {TASK}")[0] == 0
    status, out, err = hrm(f"eval run sudoku --test 9 --json {options}")
    assert (status, err) == (0, "")
    found = json.loads(out)["checkpoints"]["best"]
    task = Sudoku(size=4)
    boards = task.generate(0, 200, 1, 9).test
    right = by_the_reference(state, boards, steps) == task.to_public(boards)[1]
    assert (found["update"], found["steps"]) == (7, steps)
    assert found["tokens"] == pytest.approx(right.mean())
    unknown = task.unknown(boards.inputs)
    shares = (right & unknown).sum(1) / unknown.sum(1)
    assert found["unknown"] == pytest.approx(shares.mean())
    assert 0 < found["tokens"] < 1 and found["exact"] == np.mean(right.all(1))


def test_eval_of_a_task_of_other_sizes_is_refused(hrm, here):
    files.write(here / "step_7", public.state(SIZE))
    assert hrm(f"convert step_7 run {TASK}")[0] == 0
    status, _, err = hrm("eval run sudoku --task-set size=6 --test 2")
    assert status == 2 and "allowed is" in err and len(err.splitlines()) == 1


# -- mistakes -------------------------------------------------------------------------------------
def files_of(here):
    """What can go wrong with a file, by name."""
    files.write(here / "good", public.state(SIZE))
    torch.save({"model": {"x": Path("y")}}, here / "hostile")
    (here / "cut").write_bytes((here / "good").read_bytes()[:5000])
    files.write(
        here / "missing_key", public.state(SIZE) | {"L_level.layers.0.mlp.x": torch.ones(1)}
    )
    files.write(here / "wide", public.state(public.without(SIZE, inner=512)))
    (here / "odd.yaml").write_text("arch: {name: other@Model}")
    (here / "full").mkdir()
    (here / "full" / "file").touch()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("convert nothing run", "'nothing', .*No such file.*; allowed is a state dictionary"),
        ("convert hostile run", "'hostile', .*it asks for pathlib"),
        ("convert cut run", "'cut', which can't be read"),
        (
            "convert missing_key run",
            "missing_key: L_level.layers.0.mlp.x has shape .1.; allowed is",
        ),
        ("convert wide run --set expansion=4", "gate_up_proj.weight has shape .1024, 16.; allowed"),
        ("convert good run --set width=3", "--set width=3 names no key"),
        ("convert good run --config odd.yaml", "'odd.yaml', .*other@Model"),
        ("convert good run --recipe act", "recipe is 'act'; allowed are .*did you mean 'act-v1'"),
        (
            "convert good run --recipe tiny-network",
            "allowed is a recipe for .*, the code that wrote good",
        ),
        ("convert good full", "output is 'full'; allowed is a new folder, or an empty one"),
        ("convert good run --set seq_len=7", "no public data set has 6 tokens and 7 positions"),
        (
            "convert good run --task maze --task-set size=5 --set seq_len=16",
            "task is 'Maze with 25",
        ),
        ("convert good run --task maze --task-set size=3", "size is 3; allowed is 4 to 100"),
        ("convert good run --task hanoi", "task is 'Hanoi with"),
        ("convert good run --task sudoku --task-set sise=4", "--task-set sise=4 names no field"),
        ("convert nothing out --to public", "'nothing'; allowed is a run's folder"),
    ],
)
def test_a_mistake_is_named_on_one_line_and_nothing_is_made(hrm, here, line, said):
    files_of(here)
    if "num_heads" not in line:
        line += " --set num_heads=2"
    status, out, err = hrm(line)
    assert (status, out) == (2, "")
    assert re.search(said, err), err
    assert len(err.splitlines()) == 1 and err.startswith("hrm: ")
    assert not (here / "run").exists() and not (here / "out").exists()


def test_runs_of_other_systems_have_no_public_code(hrm, here):
    gru = "train gru maze --task-set size=4 --set hidden_low=8 --set hidden_high=8"
    assert hrm(f"{gru} {FEW} --output run")[0] == 0
    status, _, err = hrm("convert run out")
    assert status == 2 and "for which there is public code; convert another run" in err


def test_nothing_is_written_over(hrm, here):
    files.write(here / "step_7", public.state(SIZE))
    assert hrm(f"convert step_7 run {TASK}")[0] == 0
    status, _, err = hrm("convert run step_7")
    assert status == 2 and "output is 'step_7'; allowed is a file that isn't there" in err
    (here / "all_config.yaml").write_text("mine")
    assert hrm("convert run step_8")[0] == 0
    assert (here / "all_config.yaml").read_text() == "mine"
    status, _, err = hrm(f"convert step_8 other {TASK}")  # and it is read, too
    assert status == 2 and "all_config.yaml', which can't be used" in err
    assert "allowed is a YAML" in err
    status, _, err = hrm("convert run step_9 --prefix ema.")
    assert status == 2 and "prefix is 'ema.'" in err and not (here / "step_9").exists()


def test_help_teaches_by_examples_that_work(hrm):
    status, out, _ = hrm("convert --help")
    assert status == 0
    examples = re.findall(r"^  hrm (convert .*)$", out, re.MULTILINE)
    assert len(examples) == 4
    for example in examples:
        cli.parser().parse_args(shlex.split(example))


def test_of_a_folder_the_checkpoints_in_it_are_named(hrm, here):
    for name in ("step_10", "step_9", "all_config.yaml"):
        (here / "public").mkdir(exist_ok=True)
        (here / "public" / name).touch()
    (here / "empty").mkdir()
    status, _, err = hrm("convert public run")
    assert (status, err.count("\n")) == (2, 1)
    assert "'public', a folder; allowed is a file; name one in it: step_9, step_10\n" in err
    assert "there is no step_* in it" in hrm("convert empty run")[2]


@pytest.mark.parametrize("tokens", [6, 12])
@pytest.mark.parametrize(
    "name",
    [
        "hrm.hrm_act_v1@HierarchicalReasoningModel_ACTV1",
        "recursive_reasoning.trm@TinyRecursiveReasoningModel_ACTV1",
    ],
)
def test_a_checkpoint_of_mazes_or_arc_converts_beside_its_configuration(hrm, here, tokens, name):
    one = "trm" in name
    size = public.without(SIZE, tokens=tokens, table=(5, 16), high=0 if one else 1)
    files.write(here / "step_3", public.state(size))
    arch = {"name": name, "num_heads": 2, "H_layers": 0 if one else 1, "L_layers": 2}
    (here / "all_config.yaml").write_text(yaml.safe_dump({"arch": arch, "lr": 0.0}))
    status, out, _ = hrm("convert step_3 run --json")
    assert status == 0 and json.loads(out)["configuration"]["seq_len"] == 900
    kind = tracking.described(here / "run")["configuration"]["task"]["kind"]
    assert kind == {6: "Maze", 12: "Arc"}[tokens]
