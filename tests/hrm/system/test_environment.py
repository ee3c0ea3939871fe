"""What something was computed on: the machine, the versions, the commit."""

import os
import subprocess
import sys

import pytest
import torch

from hrm.errors import UserError
from hrm.system import environment

DEVICES = ["cpu", "cuda", "cuda:0", "cuda:1"]


def test_the_machine_is_described():
    machine = environment.machine(device="cpu", threads=1)
    assert machine["cpu"]
    assert machine["cores"] >= 1
    assert machine["threads"] == 1
    assert machine["accelerator"] is None
    assert machine["load"] >= 0


def test_the_accelerator_is_named_where_it_is_used(monkeypatch):
    monkeypatch.setattr(environment, "gpus", lambda: ("one", "two"))
    named = {d: environment.machine(device=d, threads=1)["accelerator"] for d in DEVICES}
    assert named == {"cpu": None, "cuda": "one", "cuda:0": "one", "cuda:1": "two"}
    assert environment.accelerator("cuda:2") is None


def test_a_device_that_is_not_here_is_refused_with_those_that_are(monkeypatch):
    monkeypatch.setattr(environment, "gpus", lambda: ("one", "two"))
    assert [environment.known(device) for device in DEVICES] == DEVICES
    for device in ("cuda:2", "banana", ""):
        with pytest.raises(UserError, match=f"'{device}'; allowed is cpu, cuda, cuda:0, cuda:1;"):
            environment.known(device)
    monkeypatch.setattr(environment, "gpus", lambda: ())
    with pytest.raises(UserError, match="allowed is cpu, since torch finds no GPU here"):
        environment.known("cuda")


def test_torch_alone_says_what_gpus_there_are(monkeypatch, tmp_path):
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho another")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert environment.gpus.__wrapped__() == ()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"model {number}")
    assert environment.gpus.__wrapped__() == ("model 0", "model 1")


def test_where_no_gpu_is_asked_for_torch_isnt_imported():
    script = (
        "import sys; from hrm.system import environment as e; e.known('cpu'); "
        "e.machine(device='cpu', threads=1); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=environment.root)


def test_what_isnt_installed_has_no_version():
    found = environment.versions(["torch", "no-such-package"])
    assert found["torch"].startswith("2.") and found["no-such-package"] == "none"


def git(folder, *arguments):
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e", *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def test_the_commit_is_told_and_whether_the_tree_has_changes(tmp_path, monkeypatch):
    inside = tmp_path / "project"
    inside.mkdir()
    monkeypatch.setattr(environment, "root", inside)
    commit = environment.commit.__wrapped__
    assert commit() == (None, None)  # outside git
    git(tmp_path, "init")
    assert commit() == (None, None)  # somebody else's repository
    monkeypatch.setattr(environment, "root", tmp_path)
    (tmp_path / "file").write_text("")
    assert commit() == (None, True)  # no commit yet
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    assert commit() == (git(tmp_path, "rev-parse", "HEAD"), False)
    (tmp_path / "new.py").write_text("")
    assert commit()[1] is True


def test_a_machine_without_git_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment.commit.__wrapped__() == (None, None)


def test_where_torch_cant_compile_the_reason_is_told(monkeypatch):
    def without(function):
        raise RuntimeError("No working C++ compiler\nfound")

    monkeypatch.setattr(torch, "compile", without)
    environment.compiler.cache_clear()
    with pytest.raises(UserError, match=r"here \(RuntimeError: No working C\+\+ compiler found\)"):
        environment.compiler()


def test_what_is_compiled_is_kept_in_the_cache_unless_another_folder_is_named(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(torch, "compile", lambda function: function)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for named in (None, "/elsewhere"):
        environment.compiler.cache_clear()
        monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", named or "")
        if not named:
            monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
        environment.compiler()
        expected = named or str(tmp_path / "hrm-ablations" / "compiled")
        assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == expected
    environment.compiler.cache_clear()
