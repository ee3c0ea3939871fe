"""Document amulgent: the baseline and its enhancements, feature by feature.

Each switch is turned on alone, then all of them together. For each setting, a model is trained on
small mazes from equal seeds, and an agent with the same switches plans and learns for a few goals;
the document's status reports its learning metrics.

Source: document amulgent, "Baseline vs Enhanced Comparison" and "Enhanced Learning & Monitoring".
"""

from collections.abc import Mapping

from hrm.config.learning import System, Training
from hrm.config.parts import require
from hrm.documented.agent import Goal
from hrm.documented.amulgent import HRMReasoning
from hrm.documented.demos.shown import Say, Shown, table
from hrm.model import HRM
from hrm.plots import agent, training
from hrm.recipes import sizing
from hrm.tasks.maze import Maze
from hrm.training import loop, scoring

UPDATES = 300
TASK = Maze(size=5)
TRAIN, TEST, BATCH = 2048, 256, 64
SIZES: Mapping[str, int] = {"h_layers": 1, "l_layers": 1, "max_steps": 3}
WIDTH = 32
GOALS = ("Find a shorter way", "Reduce the latency", "Explain the result", "Order the steps")
FEATURES: Mapping[str, Mapping[str, bool]] = {
    "baseline": {},
    "RMSNorm": {"use_rmsnorm": True},
    "SwiGLU": {"use_swiglu": True},
    "refinement": {"use_iterative_refinement": True},
    "enhanced": {"use_rmsnorm": True, "use_swiglu": True, "use_iterative_refinement": True},
}


def run(seed: int = 0, updates: int = UPDATES, say: Say = lambda *_: None) -> Shown:
    """Train a model with each feature, and let an agent with that feature learn.

    Raises:
        UserError: If a number is out of its range.
        Diverged: If a loss isn't finite.
    """
    require(seed >= 0, "seed", seed, "0 or more", "choose another seed")
    require(updates >= 1, "updates", updates, "1 or more", f"use {UPDATES}")
    splits = TASK.generate(seed, TRAIN, TEST, TEST)
    arms: dict[str, dict[str, float]] = {}
    curves: dict[str, training.Curve] = {}
    histories: dict[str, list[Mapping[str, float]]] = {}
    for i, (name, switches) in enumerate(FEATURES.items()):
        settings = {**SIZES, **switches, "width": WIDTH}
        system = sizing.sized("amulgent-baseline", settings, TASK, splits.test)
        seeds = loop.Seeds(weights=seed, order=seed)
        model = loop.build(system, seeds)

        def watch(shown: HRM, system: System = system) -> float:
            return scoring.score(shown, system, TASK, splits.validation)["unknown"]

        every = max(1, updates // 10)
        how = Training(updates=updates, batch=BATCH, learning_rate=3e-3, evaluate_every=every)
        data = loop.encode(system, TASK, splits.train)
        moments = loop.fit(model, system, how, data, seeds, watch)
        curves[name] = training.Curve.of(moments)
        found = scoring.score(model, system, TASK, splits.test)
        histories[name] = _learnt(switches, seed)
        arms[name] = {
            "parameters": sum(p.numel() for p in model.parameters()),
            "loss": moments[-1].loss,
            "unknown": found["unknown"],
            "valid": found["valid"],
            "reward": histories[name][-1]["avg_recent_reward"],
            "completion": histories[name][-1]["completion_rate"],
        }
        say((i + 1) / len(FEATURES), f"{name}  loss {moments[-1].loss:.3f}")
    trivial = {
        name: scores["unknown"]
        for name, scores in scoring.baselines(TASK, splits.train, splits.test).items()
    }
    text = (
        f"amulgent on mazes of {TASK.size} x {TASK.size}: {updates} updates each, seed {seed}\n\n"
        f"{table(arms)}\n\n"
        "loss, unknown, valid: of training; right unknown cells and valid answers of "
        f"{TEST} test boards\n"
        f"reward, completion: what the agent's status says after {len(GOALS)} goals\n"
        "trivial methods' unknown: "
        + ", ".join(f"{name} {value:.3f}" for name, value in trivial.items())
        + "\n"
    )
    return Shown(
        text=text,
        data={"seed": seed, "updates": updates, "features": arms, "trivial": trivial},
        figures={
            "features": training.comparison(curves, baselines=trivial),
            "learning": agent.learning(histories),
        },
    )


def _learnt(switches: Mapping[str, bool], seed: int) -> list[Mapping[str, float]]:
    """Return what the agent's status says after each goal."""
    reasoning = HRMReasoning({**SIZES, **switches, "hidden_size": WIDTH}, seed=seed)
    found = []
    for text in GOALS:
        reasoning.agent.learn(Goal(text=text))
        found.append(reasoning.get_status()["learning_metrics"])
    return found
