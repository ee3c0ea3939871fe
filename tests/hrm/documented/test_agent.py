"""Agents: one plan for a goal, learning from halting, and the status that the document prints."""

import json
import math
import subprocess
import sys
from dataclasses import asdict, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm import recipes
from hrm.config import Kept
from hrm.documented.agent import ACTIONS, Agent, Goal, Options, embed
from hrm.errors import UserError
from hrm.training import loop

small = {
    "inputs": 16,
    "outputs": 16,
    "width": 16,
    "h_layers": 1,
    "l_layers": 1,
    "h_cycles": 1,
    "max_steps": 4,
}
systems = {
    "original": recipes.amulgent(**small, original=True),
    "baseline": recipes.amulgent(**small),
    "enhanced": recipes.amulgent_enhanced(**small),
}
goal = Goal(text="Reduce the latency of the slowest endpoint")
goals = [Goal(text=f"{verb} the {n}-th server") for verb in ("start", "stop") for n in range(6)]


def sure(agent: Agent, *, halts: bool) -> None:
    """Make Q(halt) much larger or much smaller than Q(continue), whatever the goal."""
    with torch.no_grad():
        agent.model.halting.heads[0].bias.fill_(100.0 if halts else -100.0)


# -- embeddings -----------------------------------------------------------------------------------
def test_an_embedding_is_its_formula():
    """Checked once by hand: the first words of SHAKE-256 of nothing are 46b9dd2b 0ba88d13."""
    first, second = 0x2BDDB946, 0x138DA80B
    expected = [3**0.5 * ((n + 0.5) / 2**31 - 1) for n in (first, second)]
    assert embed("", 2).tolist() == torch.tensor(expected).tolist()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(text=st.text(st.characters(codec=None)), other=st.text())
def test_an_embedding_is_a_function_of_the_text(text, other):
    assert torch.equal(embed(text, 16), embed(text, 16))
    assert torch.equal(embed(text, 16), embed(other, 16)) == (text == other)
    assert torch.equal(embed(text, 32)[:16], embed(text, 16))


def test_embeddings_have_mean_0_and_variance_1():
    numbers = torch.cat([embed(g.text, 1_000) for g in goals])
    assert abs(numbers.mean()) < 4 / len(numbers) ** 0.5
    assert abs(numbers.var() - 1) < 0.03
    assert numbers.abs().max() <= 3**0.5


def test_a_goal_without_words_is_refused():
    with pytest.raises(UserError, match="goal is '  '; allowed is a text"):
        Goal(text="  ")


# -- plans ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", systems)
def test_the_same_goal_gives_the_same_plan(name):
    agent = Agent(systems[name])
    plan = agent.plan(goal)
    for other in goals[:3]:
        agent.plan(other)
    assert agent.plan(goal) == plan
    assert Agent(systems[name]).plan(Goal(text=goal.text)) == plan
    assert not agent.replay.latest()
    assert "learning_metrics" not in agent.status()


@pytest.mark.parametrize("name", systems)
def test_a_plan_is_made_of_known_actions_in_order_of_similarity(name):
    agent = Agent(systems[name])
    for wanted in goals:
        plan = agent.plan(wanted)
        assert plan.goal == wanted
        similar = [a.similarity for a in plan.actions]
        assert similar == sorted(similar, reverse=True)
        assert all(s > 0 for s in similar) or len(similar) == 1
        assert {a.name for a in plan.actions} <= set(ACTIONS)
        assert len({a.name for a in plan.actions}) == len(plan.actions)
        assert plan.steps in (1, 4)  # every step comes to the same decision
        assert (plan.confidence > 0.5) == (plan.steps == 1)


@pytest.mark.parametrize(
    "system",
    [
        recipes.amulgent(max_steps=1, original=True),
        recipes.amulgent(max_steps=1),
        recipes.amulgent_enhanced(max_steps=1),
    ],
)
def test_different_goals_mostly_get_different_plans(system):
    """At the documented size; more steps would come to the same plans."""
    agent = Agent(system)
    found = {tuple(a.name for a in agent.plan(g).actions) for g in goals}
    assert len(found) >= 0.75 * len(goals)


def test_a_plan_names_the_action_that_the_answer_moves_towards():
    """The nearest prototype comes first, wherever it stands in the vocabulary."""
    agent = Agent(systems["baseline"])
    first = agent.plan(goal).actions[0]
    turned = Agent(systems["baseline"], actions=ACTIONS[::-1])
    assert turned.plan(goal).actions[0] == first
    lone = Agent(systems["baseline"], actions=["wait"]).plan(goal)
    assert [a.name for a in lone.actions] == ["wait"]


