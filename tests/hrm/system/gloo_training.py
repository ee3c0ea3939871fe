"""One process of several that train together over gloo, on loopback.

Arguments: rank, number of processes, folder. The folder has `cases.safetensors`: for each name a
recipe, its data, a folder to go on in or None, and an update before which the last process kills
itself, or None. `store` and `<name><rank>.safetensors`, curve and weights, are made there.
"""

import dataclasses
import datetime
import os
import signal
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from hrm.errors import Diverged
from hrm.training import checkpoint, loop
from hrm.training.loop import Encoded, Recipe, Seeds


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fatal(Encoded):
    """Data whose batch of one update is the death of the process."""

    update: int

    def batch(self, rows):
        object.__setattr__(self, "update", self.update - 1)
        if self.update == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().batch(rows)


def run(case, fatal=None):
    """Train a case in double precision; returns its curve and weights, or where it diverged."""
    recipe = Recipe.from_json(case["recipe"])
    seeds = Seeds(weights=recipe.weights, order=recipe.order)
    model = loop.build(recipe.system, seeds).double()
    data = Encoded(**case["data"])
    if fatal is not None:
        data = Fatal(**case["data"], update=fatal)

    def score(model):
        identities = None if data.identities is None else data.identities[:4]
        return float(model(data.inputs[:4], identities=identities).prediction.double().mean())

    folder = None if case["folder"] is None else Path(case["folder"])
    try:
        curve = loop.fit(model, recipe.system, recipe.training, data, seeds, score, folder)
    except Diverged as error:
        return {"diverged": [error.step, error.reason]}
    return {"curve": [dataclasses.asdict(m) for m in curve], "weights": model.state_dict()}


def main(rank: int, world: int, folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        store=dist.FileStore(str(folder / "store"), world),
        rank=rank,
        world_size=world,
        timeout=datetime.timedelta(seconds=60),
    )
    for name, case in checkpoint.load(folder / "cases.safetensors").items():
        found = run(case, case["fatal"] if rank == world - 1 else None)
        checkpoint.save(folder / f"{name}{rank}.safetensors", found)
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
