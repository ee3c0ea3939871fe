"""All samples of a calibration: resumable, and the same however they are drawn."""

import json

import pytest

from ablations.calibration import filling
from ablations.calibration.artefact import load
from ablations.calibration.filling import calibrate
from hrm.errors import UserError


@pytest.fixture
def few(monkeypatch):
    """Two tests, two noises and one plan."""
    monkeypatch.setattr(filling, "TESTS", ("difference", "not worse"))
    monkeypatch.setattr(filling, "NOISES", ("normal", "unknown"))
    monkeypatch.setattr(filling, "PLANS", ("direction",))
    monkeypatch.setattr(filling, "SPREADS", (1.0,))


@pytest.mark.usefixtures("few")
def test_every_test_meets_every_noise_and_every_plan_is_held_to_its_promise(tmp_path):
    path, shares = tmp_path / "made" / "calibration.json", []
    made = calibrate(20, path, progress=shares.append)
    assert [(c.test, c.noise) for c in made.cells] == [
        ("difference", "normal"),
        ("difference", "unknown"),
        ("not worse", "normal"),
        ("not worse", "unknown"),
    ]
    assert len(made.powers) == 1 and load(path) == made
    assert (shares[0], shares[-1]) == (0, 1) and shares == sorted(shares)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.usefixtures("few")
def test_what_was_interrupted_goes_on_where_it_was_and_comes_out_the_same(tmp_path, monkeypatch):
    path, whole = tmp_path / "calibration.json", calibrate(20, tmp_path / "whole.json")

    def interrupt(share):
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate(20, path, progress=interrupt)
    part = tmp_path / "calibration.json.part"
    lines = part.read_text().splitlines()
    assert len(lines) == 3 and not path.exists()
    stale = {**json.loads(lines[0]), "digest": "another"}
    part.write_text("\n".join([json.dumps(stale), *lines[1:], lines[0][:20]]) + "\n")
    done = []
    work = filling.work
    monkeypatch.setattr(filling, "work", lambda task: done.append(task) or work(task))
    assert calibrate(20, path) == whole
    assert len(done) == 3, "two are kept; one of another rule and a torn one are drawn again"


@pytest.mark.usefixtures("few")
def test_processes_draw_what_one_process_draws(tmp_path):
    assert calibrate(20, tmp_path / "two", jobs=2) == calibrate(20, tmp_path / "one")


def test_a_file_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "calibration.json"):
        with pytest.raises(UserError, match=r"can't be written.*name another"):
            calibrate(20, path)
