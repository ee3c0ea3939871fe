"""Document act-v1: the carry, a training step, and evaluation in which sequences halt."""

import torch
from torch import nn

from hrm.models import HRMACTv1

config = {
    "batch_size": 8,
    "seq_len": 6,
    "vocab_size": 11,
    "num_puzzle_identifiers": 1,
    "H_cycles": 2,
    "L_cycles": 1,
    "H_layers": 1,
    "L_layers": 1,
    "hidden_size": 16,
    "num_heads": 2,
    "pos_encodings": "rope",
    "halt_max_steps": 4,
    "halt_exploration_prob": 0.1,
    "forward_dtype": "float32",
    "halt_in_evaluation": True,  # without it, all sequences take all steps in evaluation
}
torch.manual_seed(0)
model = HRMACTv1(config)
batch = {
    "inputs": torch.randint(0, 11, (8, 6)),
    "puzzle_identifiers": torch.zeros(8, dtype=torch.int64),
}
targets = batch["inputs"].flip(1)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)

carry = model.initial_carry(batch)
for step in range(60):
    carry, outputs = model(carry, batch)
    logits = outputs["logits"]
    right = (logits.argmax(-1) == targets).all(-1).float()
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    q_loss = nn.functional.binary_cross_entropy_with_logits(outputs["q_halt_logits"], right)
    (loss + 0.5 * q_loss).backward()
    optimizer.step()
    optimizer.zero_grad()
    if step % 20 == 19:
        print(f"step {step + 1}: loss {loss.item():.3f}, steps {carry.steps.tolist()}")

model.eval()
with torch.no_grad():
    carry = model.initial_carry(batch)
    for _ in range(config["halt_max_steps"]):
        carry, outputs = model(carry, batch)
        if carry.halted.all():
            break
print(f"halted: {int(carry.halted.sum())} of {len(carry.halted)}, steps {carry.steps.tolist()}")
