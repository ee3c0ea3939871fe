"""The pictures of a run show what the run stored, and what its best checkpoint answers."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from hrm import recipes
from hrm.config.learning import Training
from hrm.errors import UserError
from hrm.model import HRM
from hrm.plots import stored
from hrm.recipes import sizing
from hrm.tasks.pattern import Pattern
from hrm.tasks.regression import Regression
from hrm.training import checkpoint, loop, runs, scoring, tracking
from hrm.training.learner import evaluating

ACT = {"width": 8, "heads": 2, "h_layers": 1, "l_layers": 1, "max_steps": 3}
SMALL = {"hidden_low": 8, "hidden_high": 8, "max_cycles": 2}


def made(folder, recipe, settings, task):
    plan = runs.Plan(
        recipe=recipe,
        system=sizing.sized(recipe, settings, task, task.generate(0, 0, 0, 1).test),
        task=task,
        train=12,
        validation=4,
        test=6,
        training=Training(updates=4, batch=4, evaluate_every=2, learning_rate=1e-2),
    )
    runs.execute(plan, folder)
    return folder


@pytest.fixture(scope="module")
def act(tmp_path_factory):
    """A run whose samples halt at different steps."""
    folder = made(tmp_path_factory.mktemp("runs") / "act", "act-v1", ACT, Pattern())
    path = folder / "best.safetensors"
    tree = checkpoint.load(path)
    name = next(n for n in tree["model"] if n.startswith("halting.") and n.endswith("weight"))
    torch.manual_seed(5)
    tree["model"][name] = torch.randn_like(tree["model"][name])
    checkpoint.save(path, tree)
    return folder


@pytest.fixture(scope="module")
def gru(tmp_path_factory):
    return made(tmp_path_factory.mktemp("runs") / "gru", "gru", SMALL, Regression())


@pytest.fixture
def copy(act, tmp_path):
    return shutil.copytree(act, tmp_path / "copy")


def drawn(folder, *only, **options):
    return dict(stored.Pictures(folder, **options).draw(only))


def halted(folder):
    """What the best checkpoint does where it halts, computed without the pictures' code."""
    found = runs.stored(folder / "best.safetensors")
    system = scoring.halting(found.plan.system)
    model = HRM(system.model)
    runs.restored(found.checkpoints["best"], model)
    data = loop.encode(system, found.plan.task, found.plan.splits().test)
    with evaluating(model):
        return model(data.inputs).run


def test_a_run_with_everything_gives_every_picture(act):
    found = drawn(act)
    assert tuple(found) == stored.NAMES
    lacking = {name: why for name, why in found.items() if isinstance(why, str)}
    wanted = "the model doesn't accumulate a halting probability at each position"
    assert lacking == {"positions": wanted}


def test_accumulated_halting_is_drawn_by_position_and_one_level_hands_nothing_over(tmp_path):
    sizes = {"h_dim": 8, "l_dim": 8, "h_layers": 1, "h_heads": 1, "l_heads": 1, "max_steps": 3}
    folder = made(tmp_path / "complete", "complete-tiny", sizes, Pattern())
    board, means = drawn(folder, "positions", board=2)["positions"].axes[:2]
    assert board.get_title(loc="left") == "Board 2"
    assert len(means.lines[0].get_ydata()) == 3
    plan = runs.planned(folder)
    single = replace(
        plan,
        system=replace(
            plan.system,
            model=recipes.plain_transformer(
                vocabulary=13, positions=12, classes=11, width=8, heads=2, layers=1
            ).model,
            objective=recipes.plain_transformer(width=8, heads=2).objective,
        ),
    )
    tracking.JsonLines(folder).start(
        tracking.Run(id="one", configuration=single.to_json(), seeds={}, environment={})
    )
    assert drawn(folder, "communication") == {"communication": "the model has only one level"}


