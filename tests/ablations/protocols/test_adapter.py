"""Own models run under the protocols, by an adapter."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ablations.metrics.curves import Arrival
from ablations.metrics.scores import Accuracy, skill
from ablations.protocols.adapter import Answers, Progress
from ablations.specs.protocols import Bytes, Evaluate, Execute, Forced
from hrm.config.learning import AdamAtan2
from hrm.config.parts import Part
from hrm.errors import Diverged, UserError
from tests.ablations.protocols import plain_network
from tests.ablations.protocols.plain_network import PlainNetwork
from tests.ablations.protocols.tiny import BOARDS, SHORT, TRAIN, board, observed, outcome

LONG = replace(
    TRAIN,
    boards=replace(BOARDS, train=2048, validation=64, test=256),
    training=replace(SHORT, updates=150, batch=64, learning_rate=1e-2, evaluate_every=10),
)


@pytest.fixture(scope="module")
def trained():
    return outcome(LONG, PlainNetwork())


def test_a_plain_torch_module_is_trained_and_judged_like_our_own(trained):
    (found,), ours = trained.observations, observed(TRAIN, board())
    assert set(found) - {"hidden_norm"} == set(ours) - {"update_controller_norm"}
    assert Accuracy().read(found).low > 0.5
    arrival = Arrival(threshold=0.5, cap=150.0, smooth=1).read(found)
    assert 0 < arrival.low == arrival.high < 150
    assert found["update_norm"].all()
    assert found["parameters"] == 80 * 64 + 64 + 64 * 80 + 80
    assert set(found["steps"]) == {1}
    skilled = skill(found)
    assert skilled.margin == pytest.approx(skilled.score - skilled.baseline)


def test_it_is_given_the_boards_that_our_own_are_given(trained):
    (found,), ours = trained.observations, observed(replace(LONG, training=SHORT), board())
    for key in ("trivial_right", "unknown", "difficulty"):
        assert np.array_equal(found[key], ours[key])


def test_its_weights_are_evaluated_again_as_they_are(trained):
    again = observed(Evaluate(after=LONG), PlainNetwork(), weights=trained.weights)
    assert np.array_equal(again["right"], trained.observations[0]["right"])


def test_its_runs_are_a_matter_of_their_seed():
    first, again, other = (
        observed(TRAIN, PlainNetwork(width=8), seed=seed)["update_loss"] for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_its_plants_and_rates_are_the_protocols():
    plain = observed(TRAIN, PlainNetwork(width=8))
    for changed in ({"wrong_labels": 1.0}, {"rate_factors": (0.5, 0.5)}, {"replica": 1}):
        found = observed(replace(TRAIN, **changed), PlainNetwork(width=8))
        assert not np.array_equal(found["update_loss"], plain["update_loss"])


def test_it_is_a_part_like_all_others():
    given = PlainNetwork(width=5)
    assert Part.from_json(given.to_json()) == given
    assert given.fingerprint() != PlainNetwork().fingerprint()


@pytest.mark.parametrize(
    "protocol",
    [Evaluate(after=TRAIN, mode=Forced(steps=2)), Execute(after=TRAIN), Bytes()],
)
def test_what_looks_inside_a_model_is_refused_to_it(protocol):
    with pytest.raises(UserError, match="arm is a PlainNetwork; allowed is System"):
        outcome(protocol, PlainNetwork(width=8))


def test_what_an_adapter_cannot_do_it_refuses():
    with pytest.raises(UserError, match="optimiser is AdamAtan2"):
        outcome(
            replace(TRAIN, training=replace(SHORT, optimiser=AdamAtan2())), PlainNetwork(width=8)
        )


def test_what_is_neither_a_system_nor_foreign_is_no_arm():
    with pytest.raises(UserError, match="arm is a Sudoku; allowed are System and Foreign"):
        outcome(TRAIN, BOARDS.task)


def test_a_loss_that_is_not_finite_ends_a_run_as_diverged():
    progress = Progress(SHORT, lambda answer: 0.0)
    progress.updated(1.0)
    with pytest.raises(Diverged, match="diverged at step 2"):
        progress.updated(float("nan"))


def test_progress_says_when_the_validation_boards_are_due_and_means_since_then():
    asked = []
    progress = Progress(
        replace(SHORT, updates=5, evaluate_every=2), lambda answer: float(len(asked))
    )
    for update in range(1, 6):
        progress.updated(float(update), norm=1.0, steps=2.0 * update)
        if progress.due:
            asked.append(update)
            progress.evaluated(lambda _: Answers(predictions=np.ones(1), steps=np.ones(1)))
    found = progress.observations()
    assert asked == found["evaluation_update"].tolist() == [2, 4, 5]
    assert found["evaluation_loss"].tolist() == [1.5, 3.5, 5.0]
    assert found["evaluation_steps"].tolist() == [3.0, 7.0, 10.0]
    assert found["evaluation_score"].tolist() == [1.0, 2.0, 3.0]


def test_the_worked_example_stays_short():
    lines = Path(plain_network.__file__).read_text("utf-8").splitlines()
    code = lines[lines.index("class PerceptronAdapter(Adapter):") :]
    assert len(code) <= 80
