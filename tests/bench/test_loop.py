"""Both arms of each ratio compute the same before their times are compared."""

import pytest
import torch

from bench import loop, ratio
from hrm.training import loop as train
from hrm.training.learner import Learner


@pytest.fixture
def pairs(monkeypatch):
    """The pairs that a suite hands over to be timed."""
    seen = []

    def paired(pair, clock, blocks, leg):
        seen.append(pair)
        return [1.0]

    monkeypatch.setattr(ratio, "paired", paired)
    return seen


@pytest.mark.parametrize("recipe", loop.names)
def test_the_bare_update_is_the_learners_bit_for_bit(recipe):
    made, training = loop.system(recipe), loop.options["plain"]
    bare = loop.bare(recipe, training)
    model = loop.build(made)
    noise = torch.Generator().manual_seed(train.stream(loop.seeds.order, "noise"))
    learner = Learner(model, made, training, noise)
    offered = loop.boards(made).batch(torch.arange(loop.batch))
    with torch.random.fork_rng():  # dropout's masks
        torch.manual_seed(1)
        expected = [learner.training_step(offered)["loss"] for _ in range(3)]
    torch.manual_seed(1)
    assert [bare().item() for _ in range(3)] == expected


@pytest.mark.parametrize("option", loop.options)
def test_updates_of_the_loop_are_compared_with_the_bare_ones_around_them(option, monkeypatch):
    """On a clock that counts updates: the loop's take 3 each, bare ones 1, 2, 3, ..."""
    bare_update, learned = loop.bare, Learner.training_step
    seconds, taken = [0.0], [0]

    def bare(*arguments):
        update = bare_update(*arguments)

        def run():
            taken[0] += 1
            seconds[0] += taken[0]
            return update()

        return run

    def training_step(*arguments):
        seconds[0] += 3.0
        return learned(*arguments)

    monkeypatch.setattr(loop, "bare", bare)
    monkeypatch.setattr(Learner, "training_step", training_step)
    found = loop.loop("gru", loop.options[option], lambda: seconds[0], updates=4)
    assert found == [2 * 3 / (n + n + 1) for n in (2, 3, 4, 5)]


def test_the_loop_is_that_of_fit_at_width_64():
    for recipe in loop.names:
        c = loop.system(recipe).model
        assert (c.low.width, c.high.width) == (64, 64)
    training = loop.options["all"]
    assert training.clip and training.ema and training.warmup


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_both_ways_of_clipping_leave_the_same_gradients(pairs, monkeypatch):
    made, build = [], loop.model

    def model(recipe):
        made.append(build(recipe))
        for p in made[-1].parameters():
            p.grad.fill_(0.5)  # a norm above 1
        return made[-1]

    monkeypatch.setattr(loop, "model", model)
    loop.Steps().track_clip("gru")
    (pair,) = pairs
    pair.first()
    pair.second()
    for a, b in zip(*(m.parameters() for m in made), strict=True):
        assert torch.equal(a.grad, b.grad)
        assert a.grad.abs().max() < 0.5


@pytest.mark.parametrize("figure", ["adamw", "adam_atan2", "average"])
def test_updates_at_once_are_those_that_they_replace(figure, pairs, monkeypatch):
    made = []

    def model(recipe):
        made.append(loop.build(loop.system(recipe)))
        for p in made[-1].parameters():
            p.grad = torch.full_like(p, 1e-3)
        return made[-1]

    monkeypatch.setattr(loop, "model", model)
    averages = []
    for name in ("Averaged", "AveragedModel"):
        owner = loop.averages if name == "Averaged" else loop
        kind = getattr(owner, name)

        def kept(*arguments, kind=kind, **options):
            averages.append(kind(*arguments, **options))
            return averages[-1]

        monkeypatch.setattr(owner, name, kept)
    getattr(loop.Steps(), f"track_{figure}")("gru")
    (pair,) = pairs
    before = weights(made[0])
    for _ in range(3):
        pair.first()
        pair.second()
    if averages:
        a, b = (weights(average.module) for average in averages)
        assert torch.equal(a, b)
        return
    a, b = map(weights, made)
    assert not torch.equal(a, before)
    assert torch.allclose(a, b, rtol=1e-6, atol=1e-7)


def test_one_call_draws_what_a_call_a_step_draws(pairs):
    loop.Draws().track_noise(3)
    (pair,) = pairs
    first = pair.first()
    again = torch.Generator().manual_seed(0)
    model = loop.model("v2")
    steps = model.halting.max_steps
    assert torch.equal(first, model.draw(3, again))
    assert pair.second().shape == first.shape == (steps, 3, 1)


@pytest.mark.parametrize("mode", ["evaluation", "training"])
@pytest.mark.parametrize("recipe", ["gru", "v2"])
def test_maps_applied_once_give_the_same_loss_and_gradients(recipe, mode, pairs, monkeypatch):
    mapped, map_each = [], loop.AtEachUpdate.forward

    def counted(self, *arguments):
        mapped.append(len(arguments))
        return map_each(self, *arguments)

    monkeypatch.setattr(loop.AtEachUpdate, "forward", counted)
    loop.Maps().track_once(recipe, (8, 16), mode)
    (pair,) = pairs
    torch.manual_seed(1)  # dropout's masks
    loss, gradients = pair.first()
    assert not mapped
    torch.manual_seed(1)
    expected, theirs = pair.second()
    c = loop.system(recipe, 8, 16).model
    assert mapped == ([3] * c.low_steps + [2]) * c.halting.max_steps
    assert torch.equal(loss, expected)
    for name, g in gradients.items():
        if theirs[name] is None:
            assert g is None
        else:
            assert torch.allclose(g, theirs[name], rtol=1e-4, atol=1e-5 * theirs[name].abs().max())
    assert any(g is not None and g.any() for g in gradients.values()) == (mode == "training")


def test_a_batch_is_beside_an_update(pairs):
    loop.Data().track_batch("gru")
    (pair,) = pairs
    assert len(pair.first().inputs) == loop.batch
    assert pair.second().isfinite()