def test_another_process_makes_the_same_plan():
    source = (
        "import dataclasses, json, torch\n"
        "from hrm import recipes\n"
        "from hrm.documented.agent import Agent, Goal\n"
        "torch.set_num_threads(1)\n"
        f"agent = Agent(recipes.amulgent_enhanced(**{small!r}), seed=3)\n"
        f"plan = agent.plan(Goal(text={goal.text!r}))\n"
        "print(json.dumps(dataclasses.asdict(plan)))\n"
    )
    run = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    here = Agent(systems["enhanced"], seed=3).plan(goal)
    assert json.loads(run.stdout) == json.loads(json.dumps(asdict(here)))


def test_seeds_differ_and_leave_the_global_stream_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    agents = [Agent(systems["baseline"], seed=seed) for seed in (0, 1)]
    agents[0].learn(goal)
    assert torch.equal(torch.rand(3), expected)
    starts = [a.model.start_low.value for a in agents]
    assert not torch.equal(*starts)


# -- learning -------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", systems)
def test_what_is_learnt_from_are_the_steps_until_the_halt(name):
    agent = Agent(systems[name])
    halts = agent.plan(goal).steps
    agent.learn(goal)
    steps = agent.replay.latest()
    assert halts in (1, 4) and len(steps) in range(1, 5)
    assert [e.terminal for e in steps] == [False] * (len(steps) - 1) + [True]
    assert [e.reward for e in steps] == [0.1] * (len(steps) - 1) + [1.0]
    before = loop.build(systems[name], loop.Seeds(weights=0, order=0)).eval()
    for e in steps:
        assert torch.equal(e.state, embed(goal.text, 16))
        assert torch.equal(e.next_state, before(e.state[None]).prediction[0])


@pytest.mark.promise(
    "amulgent", "exploration in learning", 'HRMReasoning({"exploration_prob": 0.1})'
)
def test_learning_explores_and_planning_does_not():
    """Exploration at every step never halts before the last one."""
    for probability, steps in ((1.0, 4), (0.0, 1)):
        agent = Agent(recipes.amulgent(**small, exploration=probability))
        sure(agent, halts=True)
        assert agent.plan(goal).steps == 1
        agent.learn(goal)
        assert len(agent.replay) == steps


@pytest.mark.parametrize("name", systems)
def test_an_agent_learns_what_halting_earns(name):
    """With one step at most, every experience ends: Q(halt) goes to 1 and Q(continue) to 0."""
    model = systems[name].model
    model = replace(model, halting=replace(model.halting, max_steps=1))
    agent = Agent(replace(systems[name], model=model), learning_rate=1e-2)
    losses = [agent.learn(goal) for _ in range(40)]
    assert losses[-1] < 0.2 * losses[0]
    assert agent.updates == len(agent.replay) == 40
    if name != "original":  # its loss doesn't say which of the two values it is
        assert agent.plan(goal).confidence == pytest.approx(1 / (1 + math.exp(-1)), abs=0.05)


def test_equal_agents_learn_alike():
    agents = [Agent(systems["enhanced"], seed=2) for _ in range(2)]
    losses = [[agent.learn(g) for g in goals[:5]] for agent in agents]
    assert losses[0] == losses[1]
    assert agents[0].plan(goal) == agents[1].plan(goal)


# -- status ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "parameters", "trainable"),
    [
        ({}, 844_610, 844_610),
        (
            {"use_rmsnorm": True, "use_swiglu": True, "use_iterative_refinement": True},
            1_011_522,
            1_011_522 - 64 * 128,
        ),
    ],
)
def test_the_status_has_the_documented_sizes(options, parameters, trainable):
    agent = Agent.from_options(options | {"hidden_size": 128, "l_layers": 3})
    assert agent.status()["model_stats"] == {
        "total_parameters": parameters,
        "trainable_parameters": trainable,
        "hidden_size": 128,
        "h_layers": 2,
        "l_layers": 3,
        "max_steps": 10,
    }


@pytest.mark.promise("amulgent", "features detected in the status", 'get_status()["architecture"]')
@pytest.mark.parametrize(
    ("name", "switched", "segments", "heads"),
    [("original", False, 1, False), ("baseline", False, 1, True), ("enhanced", True, 2, True)],
)
def test_the_status_has_the_architecture_as_it_was_built(name, switched, segments, heads):
    assert Agent(systems[name]).status()["architecture"] == {
        "use_rmsnorm": switched,
        "use_swiglu": switched,
        "use_iterative_refinement": switched,
        "refinement_segments": segments,
        "separate_q_heads": heads,
    }


@pytest.mark.parametrize("switch", ["use_rmsnorm", "use_swiglu", "use_iterative_refinement"])
def test_each_switch_shows_in_the_status_alone(switch):
    found = Agent.from_options({"hidden_size": 16, switch: True}).status()["architecture"]
    switches = ("use_rmsnorm", "use_swiglu", "use_iterative_refinement")
    assert [s for s in switches if found[s]] == [switch]


