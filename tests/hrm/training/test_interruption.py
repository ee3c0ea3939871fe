"""A run that ends at any update goes on to the identical curve and weights."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm.training import loop
from hrm.training.learner import Learner
from tests.hrm.training.small import boards, identical, seeds, task
from tests.hrm.training.test_loop import PowerCut, interrupted


def run(system, training, folder, cuts=()):
    """Train; the power goes before each update that is named, once."""
    data, step, left = loop.encode(system, task, boards.train), Learner.training_step, list(cuts)
    made = [0]

    def cut(learner, batch):
        made[0] += 1
        if left and made[0] == left[0]:
            del left[0]
            raise PowerCut
        return step(learner, batch)

    def score(model):
        return float(model(data.inputs[:4]).prediction.float().mean())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "training_step", cut)
        model = loop.build(system, seeds)
        curve = loop.fit(model, system, training, data, seeds, score, folder)
    return curve, {name: value.clone() for name, value in model.state_dict().items()}


@settings(max_examples=8)
@given(
    name=st.sampled_from(sorted(interrupted)),
    every=st.integers(1, 4),
    updates=st.integers(1, 8),
    data=st.data(),
)
def test_a_run_that_is_cut_at_any_updates_has_the_identical_curve(name, every, updates, data):
    system, training = interrupted[name]
    training = replace(training, updates=updates, evaluate_every=every, warmup=0)
    expected, weights = run(system, training, None)
    cuts = data.draw(st.lists(st.integers(1, updates), min_size=1, max_size=3))
    with tempfile.TemporaryDirectory() as folder:
        for cut in cuts:  # counted from where the run goes on; beyond its end nothing is cut
            try:
                run(system, training, Path(folder), [cut])
            except PowerCut:
                torch.manual_seed(cut)  # whatever else happens in between
        curve, found = run(system, training, Path(folder))
    assert curve == expected
    assert identical(found, weights)
