"""Document act-v1: the carry, halting, and evaluation with and without it.

A small `HRMACTv1` learns sudokus of 4 x 4 with a loss on both Q values (the printed loss trains
Q(continue) only). Then the printed loop is run on held-out boards twice with the same weights. As
coded, every sequence takes all steps in evaluation, so that the printed average number of steps is
always ``halt_max_steps``. With ``halt_in_evaluation``, each sequence stops when Q(halt) >
Q(continue).

Source: document act-v1, "Multi-Step Reasoning" and "Evaluation".
"""

from typing import Any

import numpy as np
import torch

from hrm.config.learning import Training
from hrm.config.parts import require
from hrm.documented.act_v1 import HRMACTv1
from hrm.documented.demos.shown import Say, Shown, table
from hrm.model import HRM
from hrm.plots import halting, puzzles
from hrm.tasks.sudoku import Sudoku
from hrm.training import loop, scoring

UPDATES = 250
TASK = Sudoku(size=4, clues=10)
TRAIN, TEST, BATCH = 2048, 128, 64
CONFIG: dict[str, Any] = {
    "batch_size": BATCH,
    "seq_len": TASK.cells,
    "vocab_size": TASK.vocabulary,
    "num_puzzle_identifiers": 1,
    "H_cycles": 2,
    "L_cycles": 2,
    "H_layers": 1,
    "L_layers": 1,
    "hidden_size": 64,
    "num_heads": 4,
    "expansion": 2.0,
    "pos_encodings": "rope",
    "halt_max_steps": 4,
    "halt_exploration_prob": 0.1,
    "forward_dtype": "float32",
}


def run(seed: int = 0, updates: int = UPDATES, say: Say = lambda *_: None) -> Shown:
    """Train the document's model and evaluate it in both ways.

    Raises:
        UserError: If a number is out of its range.
        Diverged: If the loss isn't finite.
    """
    require(seed >= 0, "seed", seed, "0 or more", "choose another seed")
    require(updates >= 1, "updates", updates, "1 or more", f"use {UPDATES}")
    splits = TASK.generate(seed, TRAIN, TEST, TEST)
    torch.manual_seed(loop.stream(seed, "weights"))
    view = HRMACTv1(CONFIG)
    system = view.config.system()
    seeds = loop.Seeds(weights=seed, order=seed)

    def report(moment: loop.Moment, _: int) -> None:
        found = f"loss {moment.loss:.3f}  steps {moment.steps:.2f}"
        say(moment.update / updates, f"update {moment.update} of {updates}  {found}")

    def watch(shown: HRM) -> float:
        return scoring.score(shown, system, TASK, splits.validation)["unknown"]

    every = max(1, updates // 8)
    how = Training(updates=updates, batch=BATCH, learning_rate=3e-3, evaluate_every=every)
    data = loop.encode(system, TASK, splits.train)
    loop.fit(view.model, system, how, data, seeds, watch, report=report)
    arms: dict[str, dict[str, float]] = {}
    steps: dict[str, list[int]] = {}
    answers = splits.test.targets
    for name, halt in (("all steps", False), ("halting", True)):
        other = HRMACTv1({**CONFIG, "halt_in_evaluation": halt}).eval()
        other.load_state_dict(view.state_dict())
        answers, taken = _evaluated(other, splits.test.inputs)
        scores = TASK.score(splits.test, answers)
        steps[name] = taken.tolist()
        arms[name] = {
            "avg_steps": float(taken.mean()),
            "unknown": float(scores.unknown.mean()),
            "valid": float(scores.valid.mean()),
        }
    lines, signals = _carried(view, splits.test.inputs[:8])
    trivial = scoring.baselines(TASK, splits.train, splits.test)
    best = max(trivial, key=lambda name: trivial[name]["unknown"])
    text = (
        f"act-v1 on sudokus of 4 x 4: {updates} updates, seed {seed}\n\n"
        "the carry in training mode, 8 sequences from fresh states:\n"
        + "\n".join(lines)
        + f"\n\n{TEST} held-out boards in evaluation mode, the same weights for both:\n"
        f"{table(arms)}\n\n"
        f"best trivial method's unknown: {trivial[best]['unknown']:.3f} ({best})\n"
        f"avg_steps of all steps is halt_max_steps, {CONFIG['halt_max_steps']}, whatever was "
        "learned: as coded, nothing halts in evaluation;\nhalt_in_evaluation=True, and `hrm eval "
        "--halting`, let each sequence stop for itself\n"
    )
    figures = {
        "signals": halting.signals(*signals, signal="Q(halt) - Q(continue)"),
        "puzzle": puzzles.picture(
            TASK, splits.test.inputs[0], [answers[0]], splits.test.targets[0], names=["answer"]
        ),
    }
    return Shown(
        text=text,
        data={"seed": seed, "updates": updates, "arms": arms, "steps": steps, "trivial": trivial},
        figures=figures,
    )


def _batch(inputs: Any) -> dict[str, torch.Tensor]:
    tokens = torch.from_numpy(inputs)
    return {"inputs": tokens, "puzzle_identifiers": torch.zeros(len(tokens), dtype=torch.int64)}


@torch.no_grad()
def _evaluated(model: HRMACTv1, inputs: Any) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    """Run the printed loop; each sequence's answer and steps are those of when it halted.

    Answers are kept, because a sequence that has halted starts again at the next call.
    """
    batch = _batch(inputs)
    carry = model.initial_carry(batch)
    done = torch.zeros(len(inputs), dtype=torch.bool)
    answers, steps = torch.zeros_like(batch["inputs"]), torch.zeros(len(inputs), dtype=torch.int64)
    while not done.all():
        carry, outputs = model(carry, batch)
        now = carry.halted & ~done
        answers[now], steps[now] = outputs["logits"].argmax(-1)[now], carry.steps[now]
        done |= carry.halted
    return answers.numpy(), steps.numpy()


@torch.no_grad()
def _carried(model: HRMACTv1, inputs: Any) -> tuple[list[str], tuple[Any, Any]]:
    """Return the printed lines of some steps, and the margins of halting, [K, N]."""
    model.train()
    batch = _batch(inputs)
    carry = model.initial_carry(batch)
    lines, margins = [], []
    for step in range(1, CONFIG["halt_max_steps"] + 1):
        carry, outputs = model(carry, batch)
        margins.append((outputs["q_halt_logits"] - outputs["q_continue_logits"]).numpy())
        halted = f"{int(carry.halted.sum())}/{len(carry.halted)}"
        lines.append(f"  step {step}  halted {halted}  steps {carry.steps.tolist()}")
    return lines, (np.stack(margins), np.full(len(inputs), len(margins)))
