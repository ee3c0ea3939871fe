"""The command line: what it prints, how it refuses, and that what is interrupted is resumed."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace

import pytest
from ablations.store import Store

from ablations import calibration, claims, noise, pilots
from ablations.cli import calibrated, main, progress
from hrm.system import environment

# Exact claims that take a fraction of a second once torch is loaded; one trial each, or none.
CHEAP = ["attention-single-key", "act-demo-arithmetic", "amulgent-params-increase"]
FEW = [
    "metarl-unbiased",
    "act-batch-waits",
    "act-stopped-idle",
    "attention-formula",
    "metarl-reward",
]
VERDICT = [  # the keys that the issue names
    *("id", "document", "section", "form", "documented", "estimate", "low", "high", "n", "tier"),
    *("verdict", "reason"),
]
PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from ablations.cli import main; main()"
)


@pytest.fixture(autouse=True)
def _a_machine_of_its_own(monkeypatch, tmp_path):
    """A lock on the machine that no other test waits for, and a folder where nothing is yet."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def ablations(capsys):
    """Run a command in this process: its status, what it printed, what it complained of."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


def start(*arguments):
    """Start a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def records(store):
    return {path: path.read_bytes() for path in store.glob("runs/*/*.json")}


def first_record(process, store):
    """Wait until a command has stored something, and is still at work."""
    end = time.monotonic() + 60
    while not records(store):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


def refused(result, *words):
    """The one line that a mistake is answered with."""
    status, out, err = result
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("ablations")
    assert "Traceback" not in err
    assert all(word in err for word in words), err


