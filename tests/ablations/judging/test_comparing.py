"""Two reports, claim by claim: what moved, and why."""

from dataclasses import replace

import pytest

from ablations.judging.comparing import compared, why
from ablations.records.origins import Origin
from ablations.rule import Word
from tests.reports.made import AGREES, make_part, make_report, make_row, with_parts

ORIGIN = Origin(
    spec="a" * 64,
    sources=("1" * 12,),
    commits=("c" * 40,),
    machines=("one processor",),
    versions={"torch": "2.13.0", "numpy": "2.4.6"},
)


def row(name, word, estimate=0.7, **changes):
    made = with_parts(name, word, make_part(word, estimate), **changes)
    return replace(made, origin=ORIGIN)


def between(before, after):
    names = ("old", "new")
    return compared(make_report(tuple(before)), make_report(tuple(after)), names)


def test_claims_are_sorted_by_how_far_they_moved():
    before = [row(name, Word.CONFIRMED) for name in ("same", "group", "word", "number", "gone")]
    after = [
        row("number", Word.CONFIRMED, 0.4),
        row("same", Word.CONFIRMED),
        row("group", Word.NO_EFFECT, 1.0),
        row("word", Word.EXCEEDED),
        row("new", Word.CONFIRMED),
    ]
    found = between(before, after)
    assert [move.id for move in found.moved] == ["group"]
    assert [move.id for move in found.reworded] == ["word"]
    assert [move.id for move in found.shifted] == ["number"]
    assert (found.equal, found.missing, found.added) == (1, ("gone",), ("new",))
    assert (found.before, found.after) == ("old", "new")
    (move,) = found.moved
    assert (move.before.word, move.after.word) == (Word.CONFIRMED, Word.NO_EFFECT)
    assert (move.before.estimate, move.after.estimate) == (0.7, 1.0)


def test_an_estimate_within_the_others_interval_has_not_shifted():
    near = [row("claim", Word.CONFIRMED, 0.7, low=0.6, high=0.8)]
    other = [row("claim", Word.CONFIRMED, 0.75, low=0.74, high=0.76)]
    assert between(near, other).equal == 1
    open_ended = [row("claim", Word.CONFIRMED, 0.1, low=None, high=None)]
    assert between(near, open_ended).equal == 1
    far = [row("claim", Word.CONFIRMED, 0.5, low=0.45, high=0.55)]
    assert between(near, far).equal == 0


def test_a_check_with_another_value_has_shifted():
    one = make_row("exact", Word.EXACT, checks=(AGREES,))
    other = make_row("exact", Word.EXACT, checks=(replace(AGREES, observed="844,611"),))
    assert [move.id for move in between([one], [other]).shifted] == ["exact"]
    assert between([one], [one]).equal == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"spec": "b" * 64}, "the spec changed: aaaaaaaaaa before, bbbbbbbbbb after"),
        ({"sources": ("2" * 12,)}, "code that the runs rest on changed: sources 1111111111"),
        ({"versions": {"torch": "2.14.0", "numpy": "2.4.6"}}, "torch 2.13.0 before, 2.14.0 after"),
        ({"versions": {"torch": "2.13.0"}}, "numpy 2.4.6 before, none after"),
        ({"machines": ("another", "third")}, "another machine: one processor before, another and"),
        ({"commits": ("d" * 40,)}, "another commit: cccccccccc before, dddddddddd after"),
    ],
)
def test_why_names_what_differs_and_nothing_else(changes, said):
    before = row("claim", Word.CONFIRMED)
    after = replace(before, origin=replace(ORIGIN, **changes))
    (found,) = why(before, after)
    assert found.startswith(said)
    assert list(why(before, before)) == []


def test_why_names_pairs_first_then_what_makes_a_claim_invalid():
    before = row("claim", Word.CONFIRMED)
    after = row("claim", Word.INVALID, n=16, look=16, faults=("a control failed",))
    assert list(why(before, after)) == [
        "30 seeds (26 read) before, 16 seeds after",
        "only after: a control failed",
    ]
    assert list(why(after, before))[-1] == "only before: a control failed"


def test_a_report_that_does_not_say_what_it_rests_on_has_no_reason():
    before = replace(row("claim", Word.CONFIRMED), origin=None)
    after = replace(row("claim", Word.NO_EFFECT), origin=ORIGIN)
    (move,) = between([before], [after]).moved
    assert move.why == ()
