"""What something was computed on: the machine, the versions, the commit."""

import subprocess

from hrm.system import environment


def test_the_machine_is_described():
    machine = environment.machine(device="cpu", threads=1)
    assert machine["cpu"]
    assert machine["cores"] >= 1
    assert machine["threads"] == 1
    assert machine["accelerator"] is None
    assert machine["load"] >= 0


def test_the_accelerator_is_named_where_it_is_used(monkeypatch):
    monkeypatch.setattr(environment, "accelerator", lambda: "one")
    assert environment.machine(device="cuda", threads=1)["accelerator"] == "one"


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
