"""Document gru's examples, on `hrm.documented.gru` for its ``src.hierarchical_reasoning_model``."""

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from hrm.documented.gru import HierarchicalReasoningModel, HRMConfig
from hrm.errors import UserError
from hrm.model.execution import masked
from hrm.model.halting import undecided
from hrm.model.state import State
from hrm.training import losses

SMALL = {"hidden_low": 16, "hidden_high": 24, "T": 3, "max_cycles": 5, "input_dim": 8}


@pytest.fixture
def small():
    torch.manual_seed(0)
    return HierarchicalReasoningModel(HRMConfig(**SMALL, compute_cost_weight=0.01, device="cpu"))


@pytest.mark.promise(
    "gru", "a forward pass that returns its cycles", "output, cycles_used = model(x)"
)
def test_basic_usage(capsys):
    torch.manual_seed(0)
    config = HRMConfig(
        hidden_low=256, hidden_high=512, T=3, max_cycles=5, use_act=True, compute_cost_weight=0.01
    )
    model = HierarchicalReasoningModel(config)
    output, cycles_used = model(torch.randn(32, 1024))
    print(f"Output shape: {output.shape}")
    print(f"Average cycles used: {cycles_used.float().mean():.2f}")
    shape, average = capsys.readouterr().out.splitlines()
    assert shape.endswith("torch.Size([32, 1])")
    assert 1 <= float(average.split()[-1]) <= 5
    assert output.requires_grad and len(cycles_used.unique()) > 1


@pytest.mark.promise(
    "gru",
    "a training step as a method, with its metrics",
    "model.training_step(x, y, nn.MSELoss())",
)
def test_training_example(small):
    """As printed, with a data set of ours for the undefined ``your_dataset`` and ``num_epochs``."""
    x = torch.randn(64, 8)
    dataloader = DataLoader(TensorDataset(x, x[:, :1] * 0.5), batch_size=32)
    criterion = nn.MSELoss()
    task_losses = []
    for _ in range(25):
        for inputs, targets in dataloader:
            metrics = small.training_step(inputs, targets, criterion)
            assert 1 <= metrics["cycles_mean"] <= 5
            parts = metrics["task_loss"] + metrics["policy_loss"] + metrics["baseline_loss"]
            assert metrics["loss"] == pytest.approx(parts)
            task_losses.append(metrics["task_loss"])
    assert sum(task_losses[-4:]) < 0.7 * sum(task_losses[:4])


@pytest.mark.promise("gru", "samples that stop at different cycles", "HRMConfig(use_act=True)")
def test_key_innovations_1_each_sample_stops_for_itself():
    """A fragment of a method: its loop is `hrm.model.execution.masked`, here with stops given."""
    stops = torch.tensor([1, 3, 2, 9])
    start = State(torch.zeros(4, 1), torch.zeros(4, 1), torch.zeros(4, 0))

    def step(state, rows, k):
        high = state.high + 1
        action = (stops - 1 <= k).float()
        decision = undecided(high)._replace(margin=torch.where(action == 1, 1.0, -1.0))
        return state._replace(high=high), decision, None

    run = masked(step, start, 5)
    assert run.steps.tolist() == [1, 3, 2, 5]
    assert run.state.high.squeeze(1).tolist() == [1, 3, 2, 5]


@pytest.mark.promise(
    "gru", "rewards and advantages of each sample", "HRMConfig(compute_cost_weight=0.01)"
)
def test_key_innovations_2_advantages_are_per_sample():
    """A fragment of a method: its helpers are `hrm.training.losses.squared_error` and `reward`."""
    pred, y = torch.randn(6, 2), torch.randn(6, 2)
    cycles_taken = torch.tensor([1, 2, 3, 4, 5, 5])
    task_loss_vec = losses.squared_error(pred, y)
    reward = losses.reward(task_loss_vec, cycles_taken, 0.01)
    assert task_loss_vec.shape == reward.shape == (6,)
    assert task_loss_vec.mean().item() == pytest.approx(nn.MSELoss()(pred, y).item())
    torch.testing.assert_close(reward, -task_loss_vec - 0.01 * cycles_taken)


def gradients(low_to_high, high_to_low):
    torch.manual_seed(0)
    config = HRMConfig(
        **SMALL,
        use_act=False,
        detach_low_to_high=low_to_high,
        detach_high_to_low=high_to_low,
        device="cpu",
    )
    model = HierarchicalReasoningModel(config).model
    model(torch.randn(4, 8)).prediction.sum().backward()
    return {name: p.grad for name, p in model.named_parameters()}


@pytest.mark.promise(
    "gru",
    "gradients that can be cut, either way",
    "HRMConfig(detach_low_to_high=True, detach_high_to_low=False)",
)
def test_key_innovations_3_flags_cut_gradients():
    """A fragment of a method: both names are options of the configuration.

    Without its way up the low level gets no gradient at all. Without the way down the high level
    gets another one, since its state no longer learns from what the low level made of it.
    """
    flows, no_way_up, no_way_down = (
        gradients(*cut) for cut in [(False, False), (True, False), (False, True)]
    )
    assert no_way_up["low.cell.weight_ih"] is None and flows["low.cell.weight_ih"].any()
    name = "high.cell.weight_hh"
    assert no_way_down[name].any() and not torch.allclose(no_way_down[name], flows[name])


@pytest.mark.promise(
    "gru",
    "the printed options and defaults",
    "HRMConfig(hidden_low=..., hidden_high=..., T=..., max_cycles=...)",
)
def test_configuration_options_have_the_printed_defaults():
    config = HRMConfig(hidden_low=1, hidden_high=1, T=1, max_cycles=1)
    assert config.use_act is config.detach_low_to_high is True
    assert config.detach_high_to_low is False and config.compute_cost_weight == 0.0
    model = HierarchicalReasoningModel(config)
    assert model.device.type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.promise("gru", "halting that can be switched off", "HRMConfig(use_act=False)")
def test_without_act_all_cycles_are_taken():
    model = HierarchicalReasoningModel(HRMConfig(**SMALL, use_act=False, device="cpu"))
    assert model(torch.randn(4, 8))[1].tolist() == [5] * 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"T": 0}, "T is 0; allowed is 1 or more"),
        ({"hidden_low": "big"}, "hidden_low is 'big'; allowed is int"),
        ({"compute_cost_weight": -1.0}, "compute_cost_weight is -1.0; allowed is 0 or more"),
    ],
)
def test_an_impossible_option_is_named(change, said):
    with pytest.raises(UserError, match=said):
        HRMConfig(**{**SMALL, **change})


def test_wrong_shapes_and_criteria_are_named(small):
    x, y = torch.zeros(4, 8), torch.zeros(4, 1)
    with pytest.raises(UserError, match=r"x is 'torch.float32 of shape \[4, 9\]'; .*\[batch, 8\]"):
        small(torch.zeros(4, 9))
    with pytest.raises(UserError, match=r"y is .* of shape \[4\]'; allowed is .*\[batch, 1\]"):
        small.training_step(x, torch.zeros(4), nn.MSELoss())
    with pytest.raises(UserError, match="y is '3 rows'; allowed is 4 rows, as x has"):
        small.training_step(x, y[:3], nn.MSELoss())
    with pytest.raises(UserError, match=r"criterion is L1Loss\(\); .* reduction 'mean' or 'none'"):
        small.training_step(x, y, nn.L1Loss(reduction="sum"))
    with pytest.raises(UserError, match=r"loss has shape \[\] for 4 samples'; .* elementwise"):
        small.training_step(x, y, lambda p, t: (p - t).abs().mean())
