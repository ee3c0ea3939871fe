"""Document gru: basic usage and its training step."""

import torch
from torch import nn

from hrm.models.gru import HierarchicalReasoningModel, HRMConfig

torch.manual_seed(0)
config = HRMConfig(
    hidden_low=16, hidden_high=16, T=3, max_cycles=5, compute_cost_weight=0.01, input_dim=8
)
model = HierarchicalReasoningModel(config)
x = torch.randn(64, 8)
y = x.mean(1, keepdim=True)

for step in range(30):
    metrics = model.training_step(x, y, nn.MSELoss())
    if step % 10 == 9:
        print(", ".join(f"{name} {value:.3f}" for name, value in metrics.items()))

output, cycles_used = model(x)
print(f"Output shape: {tuple(output.shape)}")
print(f"Average cycles used: {cycles_used.float().mean():.2f}")
