"""The trials of one arm of a sweep, stored in Optuna's journal. Only this module uses Optuna.

The journal is a file of JSON lines without pickled data (Optuna's journals of other kinds pickle
snapshots).
"""

import contextlib
import importlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from hrm.config.parts import canonical
from hrm.errors import UserError
from hrm.sweeps.space import Choice, Space
from hrm.system.files import damaged, read_lines
from hrm.training import loop

_median_after = 5  # trials that run to their end before pruning begins
_guard = ("a sweep", "take the line out, or name another folder or --storage")
_most_deaths = 3
_states = {"finished": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a trial ended.

    Args:
        state: "finished", "pruned" or "failed".
        value: The best validation score of a finished trial.
        reason: Why another trial ended.
    """

    state: str
    value: float | None = None
    reason: str = ""


@contextlib.contextmanager
def journal(path: Path) -> Iterator[Path]:
    """Lock a journal for one process, and remove an incomplete line that a killed process left.

    Raises:
        UserError: If another process has locked it, or a line of it is damaged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(path.with_name(f".{path.name}.lock"), timeout=0):
            path.with_name(f"{path.name}.lock").unlink(missing_ok=True)  # Optuna's own lock
            path.touch()
            with path.open("r+b") as file:
                file.truncate(file.read().rfind(b"\n") + 1)
            read_lines(path, *_guard, "op_code")
            yield path
    except filelock.Timeout as error:
        raise UserError(
            f"storage is {str(path)!r}, which another process uses; allowed is a file that is "
            f"free; wait for it, or name another"
        ) from error


class Study:
    """One arm's trials.

    Args:
        arm: Name of the arm.
        path: From `journal`; a journal may have several arms.
        sweep: The definition that the trials depend on.
        space: The search space.
        seed: Seed of the search.
        prune: Whether trials may be ended early, see `Trial.hopeless`.

    Raises:
        UserError: If Optuna is missing, or the journal is damaged or holds another sweep's trials.
    """

    def __init__(
        self,
        arm: str,
        path: Path,
        sweep: Mapping[str, Any],
        *,
        space: Space,
        seed: int,
        prune: bool,
    ) -> None:
        self._optuna = optuna = _imported()
        self.space, self.seed = space, seed
        pruners = optuna.pruners
        try:
            storage = optuna.storages.JournalStorage(
                optuna.storages.journal.JournalFileBackend(str(path))
            )
        except (LookupError, TypeError, ValueError, AssertionError) as error:
            why = f"Optuna can't replay it: {error!r}"
            raise damaged(path, why, "a sweep", "name another folder or --storage") from error
        self._study = optuna.create_study(
            study_name=arm,
            storage=storage,
            direction="maximize",
            pruner=pruners.MedianPruner(_median_after) if prune else pruners.NopPruner(),
            load_if_exists=True,
        )
        before = json.loads(self._study.user_attrs.get("sweep", canonical(sweep)))
        longer = before["trials"] <= sweep["trials"] and before | {"trials": sweep["trials"]}
        if longer == sweep:  # the same, or extended
            self._study.set_user_attr("sweep", canonical(sweep))
        else:
            raise UserError(
                f"storage is {str(path)!r}, which holds another sweep's trials of {arm!r}; allowed "
                f"is a new file, or that of this sweep; name another"
            )

    def ended(self, number: int) -> bool:
        """Whether a trial is over."""
        trials = self._study.trials
        return number < len(trials) and bool(trials[number].state.is_finished())

    def begin(self, number: int) -> "Trial":
        """Return the trial with this number, new or interrupted."""
        # Each trial has its own sampler, so that a resumed sweep draws the same values.
        seed = loop.stream(self.seed, f"trial {number}")
        self._study.sampler = self._optuna.samplers.TPESampler(seed=seed)
        trials = self._study.trials
        if number < len(trials):
            trial = self._optuna.trial.Trial(self._study, trials[number]._trial_id)
            return Trial(trial, self.space, known=set(trials[number].intermediate_values))
        trial = self._study.ask()
        assert trial.number == number, (trial.number, number)
        return Trial(trial, self.space, known=set())

    def end(self, trial: "Trial", outcome: Outcome) -> None:
        """Record how a trial ended."""
        trial.trial.set_user_attr("reason", outcome.reason)
        state = self._optuna.trial.TrialState[_states[outcome.state]]
        self._study.tell(trial.trial, outcome.value, state=state)

    def died(self, trial: "Trial", reason: str) -> bool:
        """Record that the process of a trial died, and return whether to repeat the trial.

        A process seldom dies because of the configuration; other causes are memory that other
        processes use, or a machine that goes down. A trial whose process died several times counts
        as failed.
        """
        deaths = self._study.trials[trial.trial.number].user_attrs.get("deaths", 0) + 1
        trial.trial.set_user_attr("deaths", deaths)
        if deaths < _most_deaths:
            return True
        self.end(trial, Outcome(state="failed", reason=f"{reason}, {deaths} times"))
        return False

    def fields(self, number: int) -> dict[str, Any]:
        """Return the fields that a trial set."""
        found = self._study.trials[number].params
        return {
            name: json.loads(found[name]) if isinstance(part, Choice) else found[name]
            for name, part in self.space.items()
        }

    def outcome(self, number: int) -> Outcome:
        """Return how a trial ended."""
        trial = self._study.trials[number]
        state = next(ours for ours, theirs in _states.items() if theirs == trial.state.name)
        value = trial.value if state == "finished" else None
        return Outcome(state=state, value=value, reason=trial.user_attrs["reason"])


class Trial:
    """A trial that is running."""

    def __init__(self, trial: Any, space: Space, known: set[int]) -> None:
        self.trial, self._known = trial, known
        self.fields = {name: self._suggested(name, part) for name, part in space.items()}

    def hopeless(self, update: int, score: float) -> bool:
        """Record a validation score, and return whether to end the trial early."""
        if update not in self._known:  # a resumed run repeats some of its evaluations
            self._known.add(update)
            self.trial.report(score, update)
        return bool(self.trial.should_prune())

    def _suggested(self, name: str, part: Any) -> Any:
        if isinstance(part, Choice):
            texts = [canonical(choice) for choice in part.choices]
            return json.loads(self.trial.suggest_categorical(name, texts))
        if part.whole:
            step = part.step or 1
            return self.trial.suggest_int(name, part.low, part.high, step=step, log=part.log)
        return self.trial.suggest_float(name, part.low, part.high, step=part.step, log=part.log)


def _imported() -> Any:
    """Import Optuna, and limit its log to warnings."""
    try:
        optuna = importlib.import_module("optuna")
    except ImportError as error:
        raise UserError(
            f"sweeps need Optuna, which can't be imported ({error}); allowed is an environment "
            f"that has it; pip install -c constraints.txt -e '.[sweeps]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
