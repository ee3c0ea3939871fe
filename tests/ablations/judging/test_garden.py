"""Every version of a spec that was judged stays visible."""

import dataclasses

import pytest

from ablations.judging import garden
from ablations.judging.report import versions_seen
from ablations.records.rows import Garden
from ablations.rule import Word
from ablations.specs.tests import Difference
from hrm.errors import UserError

TEST = Difference(null=0.1, because="made up")


def seen(lab, claim, memory):
    return versions_seen([claim], lab.desk(memory))


def test_nothing_is_seen_before_the_first_look(lab, tmp_path):
    claim = lab.statistical(TEST)
    memory = lab.Memory().fill(claim, lab.pairs([0.4] * 15))
    assert garden.add(tmp_path, seen(lab, claim, memory)) == ()
    assert list(tmp_path.iterdir()) == []


def test_versions_are_kept_with_the_word_that_each_gave(lab, tmp_path):
    first = lab.statistical(TEST)
    memory = lab.Memory().fill(first, lab.pairs([0.4] * 16))
    garden.add(tmp_path, seen(lab, first, memory))
    stricter = lab.statistical(Difference(null=0.5, because="changed after all"))
    found = garden.add(tmp_path, seen(lab, stricter, memory))
    assert [(one.look, one.word) for one in found] == [(16, Word.CONFIRMED), (16, Word.NO_EFFECT)]
    assert len({one.spec for one in found}) == 2
    row = lab.row(stricter, memory, garden=found)
    assert {one.word for one in row.garden} == {Word.CONFIRMED, Word.NO_EFFECT}


def test_judging_again_adds_nothing(lab, tmp_path):
    claim = lab.statistical(TEST)
    memory = lab.Memory().fill(claim, lab.pairs([0.4] * 16))
    garden.add(tmp_path, seen(lab, claim, memory))
    before = (tmp_path / garden.FILE).read_bytes()
    assert garden.add(tmp_path, seen(lab, claim, memory)) == garden.read(tmp_path)
    assert (tmp_path / garden.FILE).read_bytes() == before


def test_words_for_the_reader_are_no_other_version(lab):
    claim = lab.statistical(TEST)
    reworded = dataclasses.replace(
        claim, reading="in other words", test=dataclasses.replace(TEST, because="other words")
    )
    assert garden.digest(claim) == garden.digest(reworded)
    for other in (
        lab.statistical(dataclasses.replace(TEST, null=0.2)),
        lab.statistical(dataclasses.replace(TEST, fewer=True)),
        lab.statistical(TEST, metric=lab.Number(name="other")),
        lab.statistical(TEST, protocol=lab.TRAIN),
        lab.statistical(TEST, block=3),
    ):
        assert garden.digest(other) != garden.digest(claim)


def test_a_garden_that_can_t_be_read_is_refused_in_one_line(tmp_path):
    (tmp_path / garden.FILE).write_text("{broken\n")
    with pytest.raises(UserError, match=r"garden.jsonl.*can't be read"):
        garden.read(tmp_path)


def test_the_order_of_a_report_s_garden_is_that_of_its_content():
    found = [
        Garden(claim="a", spec=spec, look=look, word=Word.CONFIRMED)
        for spec, look in (("y", 26), ("x", 26), ("x", 16))
    ]
    assert garden.by_claim(found) == garden.by_claim(reversed(found))
