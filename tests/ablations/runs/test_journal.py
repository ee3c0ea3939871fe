import json

import pytest

from ablations.runs.journal import ROOT, Journal


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append([{"what": "a"}, {"what": "b"}])
    journal.append([{"what": "c"}])
    return journal


def test_lines_come_back_in_order_each_with_the_digest_of_the_one_before(journal):
    entries = list(journal.entries())
    assert [entry["what"] for entry in entries] == ["a", "b", "c"]
    assert entries[0]["previous"] == ROOT
    assert len({entry["previous"] for entry in entries} | {journal.head}) == 4
    assert journal.verify() is None


def test_an_absent_journal_is_an_empty_one(tmp_path):
    journal = Journal(tmp_path / "absent")
    assert (list(journal.entries()), journal.head, journal.verify()) == ([], ROOT, None)
    journal.append([])
    assert not journal.path.exists()


@pytest.mark.parametrize("broken", [0, 1])
@pytest.mark.parametrize("edit", ["change", "remove", "repeat", "spoil"])
def test_the_first_broken_line_is_named(journal, broken, edit):
    lines = journal.path.read_bytes().splitlines(keepends=True)
    new = {
        "change": [lines[broken].replace(b'"what": "', b'"what": "x')],
        "remove": [],
        "repeat": [lines[broken]] * 2,
        "spoil": [b"{\n"],
    }[edit]
    lines[broken : broken + 1] = new
    journal.path.write_bytes(b"".join(lines))
    named = broken + {"change": 2, "remove": 1, "repeat": 2, "spoil": 1}[edit]
    assert f"line {named} of" in str(journal.verify())


def test_lines_that_are_removed_at_the_end_are_missed_by_the_head_alone(journal):
    head = journal.head
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join(lines[:2]))
    assert journal.verify() is None
    assert journal.head != head


def test_an_unfinished_last_line_is_none_and_the_next_one_takes_its_place(journal):
    with journal.path.open("ab") as file:
        file.write(b'{"previous": "')
    assert [entry["what"] for entry in journal.entries()] == ["a", "b", "c"]
    assert journal.verify() is None
    journal.append([{"what": "d"}])
    assert [json.loads(line)["what"] for line in journal.path.read_text().splitlines()] == list(
        "abcd"
    )
    assert journal.verify() is None


def test_what_cannot_be_written_leaves_the_journal_as_it_was(journal, monkeypatch):
    before = journal.path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        journal.append([{"what": "d"}])
    assert journal.path.read_bytes() == before
