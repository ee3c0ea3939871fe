"""Document act-v1's examples: ``HRMACTv1`` and its sparse optimiser, imported as printed.

Where an example moves to "cuda" and there is no GPU, that is refused in words; here everything
stays where it is. Only the first example is of the printed size; the others are smaller, with the
same keys.
"""

import re

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import AdamW

from hrm.errors import UserError
from hrm.models import CastedSparseEmbeddingSignSGD_Distributed, HRMACTv1
from hrm.system import environment
from hrm.training import scaling

PRINTED = {
    "batch_size": 8,
    "seq_len": 128,
    "puzzle_emb_ndim": 0,
    "num_puzzle_identifiers": 10,
    "vocab_size": 10000,
    "H_cycles": 3,
    "L_cycles": 2,
    "H_layers": 4,
    "L_layers": 4,
    "hidden_size": 512,
    "num_heads": 8,
    "pos_encodings": "rope",
    "halt_max_steps": 5,
    "halt_exploration_prob": 0.1,
    "forward_dtype": "bfloat16",
}
SMALL = {
    **PRINTED,
    "seq_len": 6,
    "vocab_size": 11,
    "H_cycles": 2,
    "L_cycles": 1,
    "H_layers": 1,
    "L_layers": 1,
    "hidden_size": 16,
    "num_heads": 2,
    "forward_dtype": "float32",
}
PUZZLES = {**SMALL, "puzzle_emb_ndim": 16, "num_puzzle_identifiers": 20}


def build(config, seed=0):
    torch.manual_seed(seed)
    return HRMACTv1(config)


def some(config, identities=None):
    return {
        "inputs": torch.randint(0, config["vocab_size"], (8, config["seq_len"])),
        "puzzle_identifiers": torch.zeros(8, dtype=torch.int32)
        if identities is None
        else torch.randint(0, identities, (8,)),
    }


@pytest.mark.promise(
    "act-v1", "a carry, and outputs by their names", "carry, outputs = model(carry, batch)"
)
def test_quick_start_1_basic_usage():
    """As printed, but for the device."""
    model = build(PRINTED)
    batch = some(PRINTED)
    carry = model.initial_carry(batch)
    carry, outputs = model(carry, batch)
    assert outputs["logits"].shape == (8, 128, 10000)
    assert outputs["logits"].dtype == torch.bfloat16
    for key in ("q_halt_logits", "q_continue_logits"):
        assert outputs[key].shape == (8,) and outputs[key].dtype == torch.float32
    assert all(value.isfinite().all() for value in outputs.values())
    assert carry.steps.tolist() == [1] * 8 and not carry.halted.any()


def test_quick_start_1_without_a_gpu_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(environment, "gpus", list)
    with pytest.raises(UserError, match="device is 'cuda'; allowed is cpu, since torch finds no G"):
        HRMACTv1(SMALL).cuda()


@pytest.mark.promise("act-v1", "steps until all sequences have halted", "carry.halted.all()")
@pytest.mark.parametrize("training", [True, False])
def test_quick_start_2_multi_step_reasoning(capsys, training):
    """Fresh Q values are equal, so every sequence takes all five steps."""
    model = build({**SMALL, "halt_exploration_prob": 0.0}).train(training)
    batch = some(SMALL)
    carry = model.initial_carry(batch)
    for step in range(10):
        carry, outputs = model(carry, batch)
        print(f"Step {step + 1}:")
        print(f"  Halted: {carry.halted.sum().item()}/{len(carry.halted)}")
        print(f"  Steps: {carry.steps.tolist()}")
        if carry.halted.all():
            break
    lines = capsys.readouterr().out.splitlines()
    assert lines[::3] == [f"Step {k}:" for k in range(1, 6)]
    assert lines[1::3] == ["  Halted: 0/8"] * 4 + ["  Halted: 8/8"]
    assert lines[2::3] == [f"  Steps: {[k] * 8}" for k in range(1, 6)]
    assert outputs["logits"].shape == (8, 6, 11)


