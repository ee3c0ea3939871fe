"""Twenty updates on a folder of the public format are those of the straight-line references.

The folder is written here, array by array, and what the references learn from is read from its
arrays, by the places of the boards alone.
"""

import json
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from hrm.config.learning import AdamAtan2, Training
from hrm.data import batches as batching
from hrm.data import public
from hrm.model.execution import Batch
from hrm.training.learner import Learner
from tests.hrm.equality import all_close, close, exact, model_of
from tests.hrm.recipes import test_reference_act_v1 as act
from tests.hrm.recipes import test_reference_tiny_network as tiny

UPDATES, RATE, WARMUP, DECAY = 20, 1e-3, 5, 0.1
PUZZLES = (1, 3, 2, 2, 1, 4, 2, 1)  # boards of each
GROUPS = (2, 3, 3)  # puzzles of each


@pytest.fixture(params=[0, -100], ids=["labels of 0 ignored", "labels of -100 ignored"])
def folder(tmp_path, request):
    """What a public builder leaves, the test split and the identities' names left out."""
    random, boards, ignored = np.random.default_rng(0), sum(PUZZLES), request.param
    labels = random.integers(1, act.vocabulary, (boards, act.length))
    labels[random.random(labels.shape) < 0.3] = ignored
    arrays = {
        "inputs": random.permutation(act.vocabulary**act.length)[:boards, None]
        // act.vocabulary ** np.arange(act.length)
        % act.vocabulary,
        "labels": labels,
        "puzzle_identifiers": random.integers(0, act.identities, len(PUZZLES)),
        "puzzle_indices": np.cumsum([0, *PUZZLES]),
        "group_indices": np.cumsum([0, *GROUPS]),
    }
    (tmp_path / "train").mkdir()
    for name, array in arrays.items():
        np.save(tmp_path / "train" / f"all__{name}.npy", array.astype(np.int32))
    described = {
        "pad_id": 0,
        "ignore_label_id": ignored,
        "blank_identifier_id": 0,
        "vocab_size": act.vocabulary,
        "seq_len": act.length,
        "num_puzzle_identifiers": act.identities,
        "total_groups": len(GROUPS),
        "total_puzzles": len(PUZZLES),
        "mean_puzzle_examples": boards / len(PUZZLES),
        "sets": ["all"],
    }
    (tmp_path / "train" / "dataset.json").write_text(json.dumps(described))
    return tmp_path


def offered(folder) -> Iterator[Batch]:
    """What our loader gives."""
    data = public.read(folder, "train")
    for each in batching.batches(data, act.batch, np.random.default_rng(1), epochs=200):
        arrays = (each.inputs, each.identifiers, each.labels)
        yield Batch(*map(torch.from_numpy, arrays))


def straight(folder, batch: Batch):
    """The same boards, from the folder's arrays."""
    names = ("inputs", "labels", "puzzle_identifiers")
    inputs, labels, identifiers = (
        torch.from_numpy(np.load(folder / "train" / f"all__{name}.npy")).long() for name in names
    )
    ignored = json.loads((folder / "train" / "dataset.json").read_text())["ignore_label_id"]
    rows = (inputs[None] == batch.inputs[:, None]).all(-1).long().argmax(1)
    labels = torch.where(labels == ignored, -100, labels)
    owners = torch.arange(len(PUZZLES)).repeat_interleave(torch.tensor(PUZZLES))
    return {
        "inputs": inputs[rows],
        "labels": labels[rows],
        "identities": identifiers[owners[rows]],
    }


@pytest.mark.parametrize("document", [act, tiny], ids=["act-v1", "one tiny network"])
def test_twenty_updates_on_a_public_folder_are_the_references(folder, document):
    system = document.system_of()
    model = model_of(system).train()
    found = offered(folder)
    batches = [next(found) for _ in range(UPDATES)]
    warm = [min(1.0, (t + 1) / WARMUP) for t in range(UPDATES)]
    weights, *_, records = document.reference.train(
        document.weights_of(model),
        document.sizes,
        [straight(folder, batch) for batch in batches],
        document.noises_of(torch.Generator().manual_seed(4), UPDATES),
        rates=[RATE * w for w in warm],
        decay=DECAY,
        puzzle_rates=[10 * RATE * w for w in warm],
        puzzle_decay=DECAY,
    )
    training = Training(
        updates=UPDATES,
        batch=act.batch,
        optimiser=AdamAtan2(),
        learning_rate=RATE,
        weight_decay=DECAY,
        puzzle_rate=10 * RATE,
        puzzle_decay=DECAY,
        warmup=WARMUP,
    )
    learner = Learner(model, system, training, torch.Generator().manual_seed(4))
    for batch, record in zip(batches, records, strict=True):
        loss, _ = learner.update(batch)
        close(torch.tensor(loss, dtype=torch.float64), record["loss"])
        exact(learner.carry.steps, record["steps"])
        exact(learner.carry.halted, record["halted"])
    all_close(document.weights_of(model), weights)
    assert len({record["loss"].item() for record in records}) == UPDATES
