"""Stacked seeds: each as in any other stack, and as by itself to rounding."""

import functools
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from hrm import recipes
from hrm.config.learning import AdamAtan2, AdamAtan2AsCoded, AdamW, Depth, SignSGD, System, Training
from hrm.errors import Diverged, UserError
from hrm.model.registry import built
from hrm.training import loop, stacked
from hrm.training.loop import Encoded, Seeds
from hrm.training.stacked import Member
from hrm.training.stacked_optim import Adam

CELLS, CLASSES, IDENTITIES, BOARDS = 6, 5, 4, 24
TRAINING = Training(updates=4, batch=8, evaluate_every=2, learning_rate=3e-3, clip=1.0)
vectors = {"inputs": CELLS * CLASSES, "outputs": CELLS * CLASSES}
tokens = {"vocabulary": CLASSES, "positions": CELLS, "classes": CLASSES}
levels = {"width": 8, "heads": 2, "h_layers": 1, "l_layers": 1}
never = replace(TRAINING, halts_from=1.0)  # halting is no part of training
v2 = recipes.v2(**vectors, hidden_low=8, hidden_high=16, max_cycles=3, use_per_sample_act=True)
act = recipes.act_v1(**tokens, **levels, max_steps=3, exploration=0.5)
puzzles = recipes.act_v1(
    **tokens, **levels, max_steps=2, puzzle_size=8, identities=IDENTITIES, learned_positions=True
)
decayed = replace(TRAINING, weight_decay=0.1, warmup=2, puzzle_rate=1e-2)

COURSES: dict[str, tuple[System, Training]] = {
    "gru": (recipes.gru(**vectors, hidden_low=4, hidden_high=8, max_cycles=2), never),
    "v2, dropout": (v2, replace(never, halting_rate=1e-3)),
    "amulgent": (
        recipes.amulgent(**vectors, width=8, h_layers=1, l_layers=1, max_steps=1),
        replace(TRAINING, optimiser=AdamAtan2(), weight_decay=0.1),
    ),
    "segments": (
        recipes.act_v1_vector(**vectors, width=8, heads=2, segments=2, every_segment=True),
        replace(TRAINING, ema=0.9),
    ),
    "depths": (act, replace(TRAINING, depths=(Depth(until=0.5, cycles=1, low_steps=1),))),
    "puzzles": (puzzles, decayed),
    "puzzles by Adam": (puzzles, replace(decayed, puzzle_optimiser=AdamW())),
    "tiny network": (
        recipes.tiny_network(
            **tokens, width=8, heads=2, h_cycles=2, l_cycles=2, prefix=1, identities=IDENTITIES
        ),
        replace(TRAINING, ema=0.99),
    ),
}


def data_of(system: System, seed: int) -> Encoded:
    drawn = torch.Generator().manual_seed(seed)
    reads = system.model.embedding.reads
    inputs = torch.randint(CLASSES, (BOARDS, CELLS), generator=drawn)
    shown = inputs
    if reads != "tokens":
        shown = torch.nn.functional.one_hot(inputs, CLASSES).float().flatten(1)
    identities = inputs[:, 0] % IDENTITIES if reads == "tokens" else None
    return Encoded(inputs=shown, targets=inputs.flip(1), identities=identities)


class Course:
    """What a seed's training told: its updates, the weights that were watched, how it ended."""

    def __init__(self, system: System, training: Training, seed: int) -> None:
        self.system, self.training = system, training
        self.seeds = Seeds(weights=seed, order=seed)
        self.model = loop.build(system, self.seeds)
        self.data = data_of(system, seed)
        self.updates: list[dict[str, float]] = []
        self.watched: list[dict[str, Tensor]] = []
        self.end: Diverged | None = None

    def watch(self, shown: torch.nn.Module) -> float:
        assert not shown.training
        self.watched.append({n: t.clone() for n, t in shown.state_dict().items()})
        return 0.0

    def alone(self) -> "Course":
        told = {"measured": lambda found: self.updates.append(dict(found))}
        given = (self.model, self.system, self.training, self.data, self.seeds, self.watch)
        try:
            loop.fit(*given, **told)
        except Diverged as error:
            self.end = error
        return self

    def member(self) -> Member:
        return Member(
            model=self.model,
            training=self.training,
            data=self.data,
            seeds=self.seeds,
            watch=self.watch,
            measured=lambda found: self.updates.append(dict(found)),
        )


def factor(seed: int) -> float:
    return 1 + seed / 10


def courses(system: System, training: Training, seeds: Sequence[int]) -> list[Course]:
    rates = [n for n in stacked.RATES if getattr(training, n) is not None]
    return [
        Course(system, replace(training, **{n: getattr(training, n) * factor(s) for n in rates}), s)
        for s in seeds
    ]


def together(found: list[Course]) -> list[Course]:
    ends = stacked.fit(found[0].system, [course.member() for course in found])
    for course, end in zip(found, ends, strict=True):
        course.end = end
    return found


def same_bits(one: Course, other: Course) -> bool:
    pairs = zip(one.watched, other.watched, strict=True)
    return one.updates == other.updates and all(
        torch.equal(a[name], b[name]) for a, b in pairs for name in a
    )


