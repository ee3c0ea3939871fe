"""Evidence as a store that judging reads, by trial, on any machine and with any release.

A run is found by its trial, since its fingerprint covers versions, and for timings the processor,
which may differ on the reader's machine. Runs of one trial with different sources or versions
aren't mixed: for each kind of trial one edition is read, that of today's sources if it exists, or
else the largest one. If the sources or a metric have changed since, the row says so (`marks`).
"""

import datetime
import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from ablations.evidence import files
from ablations.evidence.asked import digest_of, normal
from ablations.evidence.files import LOST, Runs
from ablations.evidence.series import restored
from ablations.judging import garden, readings
from ablations.metrics.base import Metric
from ablations.metrics.value import Value
from ablations.records.rows import Garden
from ablations.records.trials import Machine, Result, Status, Trial
from ablations.runs import fingerprints
from ablations.runs.fingerprints import kind
from ablations.runs.journal import Journal
from ablations.runs.upkeep import Fault
from hrm.codec import Json
from hrm.config.parts import canonical
from hrm.errors import UserError
from hrm.system.files import read_json

Run = Mapping[str, Json]


def is_evidence(folder: Path) -> bool:
    """Return whether a folder is evidence rather than a store."""
    return (folder / "evidence.json").is_file()


class Evidence:
    """Readings of runs, read-only. Files of runs are loaded at first use."""

    def __init__(self, folder: Path, digests: Mapping[str, str]) -> None:
        self.folder = folder
        self._digests = digests
        self._names = {name.rpartition("-")[2]: name for name in digests}
        self._others: dict[str, list[str]] | None = None
        self._files: dict[str, Runs] = {}
        self._editions: dict[str, Mapping[int, tuple[Runs, Run]]] = {}
        self._found: dict[str, tuple[Runs, Run]] = {}
        self._stale: dict[str, set[str]] = {}

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open evidence; its chain of digests must hold, up to the head that is stated.

        Raises:
            UserError: If it isn't evidence, or not as it was written.
        """
        path = folder / "evidence.json"
        said = read_json(path, "`ablations store compact`", "restore it from git")
        if {key: said.get(key) for key in files.FORMAT} != files.FORMAT:
            raise files.damaged(path, "it is of another format or version")
        journal = Journal(folder / "journal.jsonl")
        broken = journal.verify()
        if broken is None and said.get("head") != journal.head:
            broken = f"its head is {journal.head}, but evidence.json has {said.get('head')}"
        if broken is not None:
            raise files.damaged(journal.path, broken)
        return cls(folder, files.digests(journal.entries()))

    # -- as a store -------------------------------------------------------------------------------
    def key(self, trial: Trial) -> str:
        """Return the fingerprint of a trial's run, or a placeholder if there is no run."""
        name = kind(trial)
        if name not in self._editions:
            self._editions[name] = self._edition(trial, name)
        found = self._editions[name].get(trial.seed)
        if found is None:
            return f"{name}/{trial.seed}"
        key = str(found[1]["fingerprint"])
        self._found[key] = found
        return key

    def get(self, fingerprint: str) -> Result | None:
        """Return the result of a run, without its observations."""
        found = self._found.get(fingerprint)
        if found is None or found[1]["status"] == LOST:
            return None
        return _result(*found)

    def unknown(self, fingerprint: str) -> bool:
        """Return whether a run finished, but its record was lost before it was read."""
        found = self._found.get(fingerprint)
        return found is not None and found[1]["status"] == LOST

    def observations(self, result: Result) -> tuple["Reading", ...]:
        """Return the readings of a run, one object per arm."""
        runs, run = self._found[result.fingerprint]
        stale = self._stale.setdefault(result.fingerprint, set())
        return tuple(Reading(runs, run, arm, stale) for arm in range(len(result.trial.arms) or 1))

    def marks(self, results: Sequence[Result]) -> tuple[str, ...]:
        """Return remarks on runs and readings of earlier commits."""
        old = [result for result in results if result.sources != _sources(result.trial)]
        said = []
        if old:
            commits = sorted({(result.commit or "an unknown commit")[:12] for result in old})
            said.append(
                f"{len(old)} of {len(results)} runs are as of {', '.join(commits)}: "
                "their sources have changed since"
            )
        metrics = {name for r in results for name in self._stale.get(r.fingerprint, ())}
        if metrics:
            said.append(f"Read by an earlier version of {', '.join(sorted(metrics))}")
        return tuple(said)

    # -- whole evidence ---------------------------------------------------------------------------
    @property
    def garden(self) -> tuple[Garden, ...]:
        """Every version of a spec that was judged."""
        return garden.read(self.folder)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all files of runs."""
        return tuple(sorted(self._digests))

    def faults(self) -> Iterator[Fault]:
        """Yield each file of runs that isn't as it was written."""
        for name in self.names:
            try:
                self.file(name)
            except UserError as error:
                yield Fault(path=self.folder / "runs" / f"{name}.jsonl", what=str(error))

    def file(self, name: str) -> Runs:
        """Return a file of runs.

        Raises:
            UserError: If it isn't as it was written.
        """
        if name not in self._files:
            self._files[name] = files.read(self.folder, name, self._digests[name])
        return self._files[name]

    def all(self, trial: Trial) -> list[tuple[Runs, Run]]:
        """Return all runs with a trial's protocol and arms: any seed, sources, versions, device."""
        name = kind(trial)
        found = [self._names[name]] if name in self._names else self._renamed().get(name, [])
        return [(self.file(n), run) for n in found for run in self.file(n).runs.values()]

    def _edition(self, trial: Trial, name: str) -> Mapping[int, tuple[Runs, Run]]:
        """Return the edition of one kind of trial that is read: its runs by seed."""
        editions: dict[str, dict[int, tuple[Runs, Run]]] = {}
        for runs, run in self.all(trial):
            where = runs.where[run["where"]]
            edition = canonical([where["sources"], where["versions"], where["class"]])
            editions.setdefault(edition, {})[run["seed"]] = runs, run
        if len(editions) < 2:
            return next(iter(editions.values()), {})
        today = _sources(trial)

        def order(item: tuple[str, Mapping[int, tuple[Runs, Run]]]) -> tuple[bool, int, str]:
            runs, run = next(iter(item[1].values()))
            return runs.where[run["where"]]["sources"] == today, len(item[1]), item[0]

        return max(editions.items(), key=order)[1]

    def _renamed(self) -> Mapping[str, Sequence[str]]:
        """Return files by the kind that this release gives their trial, if that has changed."""
        if self._others is None:
            self._others = {}
            for name in self.names:
                now = kind(normal(self.file(name).first))
                if now not in self._names:
                    self._others.setdefault(now, []).append(name)
        return self._others


