"""A store through any sequence of runs, kills, edits, deletions, restorations and merges.

Beside it goes a model of what it should hold: the attempts at each trial, and which of them can't
be used. Trials add up numbers, without torch.
"""

import contextlib
import json
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tiny_runs.kinds import Number, Tiny

from ablations.records.trials import Trial
from ablations.runs import upkeep
from ablations.runs.fingerprints import fingerprint
from ablations.runs.journal import Journal
from ablations.runs.runner import run
from ablations.runs.store import Store
from ablations.runs.workers import Serial
from hrm.errors import UserError

SEEDS = range(4)
HERE, THERE = 0, 1  # the store, and one that is merged into it
stores = st.sampled_from([HERE, THERE])
some_seeds = st.sets(st.sampled_from(SEEDS), min_size=1)


class Killed(BaseException):
    """Ends a run where it stands, as SIGKILL does."""


class StoreMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.log = self.root / "log"
        protocol = Tiny(path=str(self.log)).to_json()
        arms = (Number().to_json(),)
        self.trials = [Trial(protocol=protocol, arms=arms, seed=seed) for seed in SEEDS]
        self.prints = [fingerprint(trial) for trial in self.trials]
        self.folders = [self.root / "here", self.root / "there"]
        for folder in self.folders:
            Store.open(folder, create=True)
        self.attempts = [{}, {}]  # path within the store -> bytes as written
        self.arrays = {}  # the same for the arrays beside a record, which both stores share
        self.faulty = [set(), set()]

    def teardown(self):
        shutil.rmtree(self.root)

    # -- the model --------------------------------------------------------------------------------
    def finished(self, which):
        """The attempt that stands for each trial that needn't be run: the first."""
        found = {}
        for path in sorted(self.attempts[which]):
            found.setdefault(path.parent.name, path)
        return found

    def journaled(self, which):
        lines = Journal(self.folders[which] / "journal.jsonl").entries()
        return {
            Path("runs", line["fingerprint"], f"{line['attempt']}.json")
            for line in lines
            if line["what"] == "stored"
        }

    def take_in(self, which):
        """Add records that are new to the model."""
        folder = self.folders[which]
        for path in sorted(folder.glob("runs/*/*.json")):
            self.attempts[which].setdefault(path.relative_to(folder), path.read_bytes())
            arrays = path.with_suffix(".safetensors")
            self.arrays.setdefault(arrays.relative_to(folder), arrays.read_bytes())

    def executed(self):
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [int(line.split()[0]) for line in lines]

    def in_order(self, paths):
        """By seed, then time: fingerprints hold the log's path, which is another every time."""
        return sorted(paths, key=lambda path: (self.prints.index(path.parent.name), path.name))

    def due(self, which, seeds):
        done = self.finished(which)
        return sorted(seed for seed in seeds if self.prints[seed] not in done)

    # -- what happens -----------------------------------------------------------------------------
    @rule(which=stores, seeds=some_seeds)
    def run(self, which, seeds):
        """A run, and the same after an interruption, does what is missing and nothing else."""
        before, due = self.executed(), self.due(which, seeds)
        self.do(which, seeds)
        assert sorted(self.executed()[len(before) :]) == due
        self.take_in(which)
        assert not self.due(which, seeds)

    @rule(which=stores, seeds=some_seeds, after=st.integers(1, 6))
    def kill_between_events(self, which, seeds, after):
        left = [after]

        def tell(event):
            left[0] -= 1
            if not left[0]:
                raise Killed

        self.killed(which, seeds, on_event=tell)

    @rule(which=stores, seeds=some_seeds, lines=st.integers(0, 3))
    def kill_between_a_record_and_its_line(self, which, seeds, lines):
        append, left = Journal.append, [lines]

        def cut(journal, entries):
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return append(journal, entries)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Journal, "append", cut)
            self.killed(which, seeds)

    @rule(which=stores, seed=st.sampled_from(SEEDS))
    def leave_a_torn_file(self, which, seed):
        folder = self.folders[which] / "runs" / self.prints[seed]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".20250101T000000.000001Z-00000000.json.abc.tmp").write_text("{")

    @rule(which=stores, data=st.data(), deleted=st.booleans())
    def spoil(self, which, data, deleted):
        """Delete a record, or change a number in it."""
        sound = self.in_order(set(self.attempts[which]) - self.faulty[which])
        if not sound:
            return
        path = data.draw(st.sampled_from(sound))
        file = self.folders[which] / path
        if not deleted:
            record = json.loads(file.read_bytes())
            record["observations"][0]["sum"] += 1
            file.write_text(json.dumps(record))
        else:
            file.unlink()
            if path not in self.journaled(which):  # nobody can know that it ever was
                del self.attempts[which][path]
                return
        self.faulty[which].add(path)

    @precondition(lambda self: any(self.faulty))
    @rule(data=st.data())
    def restore(self, data):
        """Put back a record and its arrays, also where only the journal knows of it."""
        which = data.draw(st.sampled_from([w for w in (HERE, THERE) if self.faulty[w]]))
        path = data.draw(st.sampled_from(self.in_order(self.faulty[which])))
        file, arrays = self.folders[which] / path, path.with_suffix(".safetensors")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self.attempts[which][path])
        (self.folders[which] / arrays).write_bytes(self.arrays[arrays])
        self.faulty[which].remove(path)

    @rule()
    def merge(self):
        here, there = (Store.open(folder) for folder in self.folders)
        sound = set(self.attempts[THERE]) - self.faulty[THERE]
        changed = {p for p in self.faulty[HERE] & sound if (self.folders[HERE] / p).exists()}
        if changed:
            with pytest.raises(UserError, match="one attempt with different bytes"):
                upkeep.merge(here, [there])
            return
        new = sum(not (self.folders[HERE] / path).exists() for path in sound)
        assert upkeep.merge(here, [there]) == new
        for path in sound:
            self.attempts[HERE].setdefault(path, self.attempts[THERE][path])
        self.faulty[HERE] -= sound
        for path in self.faulty[THERE] & self.journaled(THERE):
            if path not in self.attempts[HERE]:  # what is lost there is unknown here
                self.attempts[HERE][path] = self.attempts[THERE][path]
                self.faulty[HERE].add(path)

    @rule(which=stores)
    def lose_the_index(self, which):
        (self.folders[which] / "index.sqlite").unlink(missing_ok=True)

    # -- what holds all the time ------------------------------------------------------------------
    @invariant()
    def every_trial_is_what_it_was_or_unknown(self):
        for which, folder in enumerate(self.folders):
            store, standing = Store.open(folder), self.finished(which)
            for seed, key in enumerate(self.prints):
                path = standing.get(key)
                assert store.is_finished(key) == (path is not None)
                assert store.unknown(key) == (path in self.faulty[which])
                result = store.get(key)
                if path is None or path in self.faulty[which]:
                    assert result is None
                else:
                    assert result.attempt == path.stem
                    (found,) = store.observations(result)
                    assert found["sum"] == 10 + seed
                    assert found["losses"].tolist() == [0.0, 2.5, 5.0, 7.5, 10.0]
            assert store.journal.verify() is None

    # -- how --------------------------------------------------------------------------------------
    def do(self, which, seeds, **more):
        trials = [self.trials[seed] for seed in sorted(seeds)]
        run(trials, Store.open(self.folders[which]), Serial(), **more)

    def killed(self, which, seeds, **more):
        before, due = self.executed(), self.due(which, seeds)
        with contextlib.suppress(Killed):
            self.do(which, seeds, **more)
        ran = self.executed()[len(before) :]
        assert len(set(ran)) == len(ran) and set(ran) <= set(due)
        self.take_in(which)


TestAnySequence = StoreMachine.TestCase
TestAnySequence.settings = settings(max_examples=15, stateful_step_count=20)