# -- what they show --------------------------------------------------------------------------------
@pytest.mark.promise(
    "complete", "losses by component, accuracy, steps", "hrm plot RUN --only training"
)
def test_the_curve_is_the_tracked_one_with_all_its_losses(copy):
    lines = [{**point, "task_loss": 2.0 * point["step"]} for point in tracking.points(copy)]
    lines[0]["task_loss"] = None
    (copy / "curve.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    losses, scores, steps = drawn(copy, "training")["training"].axes
    shown = {line.get_label(): line for line in losses.lines}
    assert list(shown) == ["total", "task loss", "halt loss", "continue loss"]
    assert shown["total"].get_xdata().tolist() == [2, 4]
    assert shown["total"].get_ydata().tolist() == [line["loss"] for line in lines]
    assert np.array_equal(shown["task loss"].get_ydata(), [np.nan, 8], equal_nan=True)
    assert scores.lines[0].get_ydata().tolist() == [line["unknown"] for line in lines]
    assert steps.lines[0].get_ydata().tolist() == [line["steps"] for line in lines]
    splits = runs.planned(copy).splits()
    expected = scoring.baselines(Pattern(), splits.train, splits.validation)
    levels = {line.get_label(): line.get_ydata()[0] for line in scores.lines[1:]}
    assert levels == {name: found["unknown"] for name, found in expected.items()}


def test_a_diverged_run_has_a_cross_where_it_diverged(copy):
    (copy / "summary.json").write_text('{"status": "diverged", "step": 3, "reason": "nan"}')
    losses = drawn(copy, "training")["training"].axes[0]
    assert [list(x.get_xdata()) for x in losses.lines if x.get_label() == "diverged"] == [[3]]


def test_halting_steps_are_those_of_the_best_checkpoint(act):
    run = halted(act)
    steps = run.steps.double()
    assert len(steps.unique()) > 1
    figure = drawn(act, "halting")["halting"]
    boards = runs.planned(act).splits().test
    (means,) = (line.get_xdata() for line in figure.axes[0].lines)
    values = np.unique(boards.difficulty)
    assert means == pytest.approx([steps[boards.difficulty == v].mean().item() for v in values])
    assert "all steps" in figure.get_suptitle()


@pytest.mark.promise("complete", "halting patterns over steps", "hrm plot RUN --only signals")
def test_signals_are_the_margins_over_live_samples(act):
    run = halted(act)
    signal, live = drawn(act, "signals")["signals"].axes
    assert signal.lines[0].get_ydata()[0] == pytest.approx(np.median(run.margins[0]))
    assert live.lines[1].get_ydata() == pytest.approx(100 * run.live.double().mean(1).numpy())


def test_efficiency_compares_executions_of_the_same_decisions(act):
    steps = halted(act).steps
    left, right = drawn(act, "efficiency")["efficiency"].axes
    lockstep, masked, compacted = (p.get_data().values.tolist() for p in left.patches)
    assert masked == [6] * int(steps.max())
    assert compacted == [int((steps > k).sum()) for k in range(int(steps.max()))]
    assert lockstep[0] == 6
    costs = [line.get_xdata()[0] for line in right.lines]
    assert costs[2] / costs[1] == pytest.approx(sum(compacted) / sum(masked))
    assert "million operations" in right.get_xlabel()
    splits = runs.planned(act).splits()
    trivial = scoring.baselines(Pattern(), splits.train, splits.test)
    levels = {line.get_label(): line.get_ydata()[0] for line in right.lines[3:]}
    assert levels == {name: pytest.approx(found["unknown"]) for name, found in trivial.items()}


def test_the_puzzle_shows_the_answers_up_to_the_runs_own(act):
    found = runs.stored(act / "best.safetensors")
    model = HRM(found.plan.system.model)
    runs.restored(found.checkpoints["best"], model)
    boards = found.plan.splits().test
    answers, _ = scoring.answers(model, found.plan.system, Pattern(), boards)
    titles = []
    for board in (0, 5):
        figure = drawn(act, "puzzle", board=board)["puzzle"]
        names = [axes.get_title(loc="left").split("\n")[0] for axes in figure.axes]
        assert names == ["input", "step 1", "step 2", "step 3", "solution"]
        wrong = (answers[board] != boards.targets[board]) & (boards.inputs[board] >= 11)
        said = f"{wrong.sum()} wrong" if wrong.any() else "all right"
        assert figure.axes[3].get_title(loc="left") == f"step 3\n{said}"
        titles.append([t.get_text() for t in figure.axes[0].texts])
    assert titles[0] != titles[1]


@pytest.mark.promise("complete", "states over the computation", "hrm plot RUN --only states")
def test_states_cover_every_update_of_every_step(act):
    *_, dimensions = drawn(act, "states")["states"].axes
    updates = len(HRM(runs.planned(act).system.model).schedule())
    assert len(dimensions.lines[0].get_ydata()) == 3 * updates + 1


def test_fewer_boards_can_be_looked_at(act):
    left, _ = drawn(act, "efficiency", boards=2)["efficiency"].axes
    assert left.patches[1].get_data().values[0] == 2


# -- what a run can't give -------------------------------------------------------------------------
def test_real_numbers_are_no_board(gru):
    found = drawn(gru)
    assert [name for name, figure in found.items() if isinstance(figure, str)] == [
        "puzzle",
        "positions",
    ]
    assert found["puzzle"] == "Regression's answers are real numbers, not a board"
    assert found["signals"].axes[0].get_ylabel() == "probability to stop"
    assert found["halting"].get_suptitle().endswith("the run evaluates in lockstep")
    assert found["efficiency"].get_suptitle() == ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"obeyed": False}, "the model ignores its halting policy: every sample takes all steps"),
        ({"max_steps": 1}, "the model has no halting: every sample takes 1 step"),
    ],
)
def test_where_nobody_halts_the_reason_is_said(gru, tmp_path, change, reason):
    folder = shutil.copytree(gru, tmp_path / "fixed")
    plan = runs.planned(folder)
    model = replace(plan.system.model, halting=replace(plan.system.model.halting, **change))
    said = tracking.described(folder)
    said["configuration"] = replace(plan, system=replace(plan.system, model=model)).to_json()
    (folder / "run.json").write_text(json.dumps(said))
    found = drawn(folder, "halting", "signals", "efficiency", "architecture")
    assert all(reason in found[name] for name in ("halting", "signals", "efficiency"))
    assert not isinstance(found["architecture"], str)