class Reading(readings.Kept):
    """The kept readings of one arm's run.

    Args:
        runs: The file of the run.
        run: The line of the run.
        arm: Index of the arm.
        stale: Set to which names of metrics are added whose code has changed since.
    """

    def __init__(self, runs: Runs, run: Run, arm: int, stale: set[str]) -> None:
        self._runs, self._run, self._arm, self._stale = runs, run, arm, stale

    @functools.cached_property
    def _plain(self) -> dict[str, Any]:
        """The observations that were kept: checks, and series for pictures."""
        checks = {"checks": self._run["checks"][self._arm]} if "checks" in self._run else {}
        series = self._run.get("series", {}).get(str(self._arm), {})
        return checks | restored(self._runs, series)

    def value(self, metric: Metric) -> Value:
        return files.unpacked(self._of(metric, self._run.get("values", {})))

    def extreme(self, metric: Metric) -> str:
        keys = self._runs.keys(self._arm, _text(metric))
        return next((t for k, t in self._run.get("ends", {}).items() if k in keys), "")

    def margin(self) -> tuple[float, float]:
        found = self._run.get("skill", {})[str(self._arm)]
        if found is None:
            raise KeyError("the run wasn't scored")
        return float(found[0]), float(found[1])

    def __getitem__(self, key: str) -> Any:
        return self._plain[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plain)

    def __len__(self) -> int:
        return len(self._plain)

    def _of(self, metric: Metric, values: Mapping[str, Json]) -> Json:
        """Return the value by the present code if there is one, or else by an earlier version."""
        keys = [k for k in self._runs.keys(self._arm, _text(metric)) if k in values]
        today = [k for k in keys if digest_of(metric) in self._runs.readings[k]["sources"]]
        if today:
            return values[today[0]]
        if not keys:
            raise UserError(
                f"evidence has no reading of {type(metric).__name__}; allowed are metrics that "
                "were read when the runs were compacted; compact the runs again"
            )
        self._stale.add(type(metric).__name__)
        return values[max(keys, key=lambda k: self._runs.readings[k]["order"])]


@functools.lru_cache(maxsize=1024)
def _text(metric: Metric) -> str:
    return canonical(metric.to_json())


@functools.lru_cache(maxsize=1024)
def _machine(text: str) -> Machine:
    return Machine.from_json(json.loads(text))


def _result(runs: Runs, run: Run) -> Result:
    where = runs.where[run["where"]]
    started = datetime.datetime.fromisoformat(run["attempt"][:23])
    return Result(
        fingerprint=run["fingerprint"],
        attempt=run["attempt"],
        trial=replace(runs.first, seed=run["seed"]),
        status=Status(run["status"]),
        observations=(),
        error=run.get("error"),
        deaths=run.get("deaths", 0),
        wall_seconds=run["wall"],
        cpu_seconds=run["cpu"],
        peak_memory_bytes=run["memory"],
        machine=replace(
            _machine(json.dumps({**where["machine"], "load": 0.0})), load=float(run["load"])
        ),
        versions=where["versions"],
        sources=where["sources"],
        commit=where["commit"],
        dirty=where["dirty"],
        started=started.isoformat(),
    )


def _sources(trial: Trial) -> str | None:
    """Return the digest of a trial's present sources, None if a module doesn't exist any more."""
    try:
        return fingerprints.source_digest(trial)
    except (ModuleNotFoundError, UserError, AttributeError):
        return None