def test_quick_start_2_a_halted_sequence_starts_again_while_others_go_on():
    """What the printed loop doesn't say: in training its condition may never hold."""
    model = build({**SMALL, "halt_exploration_prob": 0.0})
    batch = some(SMALL)
    head = model.model.halting.heads[0]
    nn.init.normal_(head.weight)
    _, outputs = model(model.initial_carry(batch), batch)
    margin = outputs["q_halt_logits"] - outputs["q_continue_logits"]
    with torch.no_grad():
        head.bias[0] -= margin.median()  # so that half of them halt at once
    carry, _ = model(model.initial_carry(batch), batch)
    at_once = carry.halted.clone()
    assert at_once.sum() == 4
    carry, _ = model(carry, batch)
    assert carry.steps.tolist() == [1 if halted else 2 for halted in at_once.tolist()]


@pytest.mark.promise("act-v1", "puzzle embeddings", '"puzzle_emb_ndim": 512')
def test_quick_start_3_with_puzzle_embeddings():
    config = dict(SMALL)
    config["puzzle_emb_ndim"] = 16
    config["num_puzzle_identifiers"] = 1000
    model = build(config)
    batch = some(config, identities=1000)
    carry = model.initial_carry(batch)
    carry, outputs = model(carry, batch)
    assert outputs["logits"].shape == (8, 6, 11)
    (table,) = model.puzzle_emb.parameters()
    assert table.weights.shape == (1000, 16) and not table.weights.any()


def train_step(model, config, optimizer, sparse_optimizer, batch, targets):
    """The printed step, by its calls."""
    carry = model.initial_carry(batch)
    carry, outputs = model(carry, batch)
    logits = outputs["logits"]
    lm_loss = nn.functional.cross_entropy(
        logits.reshape(-1, config["vocab_size"]), targets.reshape(-1)
    )
    assert "target_q_continue" in outputs
    q_continue = torch.sigmoid(outputs["q_continue_logits"])
    q_loss = nn.functional.mse_loss(q_continue, outputs["target_q_continue"])
    loss = lm_loss + 0.1 * q_loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for each in (optimizer, sparse_optimizer):
        if each is not None:
            each.step()
            each.zero_grad()
    return {"loss": loss.item(), "lm_loss": lm_loss.item(), "q_loss": q_loss.item()}


@pytest.mark.promise(
    "act-v1",
    "the printed training loop, with two optimisers",
    "CastedSparseEmbeddingSignSGD_Distributed(...)",
)
@pytest.mark.parametrize("config", [SMALL, PUZZLES])
def test_training_basic_training_loop(config):
    """As printed, with a data loader of ours for the undefined ``get_next_batch``."""
    model = build(config)
    model.train()
    optimizer = AdamW(
        [p for n, p in model.named_parameters() if "puzzle_emb" not in n],
        lr=3e-3,
        weight_decay=0.01,
    )
    sparse_optimizer = None
    if config["puzzle_emb_ndim"] > 0:
        sparse_optimizer = CastedSparseEmbeddingSignSGD_Distributed(
            model.puzzle_emb.parameters(), world_size=1, lr=1e-3, weight_decay=1e-2
        )
    batch = some(config, identities=5)
    targets = batch["inputs"].flip(1)
    found = [
        train_step(
            model, config, optimizer, sparse_optimizer, {**batch, "targets": targets}, targets
        )
        for _ in range(40)
    ]
    assert found[-1]["lm_loss"] < 0.5 * found[0]["lm_loss"]
    assert found[0]["loss"] == pytest.approx(found[0]["lm_loss"] + 0.1 * found[0]["q_loss"])
    if sparse_optimizer is not None:
        (table,) = model.puzzle_emb.parameters()
        used = set(batch["puzzle_identifiers"].tolist())
        assert set(table.weights.any(1).nonzero().squeeze(1).tolist()) == used


@pytest.mark.promise("act-v1", "the printed evaluation", "evaluate(val_loader)")
def test_training_evaluation():
    """As printed. In evaluation all sequences take all steps, which is what its mean shows."""
    model = build(SMALL)
    model.eval()
    batches = [some(SMALL) for _ in range(2)]
    total_loss, total_halts = 0.0, []
    with torch.no_grad():
        for batch in batches:
            carry = model.initial_carry(batch)
            for _ in range(SMALL["halt_max_steps"]):
                carry, outputs = model(carry, batch)
                if carry.halted.all():
                    break
            assert "target_q_continue" not in outputs
            logits = outputs["logits"].reshape(-1, SMALL["vocab_size"])
            total_loss += nn.functional.cross_entropy(logits, batch["inputs"].reshape(-1)).item()
            total_halts.append(carry.steps.float().mean().item())
    assert total_halts == [5.0, 5.0] and total_loss > 0