@pytest.mark.promise(
    "amulgent",
    "recent reward, completion rate, use of the buffer",
    'get_status()["learning_metrics"]',
)
def test_the_learning_metrics_are_means_over_the_latest_steps():
    agent = Agent(
        recipes.amulgent(**small | {"max_steps": 10}, exploration=0.0),
        capacity=40,
        learning_rate=1e-12,
    )
    for halts, experiences, rate in ((False, 10, 1 / 10), (False, 20, 2 / 20), (True, 21, 3 / 20)):
        sure(agent, halts=halts)
        agent.learn(goal)
        found = agent.status()["learning_metrics"]
        assert found["completion_rate"] == rate
        assert found["experiences"] == experiences
        assert found["buffer_utilization"] == experiences / 40
    assert found["avg_recent_reward"] == pytest.approx((8 * 0.1 + 2 * 1.0) / 10)
    assert found["updates"] == 3


def test_the_status_is_ready_for_json():
    agent = Agent(systems["enhanced"])
    agent.learn(goal)
    status = agent.status()
    assert json.loads(json.dumps(status)) == status


# -- options --------------------------------------------------------------------------------------
documented = {
    "enable": True,
    "use_rmsnorm": False,
    "use_swiglu": False,
    "use_iterative_refinement": False,
    "refinement_segments": 2,
    "hidden_size": 256,
    "h_layers": 2,
    "l_layers": 4,
    "max_steps": 10,
    "learning_rate": 0.0001,
    "exploration_prob": 0.1,
}


@pytest.mark.parametrize("given", [{}, documented, {"hrm": documented}, {"hrm": {}}])
def test_the_printed_configuration_is_the_default(given):
    assert Options.read(given) == Options()


def test_every_option_reaches_what_it_names():
    agent = Agent.from_options(
        {
            "use_rmsnorm": True,
            "use_swiglu": True,
            "use_iterative_refinement": True,
            "refinement_segments": 3,
            "hidden_size": 16,
            "h_layers": 1,
            "l_layers": 2,
            "max_steps": 7,
            "learning_rate": 0.01,
            "exploration_prob": 0.25,
            "embedding_size": 12,
            "replay_buffer_size": 9,
        }
    )
    expected = recipes.amulgent_enhanced(
        inputs=12,
        outputs=12,
        width=16,
        h_layers=1,
        l_layers=2,
        max_steps=7,
        refinement_segments=3,
        exploration=0.25,
    )
    assert agent.model.config == expected.model
    assert agent.optimiser.param_groups[0]["lr"] == 0.01
    assert agent.replay.capacity == 9


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"use_rms_norm": True}, "'use_rms_norm'; allowed are enable, .* mean 'use_rmsnorm'"),
        ({"hrm": {}, "use_swiglu": True}, "allowed is none beside the section 'hrm'"),
        ([("enable", True)], "a dictionary"),
        (None, "a dictionary"),
        ({"enable": False}, "enable is False"),
        ({"use_swiglu": "yes"}, "Options.use_swiglu is 'yes'; allowed is bool"),
        ({"hidden_size": 12.5}, "Options.hidden_size is 12.5; allowed is int"),
        ({"hidden_size": 100}, "hidden_size is 100; allowed is a multiple of 8"),
        ({"h_layers": 0}, "layers is 0"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"refinement_segments": 0}, "refinement_segments is 0"),
        ({"learning_rate": 0}, "learning_rate is 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"exploration_prob": 1.5}, "exploration is 1.5"),
        ({"replay_buffer_size": 0}, "replay_buffer_size is 0"),
        ({"embedding_size": 0}, "embedding_size is 0"),
    ],
)
def test_impossible_options_are_refused_with_what_is_allowed(given, message):
    with pytest.raises(UserError, match=message):
        Agent.from_options(given)


@pytest.mark.parametrize(
    ("system", "message"),
    [
        (recipes.amulgent(inputs=8, outputs=4), "readout.size is 4"),
        (recipes.act_v1(), "readout.size is 11"),
        (recipes.gru(inputs=4, outputs=4), "halting is Policy"),
        (
            replace(systems["baseline"], model=replace(systems["baseline"].model, carry=Kept())),
            "carry is Kept",
        ),
    ],
)
def test_other_systems_are_refused(system, message):
    with pytest.raises(UserError, match=message):
        Agent(system)


def test_an_empty_vocabulary_is_refused():
    with pytest.raises(UserError, match="actions is \\(\\); allowed is one action or more"):
        Agent(systems["baseline"], actions=())
