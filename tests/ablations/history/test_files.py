"""Records of commits on disk: what a clone has."""

import dataclasses
import json

import pytest

from ablations.history import files
from ablations.records.history import Conditions, Steps
from hrm.errors import UserError
from tests.ablations.history.conftest import git, record

NO_STEPS = Steps(found={}, by="")


def test_what_is_written_is_read_in_the_order_of_the_commits(tmp_path):
    commits = [record(n, seconds=0.1 * n, claims={"x": "holds"}) for n in (3, 1, 2)]
    files.write(tmp_path, commits, NO_STEPS)
    found = files.read(tmp_path)
    assert found.commits == tuple(sorted(commits, key=lambda c: c.date))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [*sorted(c.name for c in commits), "steps.json"]


def test_there_may_be_no_history(tmp_path):
    assert files.read(tmp_path) is None
    assert files.read(tmp_path / "nowhere") is None


def test_equal_records_give_equal_bytes(tmp_path):
    for folder in ("a", "b"):
        files.write(tmp_path / folder, [record(1, seconds=0.1)], NO_STEPS)
    first, second = ((tmp_path / f / record(1).name).read_bytes() for f in ("a", "b"))
    assert first == second


def test_a_file_that_is_none_is_named(tmp_path):
    (tmp_path / "0123.json").write_text('{"commit": 3}')
    with pytest.raises(UserError, match=r"0123\.json"):
        files.read(tmp_path)


def test_what_is_measured_again_replaces_and_what_isnt_stays():
    old = record(1, seconds=0.1, claims={"x": "holds"})
    other = dataclasses.replace(
        record(1, seconds=0.2), benchmarks={"b": old.benchmarks["steps.time_x"]}
    )
    both = files.merged(old, other)
    assert set(both.benchmarks) == {"b", "steps.time_x"} and both.claims == {"x": "holds"}
    judged = files.merged(both, record(1, claims={"x": "fails"}))
    assert judged.claims == {"x": "fails"} and judged.benchmarks == both.benchmarks
    assert judged.conditions == both.conditions


def test_numbers_of_other_conditions_dont_stand_side_by_side():
    old = record(1, seconds=0.1)
    new = dataclasses.replace(
        record(1), conditions=Conditions(machine="other", load=None, quick=False), benchmarks={}
    )
    assert files.merged(old, new).benchmarks == {}
    busier = dataclasses.replace(new, conditions=dataclasses.replace(old.conditions, load=3.0))
    both = files.merged(old, busier)
    assert both.benchmarks == old.benchmarks and both.conditions.load == 3.0
    assert files.merged(busier, old).conditions.load == 3.0


def test_other_sources_are_another_record(tmp_path):
    old = record(1, seconds=0.1)
    new = dataclasses.replace(record(1, claims={"x": "holds"}), sources="f" * 64)
    assert files.merged(old, new) == new
    files.write(tmp_path, [old], NO_STEPS)
    files.write(tmp_path, [new], NO_STEPS)
    assert [c.sources for c in files.read(tmp_path).commits] == ["f" * 64]


def test_a_commit_is_described_by_its_date_subject_and_sources(repository):
    first, second = repository.commit(loops=1), repository.commit(loops=2)
    found, later = (files.described(c, repository.root) for c in (first, second))
    assert (found.commit, found.subject) == (first, "Take 1 loops")
    assert found.date.endswith("+00:00") and found.date <= later.date
    assert found.sources != later.sources
    assert (found.place, later.place) == (1, 2) and found.order < later.order


def test_the_digest_is_of_python_files_alone(repository):
    first = repository.commit()
    (repository.root / "README.md").write_text("said better")
    git(repository.root, "add", "-A")
    git(repository.root, "commit", "--quiet", "-m", "Say it better")
    assert files.sources(first, repository.root) == files.sources("HEAD", repository.root)


def test_ranges_are_the_oldest_first_and_can_be_sampled(repository):
    made = [repository.commit(loops=n) for n in range(7)]
    assert files.commits("HEAD", repository.root, None) == made
    assert files.commits(f"{made[0]}..HEAD", repository.root, 20) == made[1:]
    assert files.commits("HEAD", repository.root, 3) == [made[0], made[3], made[6]]
    for text, number in (("HEAD..HEAD", None), ("HEAD", 1)):
        with pytest.raises(UserError, match="allowed are ranges"):
            files.commits(text, repository.root, number)


def test_an_unknown_commit_is_a_users_error(repository):
    repository.commit()
    with pytest.raises(UserError, match="no-such"):
        files.described("no-such", repository.root)


def test_records_are_json_that_people_can_read(tmp_path):
    files.write(tmp_path, [record(1, seconds=0.1)], NO_STEPS)
    said = json.loads((tmp_path / record(1).name).read_text())
    assert said["benchmarks"]["steps.time_x"]["values"] == {"gru": 0.1}
