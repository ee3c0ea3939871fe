"""Planning over a synthetic store of 10,000 records: due trials, costs and probabilities.

The target is at most 3 seconds on a quiet core.
"""

from pathlib import Path

from ablations.judging.cells import Reader
from ablations.metrics.costs import Flops
from ablations.planning.costs import Costs
from ablations.planning.next import Order, due, order, planning
from ablations.records.trials import Result, Trial
from ablations.rule import table_for
from ablations.runs.encoding import encode
from ablations.runs.fingerprints import fingerprint
from ablations.runs.store import Store
from ablations.runs.trials import plan, seeds
from ablations.specs.arms import Arm
from ablations.specs.claim import Statistical, Tier
from ablations.specs.protocols import Execute
from ablations.specs.tests import Ratio
from bench.trials import result
from hrm import recipes

TABLE = table_for(89)
PAIRS = 60


def claims(count: int) -> list[Statistical]:
    """Return claims that share no runs."""
    arms = tuple(
        Arm(label=name, part=recipes.v2(use_per_sample_act=name == "apart"))
        for name in ("together", "apart")
    )
    return [
        Statistical(
            id=f"made-up-{i}",
            reading="as it is made up",
            test=Ratio(null=0.02, because="it is made up"),
            arms=arms,
            protocol=Execute(after=None, batch=i + 1),
            metric=Flops(),
            schedule=dict.fromkeys(Tier, PAIRS),
        )
        for i in range(count)
    ]


def fill(folder: Path, made: list[Statistical]) -> int:
    """Write a record for every trial of these claims except the last pairs; return their number."""
    store = Store.open(folder, create=True)
    trials = [trial for claim in made for trial in plan(claim, seeds(claim, PAIRS - 1)).trials]
    for trial in trials:
        made_up = _result(trial)
        path = store.path((made_up.fingerprint, made_up.attempt))
        path.parent.mkdir(parents=True)
        path.write_text(encode(made_up))
    with store.coordinate():  # adds them to the journal
        return len(trials)


def planned(store: Store, made: list[Statistical]) -> Order:
    """Do the planning of `ablations run` and `ablations plan`."""
    reader = Reader(store)
    found = due(made, reader, Tier.FULL, table=TABLE)
    for claim in made:
        planning(claim, reader, Tier.FULL, table=TABLE, committed={})
    return order(found, Costs(made, reader, {}), budget=7200.0)


def _result(trial: Trial) -> Result:
    """Return a record whose contrast alternates in sign, so that its claim stays open."""
    apart = trial.arms[0]["model"]["execution"]["kind"] != "Lockstep"
    flops = 1000.0 + apart * (-1) ** trial.seed * 40.0 * (1 + trial.seed % PAIRS / PAIRS)
    steps = {"steps": [1, 2, 3], "max_steps": 5}
    return result(trial, fingerprint(trial), flops=flops, **steps)


class Planning:
    """84 claims of 59 pairs: 9,912 records, each of which is read once."""

    params = (84,)
    param_names = ("claims",)
    number = 1
    timeout = 300
    version = "1"  # pinned, so that an edit of this class doesn't end the benchmarks' history

    def setup_cache(self) -> str:
        """Write the store once for all benchmarks; asv removes its folder afterwards."""
        for count in self.params:
            fill(Path(f"store-{count}"), claims(count))
        return str(Path.cwd())

    def time_opening(self, folder: str, count: int) -> None:
        """Time opening the store, whose index is current."""
        Store.open(Path(folder, f"store-{count}"))

    def time_planning(self, folder: str, count: int) -> None:
        """Time opening the store and planning: due trials, their order, and probabilities."""
        planned(Store.open(Path(folder, f"store-{count}")), claims(count))