@pytest.mark.promise("act-v1", "a small model to begin with", 'HRMACTv1({"hidden_size": 256, ...})')
def test_tips_1_start_small():
    """Can't work as printed: its ellipsis isn't Python; without it, the rest has to be given."""
    few = {
        "hidden_size": 256,
        "H_layers": 2,
        "L_layers": 2,
        "H_cycles": 2,
        "L_cycles": 1,
        "halt_max_steps": 3,
    }
    with pytest.raises(UserError) as refused:
        HRMACTv1(few)
    lacking = re.search(r"give (.*) as well$", str(refused.value))
    assert set(lacking[1].split(", ")) < set(PRINTED) - set(few)
    model = build({**PRINTED, **few, "vocab_size": 11})
    assert model.config.halt_max_steps == 3 and model.model.config.low.layers == 2


class CustomHRMTrainer(nn.Module):
    """The printed wrapper, by its calls."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, batch):
        carry = self.model.initial_carry(batch)
        all_logits = []
        for _ in range(self.model.config.halt_max_steps):
            carry, outputs = self.model(carry, batch)
            all_logits.append(outputs["logits"])
            if carry.halted.all():
                break
        return torch.stack(all_logits).mean(dim=0), carry.steps


@pytest.mark.promise("act-v1", "a forward pass of one's own", "CustomHRMTrainer(model)")
def test_advanced_usage_custom_forward_logic():
    model = build({**SMALL, "halt_exploration_prob": 0.0})
    avg_logits, steps = CustomHRMTrainer(model)(some(SMALL))
    assert avg_logits.shape == (8, 6, 11) and steps.tolist() == [5] * 8
    avg_logits.square().mean().backward()
    assert model.model.readout.weight.grad.any()


@pytest.fixture
def group(tmp_path):
    """A process group of one, on the CPU: gloo where the document has nccl."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.promise("act-v1", "training in several processes", "DistributedDataParallel(model)")
@pytest.mark.usefixtures("group")
def test_advanced_usage_distributed_training():
    """As printed, but for nccl, the GPU and its rank in the environment; then one step is taken."""
    model = DistributedDataParallel(build(PUZZLES))
    sparse_optimizer = CastedSparseEmbeddingSignSGD_Distributed(
        model.module.puzzle_emb.parameters(),
        world_size=dist.get_world_size(),
        lr=1e-3,
        weight_decay=1e-2,
    )
    batch = some(PUZZLES, identities=5)
    _, outputs = model(model.module.initial_carry(batch), batch)
    (outputs["logits"].square().mean() + outputs["q_continue_logits"].sum()).backward()
    sparse_optimizer.step()
    (table,) = model.module.puzzle_emb.parameters()
    assert table.weights[batch["puzzle_identifiers"].long()].any(1).all()


def test_another_number_of_processes_is_refused():
    with pytest.raises(UserError, match="world_size is 2; allowed is 1, the processes"):
        CastedSparseEmbeddingSignSGD_Distributed(
            build(PUZZLES).puzzle_emb.parameters(), world_size=2
        )


def test_parameters_of_a_model_are_no_puzzle_tables():
    with pytest.raises(UserError, match="got Parameter to train; allowed are PuzzleTables"):
        CastedSparseEmbeddingSignSGD_Distributed(build(PUZZLES).parameters(), world_size=1)