@functools.cache
def two(name: str) -> list[Course]:
    """The stack of seeds 0 and 1."""
    return together(courses(*COURSES[name], range(2)))


@pytest.mark.parametrize("name", COURSES)
def test_a_seed_takes_its_own_course_to_rounding(name):
    system, training = COURSES[name]
    stack = two(name)
    serial = [course.alone() for course in courses(system, training, range(2))]
    for one, other in zip(serial, stack, strict=True):
        assert len(other.updates) == training.updates
        for update, (found, again) in enumerate(zip(one.updates, other.updates, strict=True)):
            assert again == pytest.approx(found, rel=1e-4, abs=1e-6), update
            assert again["loss"] == pytest.approx(found["loss"], rel=1e-5), update
        assert len(other.watched) == 2
        for was, now in zip(one.watched, other.watched, strict=True):
            torch.testing.assert_close(now, was, rtol=1e-3, atol=1e-4)
    assert stack[0].updates[0]["loss"] != stack[1].updates[0]["loss"]


@pytest.mark.parametrize("name", COURSES)
def test_a_seed_has_the_same_bits_in_a_stack_of_2_and_of_8(name):
    few, many = two(name), together(courses(*COURSES[name], [5, 0, 6, 7, 2, 3, 4, 1]))
    assert same_bits(few[0], many[1])
    assert same_bits(few[1], many[7])


def test_a_seed_that_diverges_ends_where_it_would_alone_and_leaves_the_others_alone():
    system, training = COURSES["amulgent"]
    alone, stack = courses(system, training, [0])[0], courses(system, training, range(2))
    for course in (alone, stack[0]):
        course.data.inputs[:] = 1e38  # the first loss is infinite, or no number
    alone.alone()
    together(stack)
    assert alone.end is not None and stack[0].end is not None
    assert (stack[0].end.step, stack[0].end.reason) == (alone.end.step, alone.end.reason)
    assert not stack[0].updates and not stack[0].watched
    assert stack[1].end is None
    assert same_bits(stack[1], two("amulgent")[1])


def test_what_a_watcher_finds_ends_its_seed_alone():
    stack = courses(*COURSES["amulgent"], range(2))

    def refuse(_: object) -> None:
        raise FloatingPointError("its answers are NaN or infinite")

    members = [replace(stack[0].member(), watch=refuse), stack[1].member()]
    ended = stacked.fit(stack[0].system, members)
    assert str(ended[0]) == "diverged at step 2: its answers are NaN or infinite"
    assert ended[1] is None and len(stack[0].updates) == 2
    assert same_bits(stack[1], two("amulgent")[1])


@pytest.mark.parametrize(
    ("system", "training", "said"),
    [
        (v2, TRAINING, "halting is a Policy that ends samples early"),
        (recipes.complete(positions=CELLS), TRAINING, "halting is Accumulated"),
        (act, replace(TRAINING, pieces=2), "pieces is 2"),
    ],
)
def test_what_cant_be_stacked_is_refused_by_name(system, training, said):
    with pytest.raises(UserError, match=f"{said}.*train these seeds one by one"):
        stacked.require_stackable(system, training)


def test_seeds_that_differ_in_more_than_their_rates_are_refused():
    stack = courses(*COURSES["amulgent"], range(2))
    other = replace(stack[1].member(), training=replace(stack[1].training, clip=None))
    with pytest.raises(UserError, match="allowed are differences in the learning rates alone"):
        stacked.fit(stack[0].system, [stack[0].member(), other])


def test_an_optimiser_of_ones_own_is_refused():
    with pytest.raises(UserError, match="optimiser is SignSGD in stacked seeds"):
        Adam(SignSGD(), torch.zeros(2, 32), 0.0)


@pytest.mark.parametrize("part", [AdamW(), AdamAtan2(), AdamAtan2AsCoded(betas=(0.8, 0.9))])
def test_each_row_takes_the_steps_of_the_optimiser_by_itself(part):
    drawn = torch.Generator().manual_seed(0)
    rates, decay = [1e-2, 3e-2], 0.1
    start = torch.randn(2, 32, generator=drawn)
    alone = [torch.nn.Parameter(row.clone()) for row in start]
    each = [built(part, [p], lr=r, weight_decay=decay) for p, r in zip(alone, rates, strict=True)]
    values = start.clone()
    adam = Adam(part, values, decay)
    for _ in range(4):
        gradients = torch.randn(2, 32, generator=drawn)
        adam.step(gradients, None, torch.tensor(rates, dtype=torch.float64))
        for parameter, optimiser, gradient in zip(alone, each, gradients, strict=True):
            parameter.grad = gradient.clone()
            optimiser.step()
    torch.testing.assert_close(values, torch.stack([p.detach() for p in alone]))


def test_what_has_no_gradient_stands_still_decay_included():
    values = torch.ones(2, 64)
    adam = Adam(AdamW(), values, 0.5)
    used = torch.arange(64) < 32
    adam.step(torch.ones(2, 64), used, torch.tensor([0.1, 0.0], dtype=torch.float64))
    assert torch.equal(values[:, 32:], torch.ones(2, 32))
    assert bool((values[0, :32] < 1).all()) and torch.equal(values[1], torch.ones(64))
    assert adam.t.tolist() == [1.0] * 32 + [0.0] * 32
