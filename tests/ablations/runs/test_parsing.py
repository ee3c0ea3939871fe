import ast
import json

import pytest

from ablations.runs import parsing

TEXT = '"""Doc."""\nfrom . import near\nx = 1  # why\n'


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A module's file, and a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "mine.py"
    path.write_text(TEXT)
    again()
    yield path
    again()


def again():
    """Begin as a new process does."""
    parsing.remember()
    parsing.parsed.cache_clear()
    parsing._known.cache_clear()


def memory(file):
    return file.parent / "cache" / "hrm-ablations" / parsing.NAME


def test_what_one_process_parsed_the_next_one_need_not(file, monkeypatch):
    first = parsing.parsed(file, "rooms.mine")
    assert first[1] == ("rooms", "rooms.near")
    again()
    monkeypatch.setattr(ast, "parse", lambda *_: pytest.fail("it was parsed again"))
    assert parsing.parsed(file, "rooms.mine") == first


def test_an_edit_is_seen_even_if_size_and_time_are_the_same(file):
    first = parsing.parsed(file, "mine")
    again()
    file.write_text(TEXT.replace("x = 1", "x = 2"))
    assert parsing.parsed(file, "mine")[0] != first[0]
    again()
    file.write_text(TEXT.replace("why", "not"))
    assert parsing.parsed(file, "mine")[0] == first[0]


def test_the_same_text_in_another_package_imports_other_modules(file):
    assert parsing.parsed(file, "a.mine")[1] != parsing.parsed(file, "b.mine")[1]
    again()
    assert parsing.parsed(file, "b.mine")[1] == ("b", "b.near")


@pytest.mark.parametrize("damage", ["", "[1]", '{"a": 1}', '{"a": [1, 2]}', '{"a": null}', "\xff"])
def test_a_damaged_memory_is_none(file, damage):
    first = parsing.parsed(file, "mine")
    again()
    memory(file).write_text(damage, "latin-1")
    again()
    assert parsing.parsed(file, "mine") == first
    again()
    assert first[0] in json.dumps(json.loads(memory(file).read_bytes()))


def test_a_memory_that_cannot_be_written_is_no_failure(file):
    memory(file).parent.parent.write_text("a file where the cache folder should be")
    first = parsing.parsed(file, "mine")
    again()
    assert parsing.parsed(file, "mine") == first


def test_only_the_latest_files_are_remembered(file, monkeypatch):
    monkeypatch.setattr(parsing, "MOST", 2)
    for i in range(4):
        file.write_text(f"x = {i}\n")
        last = parsing.parsed(file, f"m{i}")
    again()
    found = list(json.loads(memory(file).read_bytes()).values())
    assert len(found) == 2
    assert found[-1] == [last[0], []]