@pytest.mark.promise(
    "act-v1",
    "all keys of the configuration guide",
    'HRMACTv1({"rope_theta": 10000.0, "expansion": 2.6667, ...})',
)
def test_key_parameters_reach_the_model():
    config = {**PUZZLES, "rope_theta": 500.0, "expansion": 2.6667, "forward_dtype": "bfloat16"}
    c = HRMACTv1(config).model.config
    assert c.low.rotary == c.high.rotary == 500.0 and c.bfloat16
    assert (c.cycles, c.low_steps, c.low.layers, c.low.width, c.low.heads) == (2, 1, 1, 16, 2)
    assert c.embedding.puzzles.identities == 20 and c.halting.exploration.probability == 0.1
    learned = HRMACTv1({**SMALL, "pos_encodings": "learned"}).model.config
    assert learned.embedding.learned_positions and learned.low.rotary is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hiden_size": 3}, "option is 'hiden_size'; .* did you mean 'hidden_size'"),
        ({"pos_encodings": "sine"}, "pos_encodings is 'sine'; allowed is rope or learned"),
        (
            {"forward_dtype": "float16"},
            "forward_dtype is 'float16'; allowed is bfloat16 or float32 on the device 'cpu':",
        ),
        ({"num_heads": 3}, "num_heads is 3; allowed is a divisor of hidden_size, 16"),
        ({"H_cycles": 0}, "H_cycles is 0; allowed is 1 or more"),
        ({"H_cycles": "3-5"}, "H_cycles is '3-5'; allowed is int"),
        ({"halt_exploration_prob": 2.0}, "halt_exploration_prob is 2.0; allowed is a prob"),
        ({"puzzle_emb_ndim": -1}, "puzzle_emb_ndim is -1; allowed is 0 for no puzzle emb"),
        ({"expansion": 0.0}, "expansion is 0.0; allowed is a positive number"),
    ],
)
def test_an_impossible_key_is_named(change, said):
    with pytest.raises(UserError, match=said):
        HRMACTv1({**SMALL, **change})


# -- float16 --------------------------------------------------------------------------------------
def test_float16_is_refused_on_the_cpu_before_and_after_the_model_is_there(monkeypatch):
    with pytest.raises(
        UserError, match=r"device 'cpu': gradients underflow in float16, and a loss"
    ):
        HRMACTv1({**SMALL, "forward_dtype": "float16"})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    model = build({**SMALL, "forward_dtype": "float16"})  # to be moved to the GPU
    for call in (lambda: model.initial_carry(some(SMALL)), model.scaling):
        with pytest.raises(UserError, match=r"on the device 'cpu': .*; use 'bfloat16', .* a GPU"):
            call()


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_one_training_loop_serves_float16_and_the_others(monkeypatch, dtype):
    """On the CPU, as if it were a GPU: torch computes float16 and scales losses there too."""
    monkeypatch.setattr(scaling, "able", lambda device: True)
    config = {**PUZZLES, "forward_dtype": dtype}
    model = build(config).train()
    adam = torch.optim.AdamW(model.parameters(), lr=1e-2)
    signs = CastedSparseEmbeddingSignSGD_Distributed(model.puzzle_emb.parameters(), 1, lr=1e-2)
    loss_scaling = model.scaling(adam, signs)
    assert loss_scaling.scale == (2.0**16 if dtype == "float16" else 1.0)
    batch = some(PUZZLES, identities=20)
    labels = torch.randint(0, 11, (8, 6), generator=torch.Generator().manual_seed(3))
    carry, losses, taken = model.initial_carry(batch), [], 0
    for _ in range(60):
        carry, outputs = model(carry, batch)
        assert outputs["logits"].dtype == getattr(torch, dtype)
        assert outputs["q_halt_logits"].dtype == torch.float32
        loss = torch.nn.functional.cross_entropy(outputs["logits"].float().mT, labels)
        loss_scaling.backward(loss)
        taken += loss_scaling.step()
        for optimiser in (adam, signs):
            optimiser.zero_grad()
        losses.append(loss.item())
    assert all(p.dtype == torch.float32 for p in model.parameters())
    assert taken >= 50 and sum(losses[-5:]) / 5 < losses[0] / 2
    assert all(table.weights.any() for table in model.puzzle_emb.parameters())


def test_an_impossible_batch_is_named():
    model, batch = build(SMALL), some(SMALL)
    for change, said in [
        ({"inputs": batch["inputs"][:, :5]}, r"inputs is .*\[8, 5\]'; allowed .*\[batch, 6\]"),
        ({"inputs": batch["inputs"] + 20}, r"a token is \d+; allowed is 0 ... 10"),
    ]:
        with pytest.raises(UserError, match=said):
            model.initial_carry({**batch, **change})
    with pytest.raises(UserError, match=r"batch is \['inputs'\]; allowed is one with inputs, puz"):
        model.initial_carry({"inputs": batch["inputs"]})
    with pytest.raises(UserError, match="puzzle_emb_ndim is 0; allowed is a size"):
        _ = model.puzzle_emb
