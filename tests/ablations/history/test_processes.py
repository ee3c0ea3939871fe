import re

import pytest

from ablations.history import measure, processes
from ablations.history.processes import Figure
from hrm.errors import UserError
from tests.ablations.history.conftest import git


def test_a_fresh_process_measures_what_is_timed_and_tracked(repository):
    repository.commit()
    found = processes.measured(repository.root / "bench", "", quick=True)
    assert set(found) == {
        ("suite.Suite.time_work", "a"), ("suite.Suite.time_work", "b"),
        ("suite.track_size", ""), ("suite.track_broken", ""),
    }  # fmt: skip
    assert found["suite.track_size", ""] == Figure(version="1", unit="bytes", value=100.0)
    assert 1e-5 < found["suite.Suite.time_work", "a"].value < 1
    broken = found["suite.track_broken", ""]
    assert broken.value is None and broken.why == "OSError: no disk"
    assert set(processes.measured(repository.root / "bench", "track_size", quick=True)) == {
        ("suite.track_size", "")
    }


def test_what_cant_be_measured_is_a_users_error(tmp_path):
    (tmp_path / "bench").mkdir()
    with pytest.raises(UserError, match="can't be measured"):
        processes.measured(tmp_path / "bench", "(", quick=True)


def test_todays_benchmarks_measure_older_commits(repository):
    first, second = (
        repository.commit(size=100, version="1"),
        repository.commit(size=200, version="2"),
    )
    found = list(
        processes.series((first, second), root=repository.root, pattern="track_size", quick=True)
    )
    assert [commit for commit, _, _ in found] == [first, second]
    assert [figures["suite.track_size", ""].value for _, _, figures in found] == [100, 200]
    assert all(load >= 0 for _, load, _ in found)


def test_commits_are_checked_out_for_a_while(repository):
    first, second = repository.commit(loops=1), repository.commit(loops=2)
    with processes.trees(repository.root, (first, second)) as folders:
        assert [(f / "hrm/work.py").read_text()[:17] for f in folders] == [
            "LOOPS, SIZE = 1, ", "LOOPS, SIZE = 2, ",
        ]  # fmt: skip
    assert not any(folder.exists() for folder in folders)
    assert len(git(repository.root, "worktree", "list").splitlines()) == 1
    with (
        pytest.raises(UserError, match="no-such"),
        processes.trees(repository.root, (first, "no-such")),
    ):
        pass
    assert len(git(repository.root, "worktree", "list").splitlines()) == 1


def test_only_modules_that_may_match_are_imported(tmp_path):
    (tmp_path / "base.py").write_text("class Base:\n    def time_it(self): ...\n")
    (tmp_path / "a.py").write_text("from base import Base\nclass Mine(Base): ...\n")
    (tmp_path / "b.py").write_text("raise SystemExit('this is imported')\n")
    pattern = re.compile(r"^a\.")
    assert measure.modules(tmp_path, pattern) == ["a"]
    assert measure.modules(tmp_path, re.compile("time_it")) == ["a", "b", "base"]
