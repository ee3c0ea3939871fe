"""Seconds of a store's work on the file system, with results of one observation and no arrays.

- `Adding.time_add`: writing ten results, each atomically, synced, and with a line in the journal.
- `Reading.time_open`: opening a store of 30 results, that is, its index and its journal.
- `Reading.time_results`: reading, decoding and checking these results.

Times depend on the disk, so that those of different machines aren't comparable.
"""

import hashlib
import itertools
import tempfile
from pathlib import Path
from typing import Any

added, stored = 10, 30


class Adding:
    """Adding results to a new, empty store, one store for each sample."""

    repeat = (2, 5, 0.4)
    rounds = 1
    warmup_time = 0.0
    version = "1"

    def setup(self) -> None:
        """Make a store, and results with fingerprints that it doesn't have."""
        self.folder = tempfile.TemporaryDirectory()
        self.store = a_store(Path(self.folder.name), 0)
        self.numbers = itertools.count(stored)

    def teardown(self) -> None:
        """Remove the store."""
        self.folder.cleanup()

    def time_add(self) -> None:
        """Add ten results, one after another."""
        for _ in range(added):
            self.store.add(result(next(self.numbers)))


class Reading:
    """Reading a store of 30 results."""

    repeat = (2, 5, 0.4)
    rounds = 1
    warmup_time = 0.0
    version = "1"

    def setup(self) -> None:
        """Make the store, and open it once, so that it has an index."""
        self.folder = tempfile.TemporaryDirectory()
        self.store = a_store(Path(self.folder.name), stored)

    def teardown(self) -> None:
        """Remove the store."""
        self.folder.cleanup()

    def time_open(self) -> None:
        """Open the store: read its index and its journal."""
        type(self.store).open(Path(self.folder.name) / "store")

    def time_results(self) -> None:
        """Read, decode and check every result."""
        assert len(list(self.store.results())) == stored


def a_store(folder: Path, results: int) -> Any:
    """Return a new store with a number of results."""
    from ablations.runs.store import Store

    store = Store.open(folder / "store", create=True)
    for number in range(results):
        store.add(result(number))
    return store


def result(number: int) -> Any:
    """Return a result with a fingerprint that is derived from a number."""
    from ablations.records.trials import Trial
    from bench import trials

    trial = Trial(protocol={"kind": "P"}, arms=({"kind": "X"},), seed=number)
    fingerprint = hashlib.sha256(str(number).encode()).hexdigest()
    return trials.result(trial, fingerprint, loss=0.5, steps=list(range(20)))
