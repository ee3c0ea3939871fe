"""A run in a separate process, to be killed: `STORE LOG TRIALS SECONDS [SCHEDULER]`."""

import sys

from ablations.records.trials import Trial
from ablations.runs.cluster import Cluster
from ablations.runs.runner import run
from ablations.runs.store import Store
from ablations.runs.workers import Processes
from tiny_runs.kinds import Number, Tiny


def main(store, log, count, seconds, scheduler=None):
    protocol = Tiny(path=log, seconds=float(seconds)).to_json()
    arms = (Number().to_json(),)
    trials = [Trial(protocol=protocol, arms=arms, seed=seed) for seed in range(int(count))]
    try:
        engine = Processes(2) if scheduler is None else Cluster(scheduler)
        run(trials, Store.open(store, create=True), engine)
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
