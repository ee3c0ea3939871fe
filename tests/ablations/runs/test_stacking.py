"""Stacks of trials: each seed's result is what its protocol makes of a training of its own."""

from dataclasses import replace

import numpy as np
import pytest

from ablations.records.trials import Status, Trial
from ablations.runs import fingerprints, runner, stacking
from ablations.runs.fingerprints import fingerprint
from ablations.runs.store import Store
from ablations.runs.workers import Processes, Serial
from ablations.specs.protocols import Boards, Evaluate, Ladder, Train
from hrm import recipes
from hrm.config.learning import Training
from hrm.tasks.sudoku import Sudoku

BOARDS = Boards(task=Sudoku(size=4, clues=(5, 8, 11)), train=32, validation=4, test=8)
TRAIN = Train(boards=BOARDS, training=Training(updates=2, batch=8, evaluate_every=1))
SYSTEM = recipes.amulgent(inputs=80, outputs=80, width=8, h_layers=1, l_layers=1, max_steps=1)
POLICY = recipes.gru(inputs=80, outputs=80, hidden_low=4, hidden_high=8, max_cycles=2)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store.open(tmp_path_factory.mktemp("stacks") / "store", create=True)


def trials(device, protocol=TRAIN, arm=SYSTEM, seeds=range(3)):
    encoded, arms = protocol.to_json(), (arm.to_json(),)
    return [Trial(protocol=encoded, arms=arms, seed=seed, device=device) for seed in seeds]


def ran(store, asked, **options):
    runner.run(asked, store, Serial(), **options)
    return [store.get(fingerprint(trial)) for trial in asked]


def test_seeds_of_an_arm_are_trained_in_stacks_and_each_has_its_own_result(store):
    after = trials("cpu-stacked", Evaluate(after=TRAIN), seeds=[0])
    stacked = ran(store, [*trials("cpu-stacked"), *after], stack=2)
    alone = ran(store, trials("cpu"))
    sizes = []
    for one, other in zip(alone, stacked[:3], strict=True):
        assert other.status is Status.OK, other.error
        (found,), (again,) = store.observations(one), store.observations(other)
        sizes.append(again["stack"])
        assert set(again) == {*found, "stack"}
        for name in ("update_loss", "update_norm", "evaluation_loss", "evaluation_score"):
            np.testing.assert_allclose(again[name], found[name], rtol=1e-4)
        assert again["rate_factor"] == found["rate_factor"]
        assert other.cpu_seconds > 0
    assert sizes == [2, 2, 1]
    assert stacked[3].status is Status.OK, stacked[3].error


def test_a_stacked_trial_has_a_fingerprint_of_its_own():
    (one,), (other,) = trials("cpu", seeds=[0]), trials("cpu-stacked", seeds=[0])
    assert fingerprint(one) != fingerprint(other)
    assert fingerprints.device_class("cpu-stacked", alone=False) == "cpu stacked"


def test_what_cant_be_stacked_is_trained_seed_by_seed_to_the_same_bits(store):
    asked = [trials(device, arm=POLICY, seeds=[0, 1]) for device in ("cpu", "cpu-stacked")]
    alone, apart = (ran(store, each, stack=2) for each in asked)
    assert [one.status for one in apart] == [Status.OK] * 2, apart[0].error
    assert [one.sidecar for one in apart] == [one.sidecar for one in alone]
    assert "stack" not in apart[0].observations[0]


@pytest.mark.slow
def test_two_processes_train_the_stacks_that_one_does_to_the_same_bits(store, tmp_path):
    asked = [*trials("cpu-stacked", seeds=range(4)), *trials("cpu-stacked", arm=POLICY)]
    here = ran(Store.open(tmp_path / "one", create=True), asked, stack=2)
    events = []
    other = Store.open(tmp_path / "two", create=True)
    runner.run(asked, other, Processes(2), stack=2, on_event=lambda e: events.append(e.what))
    there = [other.get(fingerprint(trial)) for trial in asked]
    assert [one.status for one in there] == [Status.OK] * 7
    assert [(one.sidecar, one.weights) for one in there] == [(o.sidecar, o.weights) for o in here]
    assert [one.observations[0].get("stack") for one in there] == [2] * 4 + [None] * 3
    assert events[:4] == [runner.What.STARTED] * 4, "each worker has a stack of two"


def test_a_seed_that_diverges_is_a_result_and_its_mate_another(store):
    wild = replace(TRAIN, training=replace(TRAIN.training, learning_rate=1e30), replica=1)
    found = ran(store, trials("cpu-stacked", wild, seeds=[0, 1]), stack=2)
    assert [one.status for one in found] == [Status.DIVERGED] * 2
    assert all("diverged at step" in one.error for one in found)


@pytest.mark.parametrize(
    ("protocol", "arm", "said"),
    [
        (TRAIN, POLICY, "a Policy, which need each update"),
        (replace(TRAIN, shadows=(0.9,)), SYSTEM, "shadows, random identities"),
        (replace(TRAIN, compiled=True), SYSTEM, "compiled is True"),
        (
            Ladder(boards=BOARDS, training=TRAIN.training, rungs=2),
            SYSTEM,
            "protocol is Ladder",
        ),
        (Evaluate(after=TRAIN), POLICY, "a Policy, which need each update"),
        (TRAIN, recipes.complete(positions=16), "halting is Accumulated"),
    ],
)
def test_what_cant_be_stacked_is_refused_before_it_is_run(protocol, arm, said):
    assert said in stacking.refusal(trials("cpu-stacked", protocol, arm))
    assert stacking.refusal(trials("cpu", protocol, arm)) == ""


def test_what_can_be_stacked_is_not_refused():
    assert stacking.refusal(trials("cpu-stacked", Evaluate(after=TRAIN))) == ""
