"""Ranges of commits for asv, with a repository and an asv that are made up."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import commits, publish
from bench.timed import QUICK

CONFIG = {
    "repo": ".",
    "branches": ["main"],
    "benchmark_dir": "bench",
    "env_dir": ".asv/env",
    "results_dir": ".asv/results",
    "html_dir": ".asv/html",
}
AUTHOR = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_CONFIG_GLOBAL": os.devnull}
COMMITTER = {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


def git(root, *arguments):
    env = os.environ | AUTHOR | COMMITTER
    done = subprocess.run(
        ["git", *arguments], cwd=root, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Four commits: nothing yet, benchmarks of what isn't there, and two that can be measured."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    git(root, "init", "--quiet", "--initial-branch=main")
    made = []

    def commit(**files):
        for name, text in files.items():
            path = root / name.replace("__", "/").replace("_py", ".py").replace("_toml", ".toml")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        git(root, "add", "-A")
        git(root, "commit", "--quiet", "-m", f"commit {len(made)}")
        made.append(git(root, "rev-parse", "HEAD"))

    commit(readme="nothing yet", pyproject_toml="")
    commit(bench__speed_py="from hrm import new\n")
    (root / "hrm").mkdir()
    (root / "hrm/__init__.py").write_text("")
    commit(hrm__new_py="")
    commit(hrm__new_py="x = 1\n")
    (root / "asv.conf.json").write_text(json.dumps(CONFIG))
    return root, made


@pytest.fixture
def asv(repository, monkeypatch):
    """Records how asv is called, and writes the results that a test sets."""
    root, _ = repository

    class Fake:
        status, results, calls, environments = 0, {}, [], []

        def __call__(self, *arguments, quick=False):
            self.calls.append(arguments)
            self.environments.append(quick)
            if arguments[0] == "run":
                listed = Path(arguments[1].removeprefix("HASHFILE:")).read_text().split()
                for commit in listed:
                    self.write(commit, self.results.get(commit, {}))
            return self.status if arguments[0] == "run" else 0

        def write(self, commit, found):
            path = root / ".asv/results/here" / f"{commit[:8]}-env.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = {name: [values, [], "1"] for name, values in found.items()}
            path.write_text(
                json.dumps({"result_columns": ["result", "params", "version"], "results": rows})
            )

    fake = Fake()
    monkeypatch.setattr(commits, "asv", fake)
    return fake


def ran(asv):
    (call,) = [call for call in asv.calls if call[0] == "run"]
    return Path(call[1].removeprefix("HASHFILE:")).read_text().split(), call[2:]


def test_a_range_runs_at_each_of_its_commits_newest_first(repository, asv):
    _, (_, _, third, fourth) = repository
    asv.results = {key: {"speed.time_x": [0.1]} for key in (third, fourth)}
    assert commits.main([f"{third}~1..{fourth}"]) == 0
    assert ran(asv)[0] == [fourth, third]


def test_without_a_range_the_current_commit_runs(repository, asv):
    _, made = repository
    asv.results = {made[-1]: {"speed.time_x": [0.1]}}
    assert commits.main([]) == 0
    assert ran(asv)[0] == [made[-1]]


def test_commits_before_the_benchmarks_are_left_out_with_a_line(repository, asv, capsys):
    _, made = repository
    asv.results = {key: {"speed.time_x": [0.1]} for key in made}
    assert commits.main(["ALL"]) == 0
    assert ran(asv)[0] == made[:1:-1]
    said = capsys.readouterr().err
    assert f"{made[0][:10]} is skipped: it has no bench/" in said
    assert f"{made[1][:10]} is skipped: it has no hrm" in said


def test_a_long_range_can_be_sampled_evenly_with_both_ends():
    every = [str(n) for n in range(10)]
    assert commits.evenly(every, 4) == ["0", "3", "6", "9"]
    assert commits.evenly(every, 1) == ["0"]
    assert commits.evenly(every, None) == commits.evenly(every, 20) == every


def test_new_are_those_without_results(repository, asv):
    _, made = repository
    asv.write(made[3], {"speed.time_x": [0.1]})
    asv.results = {made[2]: {"speed.time_x": [0.1]}}
    assert commits.main(["NEW"]) == 0
    assert ran(asv)[0] == [made[2]]


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ({}, 1),
        ({"speed.time_x": None}, 1),
        ({"speed.time_x": [None, None]}, 1),
        ({"speed.time_x": [None, 0.2]}, 1),  # one of two failed at the newest commit
        ({"speed.time_x": [0.1, 0.2]}, 0),
        ({"speed.time_x": [float("nan"), 0.2]}, 0),  # a combination that the suite leaves out
    ],
)
def test_nothing_measured_or_a_failure_at_the_newest_commit_is_a_failure(
    repository, asv, results, status
):
    _, made = repository
    asv.results = {made[-1]: results}
    assert commits.main(["HEAD^!"]) == status


def test_a_failure_at_an_older_commit_is_said_and_is_none(repository, asv, capsys):
    _, made = repository
    asv.results = {made[3]: {"speed.time_x": [0.1]}, made[2]: {"speed.time_x": None}}
    assert commits.main([f"{made[1]}..HEAD"]) == 0
    assert f"{made[2][:10]} 0 benchmarks measured; failed: speed.time_x" in capsys.readouterr().err


def test_a_range_without_any_commit_that_can_run_is_a_failure(repository, asv, capsys):
    _, made = repository
    assert commits.main([f"{made[0]}..{made[1]}"]) == 1
    assert commits.main(["HEAD..HEAD"]) == 1
    assert not asv.calls
    assert "can be benchmarked" in capsys.readouterr().err


def test_an_unknown_range_is_said_in_one_line(repository, asv):
    with pytest.raises(SystemExit, match="no-such-commit"):
        commits.main(["no-such-commit"])


def test_a_quick_run_leaves_out_compiling_and_tells_the_suites(repository, asv):
    _, made = repository
    asv.results = {made[-1]: {"speed.time_x": [0.1]}}
    commits.main(["--quick", "--durations=3"])
    options = ran(asv)[1]
    assert {"--quick", "--launch-method=forkserver", "--durations=3"} <= set(options)
    assert f"--bench={commits.NOT_QUICK}" in options
    assert asv.environments == [False, True]
    assert not re.search(commits.NOT_QUICK, "compiled.Segment.track_compiled")
    assert re.search(commits.NOT_QUICK, "loop.Loop.track_fit")
    known = json.loads((repository[0] / ".asv/load.json").read_text())
    assert known[made[-1]]["quick"] is True and known[made[-1]]["load"] >= 0
    (repository[0] / ".asv/load.json").write_text('{"cut')
    commits.main(["--quick"])
    assert made[-1] in json.loads((repository[0] / ".asv/load.json").read_text())


def test_patterns_are_handed_on(repository, asv):
    _, made = repository
    asv.results = {made[-1]: {"speed.time_x": [0.1]}}
    commits.main(["--quick", "-b", "steps", "-b", "tasks"])
    assert [o for o in ran(asv)[1] if o.startswith("--bench")] == ["--bench=steps", "--bench=tasks"]


def test_asv_itself_is_told_of_a_quick_run_by_the_environment(monkeypatch):
    seen = []

    class Done:
        returncode = 0

    monkeypatch.setattr(
        commits.subprocess, "run", lambda command, env, check: seen.append((command, env)) or Done
    )
    monkeypatch.setenv(QUICK, "1")
    commits.asv("machine")
    commits.asv("run", quick=True)
    assert [QUICK in env for _, env in seen] == [False, True]
    assert seen[0][0] == [sys.executable, "-P", "-m", "asv", "machine"]


# -- the site -------------------------------------------------------------------------------------
PAGE = """\
<script src="https://code.jquery.com/jquery-3.3.1.min.js" integrity="sha256-x" crossorigin="anonymous" onerror="f()"></script>
<script src="https://elsewhere/flot/0.8.3/jquery.flot.min.js" integrity="sha512-x" referrerpolicy="no-referrer"></script>
<link rel="stylesheet" href="https://cdn/bootstrap@3.1.1/dist/css/bootstrap.min.css" integrity="sha256-x" crossorigin="anonymous">
<script src="asv.js"></script>
"""  # noqa: E501


@pytest.fixture
def vendored(tmp_path):
    for asset in publish.ASSETS:
        path = tmp_path / "vendor" / publish.name(asset)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(asset.url)
    return tmp_path / "vendor"


def test_the_site_loads_nothing_from_elsewhere(vendored):
    page = publish.local(PAGE, vendored)
    assert "http" not in page and "crossorigin" not in page and "referrerpolicy" not in page
    assert 'src="vendor/jquery-3.3.1/jquery.min.js" integrity="sha384-' in page
    assert 'src="vendor/flot-0.8.3/jquery.flot.js"' in page
    assert 'href="vendor/bootstrap-3.1.1/bootstrap.min.css"' in page
    assert 'onerror="f()"' in page and 'src="asv.js"' in page


def test_every_script_that_asvs_own_page_loads_is_known(vendored):
    asv = importlib.import_module("asv")
    page = (Path(asv.__file__).parent / "www" / "index.html").read_text(encoding="utf-8")
    assert page.count("https://") > 10
    assert '="https://' not in publish.local(page, vendored).replace(
        'href="https://github.com/airspeed-velocity/asv/"', ""
    )


def test_a_script_that_is_unknown_is_no_silent_request(vendored):
    with pytest.raises(SystemExit, match=r"new\.js"):
        publish.local('<script src="https://cdn/new.js"></script>', vendored)


def test_files_that_arent_the_known_ones_are_refused_and_fetched_again(vendored, monkeypatch):
    assert not publish.right(vendored / publish.name(publish.ASSETS[0]), publish.ASSETS[0])
    monkeypatch.setattr(publish.shutil, "which", lambda _: None)
    with pytest.raises(SystemExit, match="npm"):
        publish.fetched(vendored)


def test_the_site_shows_the_branch_and_what_is_checked_out(repository):
    root, _ = repository
    assert publish.branches(commits.Project.read(root)) == ["main", "HEAD"]
    git(root, "branch", "-m", "other")
    assert publish.branches(commits.Project.read(root)) == ["HEAD"]
