"""The cache returns what the task generates, whatever happens to its files."""

import json
import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hrm.data import cache
from hrm.errors import UserError
from hrm.tasks import Splits
from hrm.tasks.sudoku import Sudoku


@pytest.fixture
def counted(backwards, monkeypatch):
    """Tasks of which every generation is noted."""
    calls = []
    generate = backwards.generate

    def noted(self, *arguments):
        calls.append((self, *arguments))
        return generate(self, *arguments)

    monkeypatch.setattr(backwards, "generate", noted)
    return calls


def digests(splits: Splits) -> list[str]:
    return [s.digest() for s in (splits.train, splits.validation, splits.test)]


@pytest.mark.parametrize("real", [False, True])
def test_boards_are_generated_once_and_come_back_equal(tmp_path, backwards, counted, real):
    task = backwards(real=real)
    first, second = (cache.load(task, 3, 9, 0, 4, tmp_path / "cache") for _ in range(2))
    assert len(counted) == 1
    assert digests(first) == digests(second) == digests(task.generate(3, 9, 0, 4))
    assert second.train.inputs.dtype == (np.float64 if real else np.int64)
    assert second.validation.inputs.shape == (0, 3)
    assert second.train.identities.dtype == second.train.groups.dtype == np.int64


def test_whole_numbers_are_kept_in_their_smallest_type(tmp_path, task):
    cache.load(task, 0, 300, 0, 0, tmp_path)
    with np.load(next(tmp_path.glob("*.npz")), allow_pickle=False) as arrays:
        kinds = {name: arrays[f"train.{name}"].dtype for name in ("inputs", "puzzles")}
    assert kinds == {"inputs": np.uint8, "puzzles": np.uint16}


def test_whatever_boards_depend_on_has_a_file_of_its_own(tmp_path, backwards, monkeypatch):
    task = backwards()
    cache.load(task, 0, 2, 2, 2, tmp_path)
    for other in (
        (replace(task, cells=4), 0, 2, 2, 2),
        (task, 1, 2, 2, 2),
        (task, 0, 3, 2, 2),
        (task, 0, 2, 1, 2),
        (task, 0, 2, 2, 1),
    ):
        cache.load(*other, tmp_path)
    assert len(list(tmp_path.glob("*.npz"))) == 6
    monkeypatch.setattr(cache.importlib.metadata, "version", lambda name: "another")
    cache.load(task, 0, 2, 2, 2, tmp_path)
    monkeypatch.setattr(cache, "_sources", lambda names: "another")
    cache.load(task, 0, 2, 2, 2, tmp_path)
    assert len(list(tmp_path.glob("*.npz"))) == 8


@pytest.mark.parametrize(
    ("edited", "counts"),
    [("sudoku.py", True), ("board.py", True), ("pattern.py", False), ("parts.py", False)],
)
def test_the_sources_of_the_task_count_and_no_others(monkeypatch, edited, counts):
    before = cache._sources(["hrm.tasks.sudoku"])
    read = Path.read_bytes
    edit = lambda path: read(path) + (b"\n#" if path.name == edited else b"")  # noqa: E731
    monkeypatch.setattr(Path, "read_bytes", edit)
    assert (cache._sources(["hrm.tasks.sudoku"]) != before) == counts


def test_the_json_says_what_was_asked_for(tmp_path, task):
    splits = cache.load(task, 5, 3, 2, 1, tmp_path)
    said = json.loads(next(tmp_path.glob("backwards-*.json")).read_text())
    assert said["task"] == {"kind": "Backwards", "cells": 3, "public_vocabulary": 4, "real": False}
    assert said["seed"] == 5
    assert said["sizes"] == {"train": 3, "validation": 2, "test": 1}
    assert list(said["digests"].values()) == digests(splits)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    header = content.index(b"train.inputs.npy")
    content[content.index(b"\n", header) + 1] ^= 1
    path.write_bytes(content)


def _other(path: Path) -> None:
    with np.load(path) as arrays:
        values = dict(arrays)
    values["test.targets"][0, 0] ^= 1
    np.savez(path, **values)


def _lacking(path: Path) -> None:
    np.savez(path, inputs=np.ones(3))


def _pickled(path: Path) -> None:
    with np.load(path) as arrays:
        values = dict(arrays)
    np.savez(path, **values | {"train.inputs": np.array([{}], dtype=object)})


def _garbled(path: Path) -> None:
    path.with_suffix(".json").write_text("{")


def _undigested(path: Path) -> None:
    path.with_suffix(".json").write_text("[]")


