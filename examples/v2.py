"""Document v2: from the original to the enhanced model, one flag at a time."""

import torch
from torch import nn

from hrm.models.v2 import (
    EnhancedConfig,
    EnhancedHierarchicalModel,
    HierarchicalReasoningModel,
)

torch.manual_seed(0)
sizes = {"input_dim": 8, "hidden_low": 16, "hidden_high": 16, "T": 2, "max_cycles": 4}
x = torch.randn(64, 8)
y = x.mean(1, keepdim=True)

original = HierarchicalReasoningModel(EnhancedConfig(**sizes))
for _ in range(30):
    metrics = original.training_step(x, y, nn.MSELoss())

config = EnhancedConfig(**sizes, use_per_sample_act=True, use_optimized_controller=True)
enhanced = EnhancedHierarchicalModel(config)
moved = enhanced.load_original(original)
print(f"weights taken over: {len(moved.taken)}, new: {len(moved.fresh)}")

for name, model in (("original", original), ("enhanced", enhanced)):
    model.eval()
    with torch.no_grad():
        _, cycles_used = model(x)
    print(f"{name}: {cycles_used.float().mean():.2f} cycles on average")
