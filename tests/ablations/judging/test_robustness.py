"""Whether a claim's sign survives elsewhere."""

import dataclasses

import pytest

from ablations.judging.robustness import elsewhere, sign
from ablations.runs.trials import seeds
from ablations.specs.claim import Tier


@pytest.mark.parametrize(
    ("own", "low", "high", "said"),
    [
        (0.3, 0.1, 0.5, "keeps"),
        (0.3, -0.5, -0.1, "turns"),
        (0.3, -0.1, 0.5, "unclear"),
        (-0.3, -0.5, -0.1, "keeps"),
        (-0.3, 0.1, 0.5, "turns"),
        (None, 0.1, 0.5, "unclear"),
        (0.0, 0.1, 0.5, "unclear"),
    ],
)
def test_a_sign_keeps_or_turns_where_all_pairs_lie_on_one_side(own, low, high, said):
    assert sign(own, low, high) == said


def tried(lab, contrasts, n=8):
    claim = lab.statistical()
    variant = dataclasses.replace(
        lab.statistical(name="elsewhere", labels=("base", "new")),
        schedule=dict.fromkeys(Tier, n),
    )
    wider = tuple(
        dataclasses.replace(cell, protocol=dataclasses.replace(cell.protocol, replica=1))
        for cell in variant.cells
    )
    variant = dataclasses.replace(variant, cells=wider)
    memory = lab.Memory().fill(claim, lab.pairs([0.5] * 26), seeds=seeds(claim, 26))
    memory.fill(variant, lab.pairs(contrasts), seeds=seeds(variant, len(contrasts)))
    return elsewhere(claim, {"wider": variant}, lab.desk(memory))


def test_an_estimate_has_the_range_of_its_pairs(lab):
    (found,) = tried(lab, [-0.1, -0.2, -0.3, -0.4, -0.5, -0.6, -0.7, -0.8])
    assert found.estimate == pytest.approx(-0.45)
    assert (found.low, found.high) == (pytest.approx(-0.8), pytest.approx(-0.1))
    assert (found.n, found.sign, found.label) == (8, "turns", "wider")


def test_one_pair_on_the_other_side_leaves_it_unclear(lab):
    (found,) = tried(lab, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, -0.1])
    assert found.sign == "unclear"


def test_few_pairs_have_no_interval(lab):
    (found,) = tried(lab, [0.1, 0.2, 0.3])
    assert (found.low, found.high, found.sign) == (None, None, "unclear")
    assert found.estimate == pytest.approx(0.2)


def test_what_was_not_run_is_not_shown(lab):
    assert tried(lab, []) == ()