@pytest.mark.parametrize(
    "harm",
    [_cut, _flip, _other, _lacking, _pickled, _garbled, _undigested, Path.unlink],
    ids=lambda f: f.__name__,
)
def test_a_corrupt_file_is_found_and_made_again(tmp_path, backwards, counted, caplog, harm):
    task = backwards()
    first = cache.load(task, 0, 9, 9, 9, tmp_path)
    harm(next(tmp_path.glob("*.npz")))
    again = cache.load(task, 0, 9, 9, 9, tmp_path)
    assert digests(again) == digests(first)
    assert len(counted) == 2
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "is corrupt" in record.getMessage()
    cache.load(task, 0, 9, 9, 9, tmp_path)
    assert len(counted) == 2


def test_a_file_without_its_json_isnt_trusted(tmp_path, backwards, counted):
    cache.load(backwards(), 0, 2, 2, 2, tmp_path)
    next(tmp_path.glob("*.json")).unlink()
    cache.load(backwards(), 0, 2, 2, 2, tmp_path)
    assert len(counted) == 2


def test_a_full_disk_costs_the_copy_and_not_the_boards(tmp_path, task, monkeypatch, caplog):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    splits = cache.load(task, 0, 2, 2, 2, tmp_path)
    assert digests(splits) == digests(task.generate(0, 2, 2, 2))
    assert "can't be kept" in caplog.text
    assert "No space left on device" in caplog.text
    assert {path.suffix for path in tmp_path.iterdir()} <= {".lock"}


def test_a_folder_that_cant_be_made_costs_the_copy_and_not_the_boards(tmp_path, task, caplog):
    (tmp_path / "file").write_text("mine")
    splits = cache.load(task, 0, 2, 2, 2, tmp_path / "file" / "cache")
    assert digests(splits) == digests(task.generate(0, 2, 2, 2))
    assert "can't be locked" in caplog.text
    assert "can't be kept" in caplog.text


def test_no_home_directory_costs_the_cache_and_not_the_boards(task, monkeypatch, caplog):
    def homeless(*_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    with caplog.at_level(logging.WARNING):
        splits = cache.load(task, 0, 2, 2, 2)
    assert digests(splits) == digests(task.generate(0, 2, 2, 2))
    assert "there is no cache folder (Could not determine home directory.)" in caplog.text


def test_a_folder_that_cant_be_looked_into_costs_the_cache_and_not_the_boards(
    tmp_path, task, monkeypatch, caplog
):
    def closed(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        for name in ("exists", "mkdir"):
            patched.setattr(Path, name, closed)
        splits = cache.load(task, 0, 2, 2, 2, tmp_path / "cache")
    assert digests(splits) == digests(task.generate(0, 2, 2, 2))
    assert "Permission denied" in caplog.text


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path, task):
    cache.load(task, 0, 2, 2, 2, tmp_path)
    (made,) = tmp_path.glob("*.npz")
    mine, foreign = tmp_path / f".{made.name}.123.tmp", tmp_path / ".other.npz.123.tmp"
    for left in (mine, foreign):
        left.write_bytes(b"half")
    made.unlink()
    cache.load(task, 0, 2, 2, 2, tmp_path)
    assert made.exists()
    assert (mine.exists(), foreign.exists()) == (False, True)


def test_the_tasks_errors_pass_and_leave_nothing(tmp_path, task):
    with pytest.raises(UserError, match="data seed is negative"):
        cache.load(task, -1, 1, 1, 1, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".lock"}


def test_the_default_folder_follows_the_environment(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache.default_folder() == Path("/somewhere/hrm-ablations")
    for unusable in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", unusable)
        assert cache.default_folder() == Path.home() / ".cache" / "hrm-ablations"


def test_the_default_folder_is_used(tmp_path, task, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache.load(task, 0, 1, 1, 1)
    assert len(list((tmp_path / "hrm-ablations").glob("backwards-*.npz"))) == 1


WRITER = """
import sys, time
from pathlib import Path
from hrm.data import cache
from hrm.tasks.sudoku import Sudoku

log, folder, start = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])

class Noted(Sudoku):
    def generate(self, *arguments):
        with log.open("a") as file:
            file.write("generated\\n")
        time.sleep(0.3)
        return super().generate(*arguments)

print("ready", flush=True)
while not start.exists():
    time.sleep(0.01)
print(cache.load(Noted(size=4), 0, 5, 5, 5, folder).train.digest())
"""


def test_parallel_processes_generate_once_and_agree(tmp_path):
    log, folder, start = (tmp_path / name for name in ("log", "cache", "start"))
    command = [sys.executable, "-c", WRITER, str(log), str(folder), str(start)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    start.touch()
    found = {process.communicate(timeout=60)[0].strip() for process in started}
    assert [process.returncode for process in started] == [0, 0, 0]
    assert found == {Sudoku(size=4).generate(0, 5, 5, 5).train.digest()}
    assert log.read_text() == "generated\n"
    assert {path.suffix for path in folder.iterdir()} == {".npz", ".json", ".lock"}