# -- listing --------------------------------------------------------------------------------------
def test_listing_loads_no_library_that_takes_its_time():
    heavy = {"torch", "scipy", "matplotlib", "seaborn", "pysat"}
    script = (
        "import sys, contextlib\n"
        "from ablations.cli import main\n"
        "for command in (['list'], ['show', 'controller-speed'], ['--help'], ['run', '--help']):\n"
        "    with contextlib.suppress(SystemExit): main(command)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "ablations.cli.commands" in loaded
    assert not heavy & loaded


def test_list_names_every_claim(ablations):
    status, out, err = ablations("list")
    assert (status, err) == (0, "")
    assert len(out.splitlines()) > len(claims.specs())


def test_list_as_json_has_the_documented_keys(ablations):
    status, out, _ = ablations("list", "--json")
    rows = json.loads(out)
    assert status == 0
    assert [row["id"] for row in rows] == [claim.id for claim in claims.specs()]
    assert {tuple(row) for row in rows} == {
        ("id", "document", "section", "form", "documented", "trained", "claim")
    }


@pytest.mark.parametrize("name", [claim.id for claim in claims.specs()])
def test_show_tells_of_each_claim_how_it_is_decided(name, ablations, store):
    status, out, err = ablations("show", name, "--store", store)
    assert (status, err) == (0, "")
    assert out.startswith(name)
    status, out, _ = ablations("show", name, "--store", store, "--json")
    data = json.loads(out)
    assert set(data) == {
        *("id", "document", "section", "form", "documented", "trained", "claim"),
        *("reading", "workload", "arms", "differences", "settings", "seeds", "zones"),
        "cpu_seconds",
    }
    assert set(data["seeds"]) == set(data["cpu_seconds"]) == {"quick", "standard", "full"}
    assert all(set(d) == {"path", "values"} for d in data["differences"])
    assert all(len(d["values"]) == len(data["arms"]) for d in data["differences"])


@pytest.mark.parametrize("command", [[], ["list"], ["show"], ["plan"], ["run"], ["verdicts"]])
def test_help_is_printed_and_is_no_mistake(command, ablations):
    status, out, err = ablations(*command, "--help")
    assert (status, err) == (0, "")
    assert out.startswith("usage: ablations")


def test_plan_counts_runs_and_says_what_the_tier_decides(ablations, store, monkeypatch):
    monkeypatch.setattr(pilots, "committed", dict)
    status, out, _ = ablations("plan", "--json", "--jobs", 2, "--store", store)
    data = json.loads(out)
    assert status == 0
    assert set(data) == {
        *("tier", "jobs", "trials", "stored", "cpu_seconds", "wall_seconds"),
        *("cost_cpus", "claims"),
    }
    rows = {row["id"]: row for row in data["claims"]}
    assert {tuple(row) for row in rows.values()} == {
        (
            *("id", "trials", "stored", "cpu_seconds", "cpu_minutes", "cost_source", "decides"),
            "plan",
        )
    }
    assert data["stored"] == 0
    assert data["trials"] < sum(row["trials"] for row in rows.values()), "claims share runs"
    assert rows["halt-max"]["decides"]
    assert not rows["deep-supervision"]["decides"]
    assert rows["halt-max"]["plan"] is None
    assert rows["controller-speed"]["plan"]["pairs"] == 20
    assert rows["controller-memory"]["plan"]["power"] == 1.0, "bytes have no spread"
    assert rows["deep-supervision"]["plan"]["source"] == "unknown: no pilot is stored"
    assert {row["cost_source"] for row in rows.values()} == {"the spec"}
    assert "controls/arrival-planted" in rows
    assert data["wall_seconds"] < data["cpu_seconds"]
    assert data["cost_cpus"] == []
    assert not store.exists(), "planning makes no store"


@pytest.mark.parametrize("tier", ["quick", "standard", "full"])
@pytest.mark.parametrize("known", [True, False])
def test_a_plan_is_readable_at_80_columns(tier, known, ablations, store, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    if not known:
        monkeypatch.setattr(pilots, "committed", dict)
    status, out, _ = ablations("plan", "--tier", tier, "--store", store)
    lines = out.splitlines()
    assert status == 0
    assert max(map(len, lines)) <= 80
    rows = {line.split()[0]: line.split() for line in lines if line.strip()}
    fates = {"decides", "estimate", "refused"}
    for claim in claims.specs():
        row = rows[claim.id]  # whole: neither cut nor broken
        assert row[1].isdecimal()
        assert (row[-1] in fates) == (claim.statistics is not None), row
    assert rows["trend-equal"][-1] in fates, "controls stand apart"
    assert "controls/" in rows
    assert "…" not in out


def test_a_plan_names_what_it_rests_on_and_what_it_cannot_decide(ablations, store):
    status, out, _ = ablations("plan", "deep-supervision", "--store", store)
    said = " ".join(out.split())
    assert status == 0
    assert "The quick tier can't decide, it shows estimates: deep-supervision." in said
    assert "Cost: " in said and "Spread: " in said


def test_a_plan_names_committed_pilots_that_are_stale_and_uses_none(ablations, store, monkeypatch):
    entry = pilots.committed()["deep-supervision"]
    old = {"deep-supervision": replace(entry, spec="another", cpu_seconds={"another": 1.0})}
    monkeypatch.setattr(pilots, "committed", lambda: old)
    _, out, _ = ablations("plan", "deep-supervision", "--tier", "standard", "--store", store)
    said = " ".join(out.split())
    assert "unknown: the committed pilots are of another spec (deep-supervision)" in said
    assert "Cost: the spec (" in said and "committed pilots (on" not in said
    assert next(line for line in out.splitlines() if line.startswith("deep")).count("?") == 4


def test_a_higher_tier_decides_trained_claims_and_takes_longer(ablations, store):
    found = {}
    for tier in ("quick", "standard"):
        args = ("deep-supervision", "--tier", tier, "--store", store, "--json")
        found[tier] = json.loads(ablations("plan", *args)[1])
    assert all(
        row["decides"] != bool(row["plan"]["refusal"]) for row in found["standard"]["claims"]
    )
    assert found["standard"]["trials"] > found["quick"]["trials"]
    status, out, _ = ablations("plan", "deep-supervision", "--store", store)
    assert status == 0
    assert "CPU time" in out


def test_planning_starts_without_torch(tmp_path):
    script = (
        "import sys, contextlib\n"
        "from ablations.cli import main\n"
        "with contextlib.suppress(SystemExit):\n"
        f"    main(['plan', '--tier', 'standard', '--store', {str(tmp_path / 'none')!r}])\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "ablations.planning" in loaded
    assert "torch" not in loaded


# -- mistakes -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["COMMAND"]),
        (["frobnicate"], ["'frobnicate'", "list", "report"]),
        (["list", "--fast"], ["--fast"]),
        (["run", "--tier", "huge"], ["'huge'", "quick", "standard", "full"]),
        (["run", "--device", "tpu"], ["'tpu'", "cpu", "cuda"]),
        (["run", "--jobs", "0"], ["'0'", "1 or more"]),
        (["run", "--jobs", "x"], ["'x'", "1 or more"]),
        (["run", "--jobs", "-1"], ["1 or more"]),
        (["plan", "--jobs", "1.5"], ["'1.5'", "1 or more"]),
        (["show"], ["CLAIM"]),
        (["show", "controler-speed"], ["'controler-speed'", "'controller-speed'"]),
        (["run", "halt-maxx"], ["'halt-maxx'", "'halt-max'"]),
        (["verdicts", "qqqq"], ["'qqqq'", "ablations list"]),
        (["show", "act-loop-ends"], ["'act-loop-ends'", "no spec"]),
        (["show", "two\nlines"], ["unknown claim"]),
    ],
)
def test_a_mistake_is_answered_on_one_line_that_names_it(arguments, words, ablations):
    refused(ablations(*arguments), *words)


@pytest.mark.parametrize("command", ["verdicts", "report"])
def test_a_store_that_is_not_there_is_refused_and_not_made(command, ablations, store):
    refused(ablations(command, "--store", store), str(store), "ablations run")
    assert not store.exists()


@pytest.mark.parametrize("command", ["run", "plan", "verdicts", "report"])
def test_a_folder_of_somebody_else_is_refused_and_left_alone(command, ablations, store):
    store.mkdir()
    (store / "thesis.txt").write_text("mine")
    refused(ablations(command, "halt-max", "--store", store), str(store), "thesis.txt")
    assert [p.name for p in store.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_store(ablations, store):
    store.write_text("x")
    refused(ablations("run", "halt-max", "--store", store), str(store), "a folder")


@pytest.mark.parametrize("command", ["run", "plan", "verdicts", "report"])
def test_a_corrupt_record_is_named_and_kept(command, ablations, store):
    Store.open(store, create=True)
    path = store / "runs" / "f" / "1.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"half": ')
    refused(ablations(command, "halt-max", "--store", store), str(path), "corrupt", "move the file")
    assert path.read_text() == '{"half": '


def test_a_report_that_can_not_be_written_is_refused(ablations, store, tmp_path):
    Store.open(store, create=True)
    (tmp_path / "taken").write_text("x")
    output = tmp_path / "taken" / "report"
    args = ("report", "act-demo-arithmetic", "--store", store, "--output", output)
    refused(ablations(*args), str(output))


@pytest.mark.parametrize("command", ["plan", "run", "verdicts", "report"])
def test_an_accelerator_that_is_not_there_is_refused(command, ablations, store, monkeypatch):
    monkeypatch.setattr(environment, "accelerator", lambda: None)
    Store.open(store, create=True)
    args = (command, "deep-supervision", "--device", "cuda", "--store", store)
    refused(ablations(*args), "'cuda'", "--device cpu")
    assert records(store) == {}


def test_a_store_in_use_is_refused(ablations, store):
    with Store.open(store, create=True).coordinate():
        refused(ablations("run", "halt-max", "--store", store), str(store), str(os.getpid()))


def test_ctrl_c_ends_with_130_and_says_that_the_same_command_resumes(ablations, monkeypatch):
    def interrupted(asked):
        raise KeyboardInterrupt

    monkeypatch.setattr("ablations.cli.commands.list_", interrupted)
    status, _, err = ablations("list")
    assert status == 130
    assert "resumes" in err
    assert err.count("\n") == 1


def test_an_output_that_nobody_reads_any_more_is_no_failure():
    script = "from ablations.cli import main; main(['list', '--json'])"
    program = subprocess.Popen(
        [sys.executable, "-u", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    program.stdout.close()
    err = program.stderr.read()
    program.stderr.close()
    assert (program.wait(), err) == (0, b"")


# -- running --------------------------------------------------------------------------------------
def test_cheap_claims_are_run_decided_and_reported_and_nothing_is_run_twice(
    ablations, store, tmp_path
):
    command = ("run", *CHEAP, "--jobs", 1, "--store", store, "--json")
    status, out, err = ablations(*command)
    assert status == 0
    assert json.loads(out) == {
        "tier": "quick",
        "trials": 2,
        "stored_before": 0,
        "run": 2,
        "left": 0,
        "refused": [],
        "failed": [],
    }
    assert "Traceback" not in err
    kept = records(store)
    assert len(kept) == 2

    status, out, _ = ablations(*command)
    assert (status, json.loads(out)["run"], json.loads(out)["stored_before"]) == (0, 0, 2)
    assert records(store) == kept

    status, out, _ = ablations("verdicts", *CHEAP, "--store", store, "--json")
    rows = json.loads(out)
    assert status == 0
    assert [list(row) for row in rows] == [VERDICT] * 3
    assert [(row["id"], row["verdict"]) for row in rows] == [
        ("attention-single-key", "EXACT"),
        ("act-demo-arithmetic", "MISMATCH"),
        ("amulgent-params-increase", "EXACT"),
    ]
    status, out, _ = ablations("verdicts", *CHEAP, "--store", store)
    assert status == 0, "a contradicted claim is no failure"
    assert "3 claims, quick tier: 1 MISMATCH, 2 EXACT." in out
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "attention-single-key  EXACT" in out.splitlines()
    reason = " ".join(rows[0]["reason"].split())
    assert reason in " ".join(out.split()), "whole, below its claim"

    written = []
    for folder in ("first", "second"):
        args = ("report", *CHEAP, "--store", store, "--output", tmp_path / folder, "--json")
        status, out, _ = ablations(*args)
        assert status == 0
        assert json.loads(out) == {
            "path": str(tmp_path / folder / "index.html"),
            "tier": "quick",
            "tally": {"MISMATCH": 1, "EXACT": 2},
        }
        names = ("index.html", "report.json")
        written.append([(tmp_path / folder / name).read_bytes() for name in names])
    assert written[0] == written[1]


def test_two_jobs_run_what_one_does_and_a_person_reads_how_many(store):
    done = start("run", *CHEAP, "--jobs", 2, "--store", store)
    out, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    assert "2 are new" in " ".join(out.split())
    assert err.startswith("ablations: 0 of 2 runs, about"), "it says how long it will take"
    assert all(line.startswith("ablations: ") for line in err.splitlines())  # more if it is slow
    assert len(records(store)) == 2


def test_a_run_that_fails_is_our_failure(ablations, store, monkeypatch):
    monkeypatch.setattr("ablations.workloads.parameters.increase", lambda *_: 1 / 0)
    args = ("run", "amulgent-params-increase", "--jobs", 1, "--store", store)
    status, out, err = ablations(*args, "--json")
    assert status == 1
    (failed,) = json.loads(out)["failed"]
    assert failed.startswith("parameters:increase seed 0: ZeroDivisionError: division by zero")
    assert "Traceback" not in err
    status, out, _ = ablations("verdicts", args[1], "--store", store, "--json")
    assert status == 0
    assert json.loads(out)[0]["verdict"] == "INVALID"

    monkeypatch.undo()
    assert ablations(*args)[0] == 0, "the same command tries again"
    assert len(records(store)) == 2, "and the failure is kept"
    status, out, _ = ablations("verdicts", args[1], "--store", store, "--json")
    assert json.loads(out)[0]["verdict"] == "EXACT"


def test_verdicts_of_an_empty_store_say_that_nothing_was_run(ablations, store):
    Store.open(store, create=True)
    status, out, _ = ablations("verdicts", "halt-max", "--store", store, "--json")
    (row,) = json.loads(out)
    assert status == 0
    assert (row["verdict"], row["n"], row["estimate"]) == ("NOT RUN", 0, None)


# -- interrupted ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("how", "jobs", "status"), [(signal.SIGKILL, 2, -signal.SIGKILL), (signal.SIGINT, 1, 130)]
)
def test_the_same_command_completes_what_was_interrupted(how, jobs, status, ablations, store):
    command = ("run", *FEW, "--jobs", jobs, "--store", store)
    program = start(*command)
    first_record(program, store)
    program.send_signal(how)
    out, err = program.communicate(timeout=60)
    assert program.returncode == status, err
    if how is signal.SIGINT:
        assert err.splitlines()[-1].startswith("ablations: stopped;")
        assert "Traceback" not in err
    done = records(store)
    assert 0 < len(done) < len(FEW)

    again, out, err = ablations(*command, "--json")
    assert again == 0
    assert json.loads(out)["stored_before"] == len(done)
    found = records(store)
    assert done.items() <= found.items(), "no run is lost"
    each = Counter(path.parent.name for path in found)
    assert len(each) == len(FEW)
    assert set(each.values()) == {1}, "no run is doubled"
    assert not list(store.rglob("*.tmp"))
    assert ablations("verdicts", *FEW, "--store", store)[0] == 0


# -- calibrate ------------------------------------------------------------------------------------
@pytest.fixture
def short(monkeypatch):
    """A table of few cells."""
    for name, value in {
        "sizes": (12,),
        "sharp_replicates": {12: 30},
        "fewest_reports": 5,
        "worlds": {"quality": noise.worlds["quality"]},
        "shapes": {"normal": noise.shapes["normal"]},
    }.items():
        monkeypatch.setattr(calibration, name, value)
    monkeypatch.setattr(calibrated.noise, "shapes", {"normal": noise.shapes["normal"]})


def test_calibrate_keeps_a_table_prints_json_and_writes_its_document(ablations, tmp_path, short):
    table, document = tmp_path / "a" / "table.json", tmp_path / "b" / "table.md"
    asked = ["calibrate", "--replicates", 40, "--jobs", 1, "--output", table, "--docs", document]
    status, out, _ = ablations(*asked, "--json")
    assert status == 0
    data = json.loads(out)
    assert set(data) == {
        *("replicates", "level", "limit", "digest", "reach", "cells", "wholes", "powers")
    }
    assert (data["replicates"], data["limit"]) == (40, 1.25)
    assert {c["n"] for c in data["cells"]} == {12, 32}
    assert set(data["cells"][0]) >= {"form", "noise", "varies", "wrong", "place", "rate", "bound"}
    assert [p["symmetric"] for p in data["powers"]] == [False, True]
    assert calibration.load(table).digest == calibration.digest()
    text = document.read_text("utf-8")
    assert "ablations calibrate --replicates 40" in " ".join(text.split())
    assert text.count("| quality | normal |") == 4  # one arm, all arms, level 0.95, looks
    assert "## What is withheld" in text
    status, out, err = ablations(*asked)
    assert (status, err) == (0, "")
    assert "Whole reports with 79 false members, looked at once" in out
    assert "Plans have the power they promise" in out


def test_a_table_in_its_usual_place_leaves_the_usual_store_to_the_runs(
    ablations, tmp_path, short, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert ablations("calibrate", "--replicates", 20, "--jobs", 1)[0] == 0
    assert calibration.load(tmp_path / "calibration.json").replicates == 20
    status, _, err = ablations("run", "act-demo-arithmetic", "--jobs", 1)
    assert status == 0, err
    assert (tmp_path / "store" / "store.json").exists()
    assert ablations("calibrate", "--replicates", 20, "--jobs", 1)[0] == 0


def test_calibrate_refuses_what_it_cannot_do(ablations, tmp_path, short):
    for asked in (["--replicates", "0"], ["--replicates", "many"], ["--jobs", "0"]):
        status, out, err = ablations("calibrate", *asked)
        assert (status, out) == (2, "")
        assert "is not a number of 1 or more" in err
    (tmp_path / "file").write_text("no table")
    for path, why in ((tmp_path / "file", "no calibration"), (tmp_path / "file" / "t", "written")):
        asked = ("calibrate", "--replicates", 20, "--jobs", 1, "--output", path)
        status, _, err = ablations(*asked)
        assert status == 2
        assert why in err
        assert err.count("\n") == 1


def test_a_calibration_that_is_interrupted_ends_at_once_and_keeps_its_cells(tmp_path):
    table = tmp_path / "table.json"
    growing = tmp_path / "table.json.part"
    program = start("calibrate", "--replicates", 3000, "--jobs", 2, "--output", table)
    give_up = time.monotonic() + 60
    while not growing.exists() and program.poll() is None and time.monotonic() < give_up:
        time.sleep(0.01)
    program.send_signal(signal.SIGINT)
    _, err = program.communicate(timeout=60)
    assert program.returncode == 130, err
    assert err.splitlines()[-1].startswith("ablations: stopped;")
    assert "Traceback" not in err
    assert 0 < len(calibration.load(growing).cells) < 100
    assert not table.exists()


def test_the_share_of_a_work_is_told_now_and_then_with_an_estimate(monkeypatch, capsys):
    clock = iter([0.0, 1.0, 20.0, 25.0, 60.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress.Share("calibrating") as told:
        for share in (0.2, 0.4, 0.5, 1.0):
            told(share)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "ablations: calibrating, 40% done, about 60 s left",
        "ablations: calibrating, 100% done, about 0 s left",
    ]
