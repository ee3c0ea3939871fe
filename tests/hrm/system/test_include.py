"""Modules from outside are imported by name or from a file, and mistakes are said plainly."""

import sys

import pytest

from hrm.config.parts import kinds
from hrm.errors import UserError
from hrm.system.include import include, load

PART = """
from dataclasses import dataclass
from hrm.config.parts import Part

@dataclass(frozen=True, kw_only=True)
class {name}(Part):
    size: int = 3
"""


@pytest.fixture
def write(tmp_path):
    """Write a Python file, and forget its module afterwards."""

    def written(name, text):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    yield written
    for path in tmp_path.glob("*.py"):
        module = sys.modules.get(path.stem)
        if module is not None and getattr(module, "__file__", None) == str(path):
            del sys.modules[path.stem]


def test_a_module_is_included_by_name():
    assert include("hrm.errors").UserError is UserError


def test_a_files_parts_can_be_decoded_and_others_import_it_by_name(write):
    module = include(write("own_parts.py", PART.format(name="OwnPartForTests")))
    assert kinds()["OwnPartForTests"] is module.OwnPartForTests
    other = include(write("own_others.py", "from own_parts import OwnPartForTests"))
    assert other.OwnPartForTests is module.OwnPartForTests


def test_a_file_is_imported_once(write):
    path = write("own_once.py", "things = []")
    include(path).things.append(1)
    assert include(path).things == [1]


@pytest.mark.parametrize(
    ("name", "said"),
    [("no_such_module_at_all", "No module named"), ("no_such_file.py", "there is no file")],
)
def test_what_isnt_there_is_said(name, said):
    with pytest.raises(UserError, match=said):
        include(name)


def test_a_file_with_the_name_of_another_module_is_refused(write):
    with pytest.raises(UserError, match=r"json\.py has the name of another module, 'json'"):
        include(write("json.py", ""))


def test_a_name_that_cant_be_imported_is_refused(write):
    with pytest.raises(UserError, match=r"my-claims\.py can't be imported"):
        include(write("my-claims.py", ""))


def test_a_folder_without_modules_is_refused(tmp_path, monkeypatch):
    (tmp_path / "runs_of_mine").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="runs_of_mine is a folder"):
        include("runs_of_mine")


def test_a_mistake_in_a_file_is_said_with_its_kind_and_leaves_nothing_behind(write):
    path = write("own_mistake.py", "1 / 0")
    for _ in range(2):
        with pytest.raises(UserError, match=r"own_mistake\.py.*ZeroDivisionError"):
            include(path)
    assert "own_mistake" not in sys.modules


def test_a_users_mistake_keeps_its_message(write):
    path = write("own_limits.py", "from hrm import recipes\nrecipes.gru(low_steps=0)")
    with pytest.raises(UserError, match="low_steps") as caught:
        include(path)
    assert "can't be imported" not in str(caught.value)


# -- by name and file, as in worker processes ------------------------------------------------------
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
