"""`ablations calibrate`."""

import json
from dataclasses import replace

import pytest

from ablations import cli
from ablations.calibration import filling
from ablations.calibration.artefact import load, summary
from ablations.cli import calibrating


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(filling, "TESTS", ("difference",))
    monkeypatch.setattr(filling, "NOISES", ("normal", "ties"))
    monkeypatch.setattr(filling, "PLANS", ("direction",))
    monkeypatch.setattr(filling, "SPREADS", (1.0,))


def call(*arguments):
    asked = cli.parser().parse_args(["calibrate", "--jobs", "1", *arguments])
    return asked.function(asked)


@pytest.mark.usefixtures("few")
def test_it_writes_data_and_a_page_and_says_what_it_found(tmp_path, capsys):
    data, page = tmp_path / "made.json", tmp_path / "made.md"
    assert call("--replicates", "1000", "--output", str(data), "--docs", str(page)) == 0
    assert len(load(data).cells) == 2 and page.read_text().startswith("# Calibration\n")
    said = capsys.readouterr().out
    assert "of 6,000 samples at 6 places have a false word" in said and str(data) in said


@pytest.mark.usefixtures("few")
def test_json_has_the_keys_that_its_help_names(tmp_path, capsys):
    data = tmp_path / "made.json"
    assert call("--replicates", "1000", "--output", str(data), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found == summary(load(data))
    assert all(key in (calibrating.calibrate.__doc__ or "") for key in found)


@pytest.mark.usefixtures("few")
def test_the_status_is_1_if_a_count_is_beyond_its_bound(tmp_path, capsys, monkeypatch):
    fill = filling.fill

    def broken(test, noise, replicates, table):
        more = {look: c + 6 for look, c in table.exceptions.items()}
        return fill(test, noise, replicates, replace(table, exceptions=more))

    monkeypatch.setattr(filling, "fill", broken)
    assert call("--replicates", "1000", "--output", str(tmp_path / "made.json")) == 1
    assert "Beyond its bound: difference, normal, truth at" in capsys.readouterr().out


def test_no_samples_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        call("--replicates", "0", "--output", str(tmp_path / "made.json"))
    assert "--replicates: '0' isn't a whole number of 1 or more" in capsys.readouterr().err
