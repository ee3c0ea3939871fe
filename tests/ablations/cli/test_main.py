"""The command line as a whole: help, mistakes, and what every command refuses."""

import json
import os
import subprocess
import sys

import pytest

from ablations.runs.store import Store
from hrm.system import environment

ON_STORES = ["plan", "run", "verdicts", "report"]


@pytest.mark.parametrize(
    "command",
    [[], *([name] for name in ("list", "show", "judge", *ON_STORES)), ["store", "merge"]],
)
def test_help_is_printed_and_is_no_mistake(command, ablations):
    status, out, err = ablations(*command, "--help")
    assert (status, err) == (0, "")
    assert out.startswith("usage: ablations")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["COMMAND"]),
        (["frobnicate"], ["'frobnicate'", "list", "report"]),
        (["list", "--fast"], ["--fast"]),
        (["list", "--docum", "v2"], ["--docum"]),
        (["run", "--tier", "huge"], ["'huge'", "quick", "standard", "full"]),
        (["run", "--device", "tpu"], ["'tpu'", "cpu", "cuda"]),
        (["run", "--stack", "1"], ["'1'", "allowed is 2 or more"]),
        (["run", "--jobs", "0"], ["'0'", "1 or more"]),
        (["run", "--jobs", "x"], ["'x'", "1 or more"]),
        (["plan", "--jobs", "1.5"], ["'1.5'", "1 or more"]),
        (["run", "--budget", "3"], ["'3'", "30min"]),
        (["run", "--budget", "0s"], ["'0s'", "30min"]),
        (["show"], ["CLAIM"]),
        (["show", "two\nlines"], ["unknown claim"]),
        (["store"], ["ACTION"]),
        (["store", "merge"], ["DIR"]),
        (["list", "--claims", "nowhere.py"], ["nowhere.py", "no file"]),
        (["list", "--include", "no_such_module"], ["no_such_module"]),
    ],
)
def test_a_mistake_is_answered_on_one_line_that_names_it(arguments, words, ablations, cli):
    cli.refused(ablations(*arguments), *words)


@pytest.mark.parametrize("command", ["show", *ON_STORES])
def test_an_unknown_claim_is_refused_with_the_nearest_ones(command, coins, cli, store):
    cli.refused(coins(command, "bent-coi"), "'bent-coi'", "'bent-coin'")
    cli.refused(coins(command, "some-day"), "'some-day'", "no spec")
    assert not store.exists()


@pytest.mark.parametrize("command", ["verdicts", "report"])
def test_a_store_that_is_not_there_is_refused_and_not_made(command, coins, cli, store):
    cli.refused(coins(command), str(store), "ablations run")
    assert not store.exists()


@pytest.mark.parametrize("command", ON_STORES)
def test_a_folder_of_somebody_else_is_refused_and_left_alone(command, coins, cli, store):
    store.mkdir()
    (store / "thesis.txt").write_text("mine")
    cli.refused(coins(command), str(store), "thesis.txt")
    assert [p.name for p in store.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("command", ON_STORES)
def test_a_file_is_no_store(command, coins, cli, store):
    store.write_text("x")
    cli.refused(coins(command), str(store), "a folder")


def test_a_store_that_somebody_tidies_up_is_refused_and_so_is_tidying_up_while_others_run(
    coins, ablations, cli, store
):
    with Store.open(store, create=True).coordinate(alone=True):
        cli.refused(coins("run", "two-sides"), str(store), str(os.getpid()))
    with Store.open(store).coordinate():
        refused = ablations("store", "check", "--repair", "--store", store)
        cli.refused(refused, str(store), str(os.getpid()))


@pytest.mark.parametrize("command", [*ON_STORES, "store gc"])
def test_an_accelerator_that_torch_does_not_find_is_refused_before_anything_else(
    command, ablations, cli, store, monkeypatch, tmp_path
):
    smi = tmp_path / "bin" / "nvidia-smi"  # a driver's list is no computing
    smi.parent.mkdir()
    smi.write_text("#!/bin/sh\necho 'NVIDIA H100'\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(smi.parent), prepend=os.pathsep)
    monkeypatch.setattr(environment, "gpus", lambda: ())
    asked = (*command.split(), "--device", "cuda", *cli.coins, "--store", store)
    cli.refused(ablations(*asked), "'cuda'", "cpu")
    assert not store.exists()


def test_what_runs_on_an_accelerator_has_the_name_that_torch_gives_it(coins, cli, monkeypatch):
    monkeypatch.setattr(environment, "gpus", lambda: ("the one", "another"))
    status, _, err = coins("run", "bent-coin", "--device", "cuda", "--jobs", 1)
    assert status == 0, err
    found = [json.loads(text) for text in cli.records().values()]
    assert {record["trial"]["device"] for record in found} == {"cuda"}, "and its controls"
    assert {record["machine"]["accelerator"] for record in found} == {"the one"}


def test_the_module_is_the_command(tmp_path):
    done = subprocess.run(
        [sys.executable, "-P", "-m", "ablations", "list", "--document", "v2"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "controller-speed" in done.stdout


def test_ctrl_c_ends_with_130_and_says_that_the_same_command_resumes(ablations, monkeypatch):
    def interrupted(asked):
        raise KeyboardInterrupt

    monkeypatch.setattr("ablations.cli.listing.list_", interrupted)
    status, _, err = ablations("list")
    assert status == 130
    assert "resumes" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_an_output_that_nobody_reads_any_more_is_no_failure(options):
    script = f"from ablations.cli import main; main({['list', *options]!r})"
    program = subprocess.Popen(
        [sys.executable, "-u", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    program.stdout.close()
    err = program.stderr.read()
    program.stderr.close()
    assert (program.wait(), err) == (0, b"")
