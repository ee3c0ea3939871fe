"""`ablations compare`: stores, reports and commits."""

import json
import subprocess

import pytest

from ablations.runs.store import Store

MOVES = ("moved", "reworded", "shifted")


@pytest.fixture
def asked(ran, ablations, cli):
    """Run the command about the coins, once their store is there."""
    return lambda *arguments: ablations("compare", *arguments, *cli.coins)


@pytest.fixture
def compare(asked):
    """Compare two things that can be: the status, and what is printed."""

    def run(*arguments):
        status, out, err = asked(*arguments)
        assert err == "", err
        return status, out

    return run


@pytest.fixture
def empty(tmp_path):
    Store.open(tmp_path / "empty", create=True)
    return tmp_path / "empty"


@pytest.fixture
def report(ran, coins, tmp_path):
    """The folder of a report of the store."""
    assert coins("report", "--output", tmp_path / "report")[0] == 0
    return tmp_path / "report"


def found(compare, *arguments):
    status, out = compare(*arguments, "--json")
    assert status == 0
    return json.loads(out)


def test_a_store_equals_itself_and_its_own_report(compare, store, report):
    for other in (store, report, report / "report.json"):
        said = found(compare, store, other)
        assert [said[kind] for kind in MOVES] == [[], [], []]
        assert (said["equal"], said["missing"], said["added"]) == (4, [], [])
        assert (said["before"], said["after"]) == (str(store), str(other))


def test_claims_that_moved_are_told_with_why(compare, store, empty, monkeypatch):
    said = found(compare, empty, store)
    moved = {move["id"]: move for move in said["moved"]}
    assert list(moved) == ["bent-coin", "new-coin", "two-sides"]
    assert moved["bent-coin"]["before"]["word"] == "NOT RUN"
    assert moved["bent-coin"]["after"]["word"] == "CONFIRMED"
    assert moved["bent-coin"]["why"][0] == "none before, 16 seeds after"
    monkeypatch.setenv("COLUMNS", "80")
    status, out = compare(empty, store)
    assert status == 0
    assert "NOT RUN → CONFIRMED" in out
    assert "3 groups changed, 0 words, 0 estimates or values; 1 claim is the same" in out


def test_comparing_leaves_a_store_as_it_is(compare, store, empty):
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    found(compare, empty, store)
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


def test_the_exit_status_tells_what_moved_only_if_asked(compare, store, empty):
    assert compare(empty, store)[0] == 0
    assert compare(empty, store, "--exit-code")[0] == 1
    assert compare(store, store, "--exit-code")[0] == 0


def test_the_page_says_what_moved(compare, store, empty, tmp_path):
    pages = []
    for name in ("first.html", "second.html"):
        compare(empty, store, "--output", tmp_path / name)
        pages.append((tmp_path / name).read_text())
    assert pages[0] == pages[1]
    assert "3 groups changed" in pages[0]
    assert "A bent coin lands on its head oftener." in pages[0]
    assert "<script" not in pages[0]


@pytest.fixture
def commits(report, store, tmp_path, monkeypatch):
    """A repository with a commit without evidence, one with a report, and one with a store."""
    repository = tmp_path / "repository"
    evidence = repository / "evidence"
    evidence.mkdir(parents=True)
    monkeypatch.chdir(repository)
    for name, value in (("AUTHOR", "a"), ("COMMITTER", "c")):
        monkeypatch.setenv(f"GIT_{name}_NAME", value)
        monkeypatch.setenv(f"GIT_{name}_EMAIL", f"{value}@example.org")

    def git(*arguments):
        subprocess.run(["git", *arguments], check=True, capture_output=True)

    def commit(name):
        git("add", "-A")
        git("commit", "-q", "--allow-empty", "-m", name)
        git("tag", name)

    git("init", "-q")
    commit("bare")
    (evidence / "report.json").write_bytes((report / "report.json").read_bytes())
    commit("with-report")
    (evidence / "report.json").unlink()
    subprocess.run(["cp", "-r", f"{store}/.", str(evidence)], check=True)
    commit("with-store")


def test_a_commit_is_what_its_evidence_says(commits, compare, store):
    for one, other in (("with-report", store), ("with-store", store), ("HEAD~1", "HEAD")):
        said = found(compare, one, other)
        assert said["equal"] == 4
        assert said["moved"] == []


def test_evidence_is_what_its_readings_say(compare, ablations, cli, store, tmp_path):
    evidence = tmp_path / "evidence"
    assert ablations("store", "compact", store, "--output", evidence, *cli.coins)[0] == 0
    assert found(compare, store, evidence, "--tier", "quick")["equal"] == 4


def test_a_commit_without_evidence_is_refused(commits, asked, cli, store):
    cli.refused(asked("bare", store), "'bare'", "evidence/report.json")


def test_what_is_no_store_report_or_commit_is_refused(asked, cli, store, tmp_path):
    cli.refused(asked("no-such-thing", store), "'no-such-thing'", "neither a store")
    (tmp_path / "a.json").write_text("{}")
    cli.refused(asked(tmp_path / "a.json", store), "a.json", "isn't a report")


def test_a_page_that_can_not_be_written_is_refused(asked, cli, store, tmp_path):
    (tmp_path / "nowhere").write_text("a file")
    output = tmp_path / "nowhere" / "page.html"
    cli.refused(asked(store, store, "--output", output), "nowhere")
