"""One process of several that train one puzzle table by SparseSignSGD over gloo, on loopback.

Arguments: rank, number of processes, folder. The folder has `batches.pt`, a list over steps of
lists over ranks of (identities [B], gradients [B, D]); `store` and `table<rank>.pt` are made there.
"""

import datetime
import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from hrm.model.puzzles import PuzzleTable
from hrm.training.optim import SparseSignSGD


def main(rank: int, world: int, folder: Path) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        store=dist.FileStore(str(folder / "store"), world),
        rank=rank,
        world_size=world,
        timeout=datetime.timedelta(seconds=60),
    )
    table = PuzzleTable(6, 4)
    optimiser = SparseSignSGD([table], lr=0.25, weight_decay=0.1)
    for batches in torch.load(folder / "batches.pt", weights_only=True):
        ids, gradients = batches[rank]
        optimiser.zero_grad()
        (table(ids) * gradients).sum().backward()
        optimiser.step()
    torch.save(table.weights, folder / f"table{rank}.pt")
    dist.barrier()
    dist.destroy_process_group()
    # Gloo's threads may outlive the group and abort a process that is being finalised: seen once on
    # a busy machine, after all was done. There is nothing left to finalise.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
