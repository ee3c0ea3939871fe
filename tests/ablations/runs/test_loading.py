import sys

import pytest

from ablations.runs.loading import load


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "own_models.py"
    path.write_text("value = 1\n")
    yield path
    sys.modules.pop("own_models", None)


def test_a_file_is_loaded_once_under_its_name(file):
    module = load("own_models", file)
    assert module.value == 1
    file.write_text("value = 2\n")
    assert load("own_models", file) is sys.modules["own_models"] is module


def test_a_module_of_this_name_elsewhere_is_not_taken_for_it(file, tmp_path, monkeypatch):
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "own_models.py").write_text("value = 3\n")
    monkeypatch.syspath_prepend(str(other))
    assert load("own_models", file).value == 1
    del sys.modules["own_models"]
    assert load("own_models").value == 3


def test_a_file_that_raises_leaves_no_module_behind(file):
    file.write_text("raise ValueError('no')\n")
    with pytest.raises(ValueError, match="no"):
        load("own_models", file)
    assert "own_models" not in sys.modules


def test_what_is_no_python_file_is_refused(tmp_path):
    with pytest.raises(ImportError, match="isn't a Python file"):
        load("own_models", tmp_path / "own_models.txt")