def test_a_run_that_has_just_begun_gives_its_architecture(copy):
    for name in ("best.safetensors", "last.safetensors", "curve.jsonl"):
        (copy / name).unlink()
    (copy / "curve.jsonl").touch()
    found = drawn(copy)
    assert found["training"] == "the run hasn't been evaluated yet"
    assert [name for name, figure in found.items() if not isinstance(figure, str)] == [
        "architecture"
    ]
    assert found["puzzle"] == "the run has no checkpoint yet"


def test_answers_that_are_no_numbers_are_no_picture(copy):
    tree = checkpoint.load(copy / "best.safetensors")
    tree["model"]["readout.weight"].fill_(3e38)  # finite, and every product is not
    checkpoint.save(copy / "best.safetensors", tree)
    said = "the checkpoint gives answers that are NaN or infinite"
    assert drawn(copy, "puzzle", "efficiency") == {"puzzle": said, "efficiency": said}


def test_what_is_no_run_or_no_board_is_refused(act, tmp_path):
    with pytest.raises(UserError, match=r"allowed is a folder with a run\.json"):
        stored.Pictures(tmp_path)
    with pytest.raises(UserError, match=r"board is 6; allowed is 0 ... 5"):
        stored.Pictures(act, board=6)
    with pytest.raises(UserError, match="boards is 0; allowed is 1 or more"):
        stored.Pictures(act, boards=0)


def test_samples_that_stop_by_the_batchs_mean_are_shown_each_for_itself(tmp_path):
    settings = {"width": 8, "max_steps": 2}
    folder = made(tmp_path / "run", "amulgent-enhanced", settings, Pattern())
    found = drawn(folder, "halting", "puzzle")
    assert found["halting"].get_suptitle().endswith("in the run, the mean over the batch decides")
    titles = [axes.get_title(loc="left").split("\n")[0] for axes in found["puzzle"].axes]
    assert titles[1:3] == ["step 1, segment 1", "step 1, segment 2"]
