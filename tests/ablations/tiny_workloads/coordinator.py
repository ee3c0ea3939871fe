"""A run in a process of its own, to be killed: `coordinator.py STORE LOG TRIALS SECONDS`."""

import sys

from ablations.engine import Processes
from ablations.records import Trial
from ablations.runner import run
from ablations.store import Store


def main(store, log, count, seconds):
    trials = [
        Trial(
            workload="tiny_workloads.jobs:add",
            arms=({"value": 1},),
            settings={"log": log, "seconds": float(seconds)},
            seed=seed,
        )
        for seed in range(int(count))
    ]
    try:
        run(trials, Store.open(store, create=True), Processes(2))
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
