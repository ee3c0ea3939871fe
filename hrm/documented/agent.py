"""Goals, plans and actions on top of amulgent's model, and the status that its document prints.

    goal → embedding e(text) → halting steps → answer ŷ → plan: the actions that ŷ points at

The embedding is a function of the text: SHAKE-256 of its UTF-8 bytes, read as numbers that are
uniform with mean 0 and variance 1. Therefore a goal has the same embedding in every process and on
every machine, and an agent makes the same plan for it until it learns. The same function gives each
action of the vocabulary its prototype.

Source: document amulgent, "Configuration Options" and "Enhanced Learning & Monitoring"; its public
code embeds texts as random vectors, since it has no text model. Shapes: I the size of embeddings
and answers, A actions.
"""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from hrm import recipes
from hrm.config import QLearning, Restarted, RmsNorm, SwiGlu, Transformer, Vector
from hrm.config.learning import System
from hrm.config.parts import require
from hrm.documented import common
from hrm.documented.replay import Experience, Replay, adam, replay_update
from hrm.errors import UserError
from hrm.training import loop
from hrm.training.learner import evaluating

ACTIONS = ("observe", "recall", "decompose", "compare", "decide", "act", "verify", "revise")
HALTED, WENT_ON = 1.0, 0.1  # rewards of a halting step


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A goal of an agent, in words.

    Raises:
        UserError: If the text is empty.
    """

    text: str

    def __post_init__(self) -> None:
        require(bool(self.text.strip()), "goal", self.text, "a text with words in it", "give one")


@dataclass(frozen=True, kw_only=True)
class Action:
    """An action of the vocabulary, and its prototype's cosine with the plan's direction."""

    name: str
    similarity: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A plan for a goal.

    Args:
        actions: Actions by decreasing similarity: all with a positive one, or only the most
            similar.
        steps: Number of halting steps that the model took.
        confidence: σ(Q_halt − Q_continue) after the last step: above 1/2 the model chose to halt,
            below it reached the last step.
    """

    goal: Goal
    actions: tuple[Action, ...]
    steps: int
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Options(common.DocumentOptions):
    """The configuration that the document prints, key by key, with its values as defaults.

    Args:
        enable: Whether the agent is enabled.
        use_rmsnorm: Whether to normalise by RMSNorm instead of LayerNorm.
        use_swiglu: Whether to use SwiGLU feed-forward networks.
        use_iterative_refinement: Whether the answer of a segment enters the next one.
        refinement_segments: Number of segments with iterative refinement.
        hidden_size: Width of both levels.
        h_layers: Layers of the high level.
        l_layers: Layers of the low level.
        max_steps: Largest number of halting steps.
        learning_rate: Learning rate of replay learning.
        exploration_prob: Probability of exploring the halting decision while learning.
        embedding_size: Size of a goal's embedding and of the answer.
        replay_buffer_size: Number of experiences that are kept.

    Raises:
        UserError: If a value is of another type or impossible.
    """

    enable: bool = True
    use_rmsnorm: bool = False
    use_swiglu: bool = False
    use_iterative_refinement: bool = False
    refinement_segments: int = 2
    hidden_size: int = 256
    h_layers: int = 2
    l_layers: int = 4
    max_steps: int = 10
    learning_rate: float = 1e-4
    exploration_prob: float = 0.1
    embedding_size: int = 64
    replay_buffer_size: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("refinement_segments", "embedding_size", "replay_buffer_size"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more", "raise it")
        require(
            self.hidden_size >= 8 and self.hidden_size % 8 == 0,
            "hidden_size",
            self.hidden_size,
            "a multiple of 8, the number of attention heads",
            "use the documented 256",
        )
        require(
            0 < self.learning_rate < math.inf,
            "learning_rate",
            self.learning_rate,
            "a positive number",
            "use the documented 0.0001",
        )
        self.system()  # refuses the values that the model refuses

    @classmethod
    def read(cls, options: Any) -> Self:
        """Return the options of a dictionary, or of a file in JSON, which may have ``//`` comments.

        The document prints them at the top level and under "hrm"; in the latter case a file may
        have sections of other systems.

        Raises:
            UserError: If the options can't be read, a key is unknown, or a value is refused.
        """
        given = _parsed(Path(options)) if isinstance(options, str | Path) else options
        if isinstance(given, Mapping) and "hrm" in given:
            names = [field.name for field in dataclasses.fields(cls)]
            beside = [name for name in given if name in names]
            mend = "put them under 'hrm' as well"
            require(not beside, "options", beside, "none beside the section 'hrm'", mend)
            given = given["hrm"]
        return common.read(cls, given, "document amulgent, Configuration Options")

    def system(self) -> System:
        """Return the system that is configured."""
        return recipes.amulgent(
            inputs=self.embedding_size,
            outputs=self.embedding_size,
            width=self.hidden_size,
            h_layers=self.h_layers,
            l_layers=self.l_layers,
            max_steps=self.max_steps,
            use_rmsnorm=self.use_rmsnorm,
            use_swiglu=self.use_swiglu,
            use_iterative_refinement=self.use_iterative_refinement,
            refinement_segments=self.refinement_segments,
            exploration=self.exploration_prob,
        )


class Agent:
    """Makes plans for goals, and learns from its own halting when to stop thinking.

    Args:
        system: From `recipes.amulgent`, with answers of the size of its inputs.
        learning_rate: Learning rate of Adam.
        capacity: Capacity of the replay buffer.
        seed: Seed of the weights and of exploration, each with a stream of its own.
        actions: The vocabulary.

    Raises:
        UserError: If the system isn't of that kind, or the vocabulary is empty.

    Example:
        >>> agent = Agent.from_options({"hidden_size": 64, "use_rmsnorm": True})
        >>> goal = Goal(text="Reduce the latency")
        >>> agent.plan(goal) == agent.plan(goal)
        True
    """

    def __init__(
        self,
        system: System,
        *,
        learning_rate: float = 1e-4,
        capacity: int = 1000,
        seed: int = 0,
        actions: Sequence[str] = ACTIONS,
    ) -> None:
        _check(system)
        require(bool(actions), "actions", actions, "one action or more", "use agent.ACTIONS")
        with torch.random.fork_rng(devices=[]):
            self.model = loop.build(system, loop.Seeds(weights=seed, order=seed))
        self.replay = Replay(capacity)
        self.optimiser = adam(self.model, learning_rate)
        self.updates = 0
        self.actions = tuple(actions)
        self._size = system.model.readout.size
        self._exploration = torch.Generator().manual_seed(loop.stream(seed, "exploration"))
        self._prototypes = torch.stack([embed(name, self._size) for name in self.actions])

    @classmethod
    def from_options(cls, options: Any, *, seed: int = 0) -> Self:
        """Build the agent that a dictionary with the document's keys describes; see `Options`.

        Raises:
            UserError: If a key is unknown, a value impossible, or `enable` off.
        """
        return cls.of(Options.read(options), seed=seed)

    @classmethod
    def of(cls, read: Options, *, seed: int = 0) -> Self:
        """Build the agent that options describe.

        Raises:
            UserError: If `enable` is off.
        """
        require(read.enable, "enable", read.enable, "True for an agent", "do without one")
        return cls(
            read.system(),
            learning_rate=read.learning_rate,
            capacity=read.replay_buffer_size,
            seed=seed,
        )

    def plan(self, goal: Goal) -> Plan:
        """Return a plan for a goal, deterministically and without learning.

        The plan has the actions whose prototypes point in the direction ŷ(e) − ŷ(0), in which the
        goal changes the answer; the answers themselves are similar for all goals.
        """
        state = embed(goal.text, self._size)[None]
        with evaluating(self.model):
            found = self.model(state)
            neutral = self.model(torch.zeros_like(state), steps=1)
        moved = (found.prediction - neutral.prediction)[0]
        cosines = torch.cosine_similarity(self._prototypes, moved[None])
        order = cosines.argsort(descending=True, stable=True).tolist()
        chosen = [i for i in order if cosines[i] > 0] or order[:1]
        halt, keep_on = found.run.logits[-1, 0]
        return Plan(
            goal=goal,
            actions=tuple(
                Action(name=self.actions[i], similarity=cosines[i].item()) for i in chosen
            ),
            steps=len(found.run.rows),
            confidence=torch.sigmoid(halt - keep_on).item(),
        )

    def learn(self, goal: Goal) -> float:
        """Run the model on a goal with exploration, record the steps, learn, and return the loss.

        Every step starts on the goal again, so that all give the same answer. The last step halted,
        by choice or because it was the last possible one.

        Raises:
            FloatingPointError: If the loss isn't finite; nothing is learnt then.
        """
        state = embed(goal.text, self._size)[None]
        self.model.train()
        with torch.no_grad():
            found = self.model(state, self.model.draw(1, self._exploration))
        steps = len(found.run.rows)
        for step in range(1, steps + 1):
            halted = step == steps
            self.replay.add(
                Experience(
                    state=state[0],
                    next_state=found.prediction[0],
                    reward=HALTED if halted else WENT_ON,
                    terminal=halted,
                )
            )
        value = replay_update(self.model, self.replay, self.optimiser)
        self.updates += 1
        return value

    def status(self) -> dict[str, dict[str, Any]]:
        """Return the status that the document prints, ready for JSON.

        `architecture` has the switches of the model, with one segment if there is no refinement;
        `model_stats` has its size (trainable parameters are those that learning changes).
        `learning_metrics`, present from the first experience on, has the mean reward of the latest
        10 experiences, the share of the latest 20 that halted, and the utilisation of the buffer.
        """
        c = self.model.config
        assert isinstance(c.low, Transformer) and isinstance(c.high, Transformer)
        assert isinstance(c.halting, QLearning)
        trained = [p for group in self.optimiser.param_groups for p in group["params"]]
        status: dict[str, dict[str, Any]] = {
            "architecture": {
                "use_rmsnorm": isinstance(c.low.norm, RmsNorm),
                "use_swiglu": isinstance(c.low.feed_forward, SwiGlu),
                "use_iterative_refinement": c.segments.connection is not None,
                "refinement_segments": c.segments.count,
                "separate_q_heads": c.halting.heads == 2,
            },
            "model_stats": {
                "total_parameters": sum(p.numel() for p in self.model.parameters()),
                "trainable_parameters": sum(p.numel() for p in trained),
                "hidden_size": c.low.width,
                "h_layers": c.high.layers,
                "l_layers": c.low.layers,
                "max_steps": c.halting.max_steps,
            },
        }
        if len(self.replay):
            rewards = [e.reward for e in self.replay.latest(10)]
            halted = [e.terminal for e in self.replay.latest(20)]
            status["learning_metrics"] = {
                "avg_recent_reward": sum(rewards) / len(rewards),
                "completion_rate": sum(halted) / len(halted),
                "buffer_utilization": self.replay.utilisation,
                "experiences": len(self.replay),
                "updates": self.updates,
            }
        return status


def embed(text: str, size: int) -> Tensor:
    """Return a text's embedding [size]: e_i = √3 · ((n_i + 1/2) / 2³¹ − 1), float32.

    The n_i are the little-endian 32-bit words of SHAKE-256 of the text.
    """
    digest = hashlib.shake_256(text.encode(errors="surrogatepass")).digest(4 * size)
    words = np.frombuffer(digest, dtype="<u4").astype(np.float64)
    return torch.from_numpy(math.sqrt(3) * ((words + 0.5) / 2**31 - 1)).float()


def _parsed(path: Path) -> Any:
    """Return the content of a JSON file, ignoring comments from ``//`` to the end of a line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        bare = re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*', lambda found: found[1] or "", text)
        return json.loads(bare)
    except (OSError, ValueError) as error:
        raise UserError(
            f"options are {str(path)!r}, which can't be read ({error}); allowed is a file in JSON; "
            f"mend it, or pass a dictionary"
        ) from error


def _check(system: System) -> None:
    """Refuse systems whose answers can't be next states, or that have no Q values to learn."""
    c = system.model
    require(
        isinstance(c.embedding, Vector) and c.embedding.size == c.readout.size,
        "readout.size",
        c.readout.size,
        "the size of the input vectors, since a step's answer is the next state",
        "use recipes.amulgent with inputs and outputs alike",
    )
    require(
        isinstance(c.halting, QLearning) and isinstance(c.low, Transformer),
        "halting",
        c.halting,
        "QLearning with Transformer cores",
        "use recipes.amulgent",
    )
    require(
        isinstance(c.carry, Restarted),
        "carry",
        c.carry,
        "Restarted, so that every step is one from the goal itself",
        "use recipes.amulgent",
    )
