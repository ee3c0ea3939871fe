"""Document v2's examples, on `hrm.documented.v2` for its ``hierarchical_model_v2``, ``examples``.

Most of them are fragments of methods: names without a definition, or attributes of ``self``. What
they compute is a part of ours, which is run on the same names' values.
"""

import pytest
import torch
from torch import nn

from hrm import recipes
from hrm.config import Compacted, DirectController, LastStep, Lockstep, TraceAttention
from hrm.documented import v2
from hrm.documented.demos import v2 as demo
from hrm.documented.v2 import (
    EnhancedConfig,
    EnhancedHierarchicalModel,
    EnhancedHierarchicalModelConfig,
    HierarchicalReasoningModel,
)
from hrm.errors import UserError
from hrm.model.execution import compacted, lockstep
from hrm.model.halting import ConcatenatedController, undecided
from hrm.model.state import State
from hrm.model.summary import StepAttention
from hrm.training import losses

SMALL = {"input_dim": 6, "hidden_low": 16, "hidden_high": 24, "max_cycles": 4}
FLAGS = v2.FLAGS


def model_of(**flags):
    torch.manual_seed(0)
    return EnhancedHierarchicalModel(EnhancedConfig(**SMALL, **flags))


@pytest.mark.promise(
    "v2", "each sample halts for itself", "EnhancedConfig(use_per_sample_act=True)"
)
def test_critical_improvements_1_per_sample_act():
    """Fragments: two loops over ``actions``, ours with every sample's actions given."""
    actions = torch.tensor([[0, 1, 1, 1], [0, 0, 0, 1], [1, 1, 0, 1], [0, 0, 0, 0]])
    start = State(torch.zeros(4, 1), torch.zeros(4, 1), torch.zeros(4, 0))
    rows = []

    def step(state, alive_indices, cycle):
        rows.append(len(state.high))
        here = actions[:, cycle] if alive_indices is None else actions[alive_indices, cycle]
        return state, undecided(state.high)._replace(margin=here - 0.5), None

    original = lockstep(step, start, 4)
    assert original.steps.tolist() == [4, 4, 4, 4] and sum(rows) == 16
    rows.clear()
    enhanced = compacted(step, start, 4)
    assert enhanced.steps.tolist() == [2, 4, 1, 4] and rows == [4, 3, 2, 2]


def masked_terms():
    terms = torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
    cycles_used = torch.tensor([1, 2, 2, 1])
    mask = (cycles_used > torch.arange(2)[:, None]).float()
    return terms * mask, mask


@pytest.mark.promise(
    "v2",
    "a policy loss that is averaged over live samples",
    "EnhancedConfig(use_corrected_meta_rl=True)",
)
def test_critical_improvements_2_corrected_meta_rl():
    """Fragments: the two averages are `mean_over_batch` and `mean_over_live` in `losses`."""
    terms, mask = masked_terms()
    assert losses.mean_over_batch(terms, mask).item() == 2.5 + 13 / 4
    assert losses.mean_over_live(terms, mask).item() == pytest.approx(2.5 + 13 / 2)
    objective = EnhancedConfig(use_corrected_meta_rl=True).system().objective
    assert objective.masked_mean and not EnhancedConfig().system().objective.masked_mean


@pytest.mark.promise(
    "v2", "attention over all low states of a cycle", "EnhancedConfig(use_sequence_attention=True)"
)
def test_critical_improvements_3_sequence_attention():
    """Fragments: ``self.attention`` of one low state, and of the T of a cycle, queried by z_H."""
    z_h, z_l_steps = torch.randn(5, 24), tuple(torch.randn(3, 5, 16))
    enhanced = model_of(use_sequence_attention=True).model.summary
    shapes = []
    enhanced.attention.register_forward_pre_hook(
        lambda _, given: shapes.extend(tuple(t.shape) for t in given)
    )
    assert enhanced(z_l_steps, z_h).shape == (5, 16)
    assert shapes == [(5, 1, 24), (5, 3, 16)]  # the query's map to the low width is inside
    single = StepAttention(recipes.v2(step_attention=True).model.summary, 16)
    aggregated = single(z_l_steps[-1:], z_h)
    torch.testing.assert_close(
        aggregated, single.attention.out(single.attention.value(z_l_steps[-1]))
    )


@pytest.mark.promise(
    "v2", "a controller without redundant tensors", "EnhancedConfig(use_optimized_controller=True)"
)
def test_critical_improvements_4_optimized_controller():
    """Fragments: ``policy_network`` reads [z_H ; progress], or a matrix times that."""
    hidden_high = 24
    torch.manual_seed(0)
    original = ConcatenatedController(hidden_high, dropout=0.0)
    enhanced = model_of(use_optimized_controller=True).model.halting.controller.eval()
    assert enhanced.policy[0].in_features == hidden_high + 1
    assert enhanced.policy[0].out_features == hidden_high // 2
    enhanced.load_concatenated(original)
    state = torch.randn(5, hidden_high)
    torch.testing.assert_close(enhanced(state, 0.25), original(state, 0.25))


@pytest.mark.promise("v2", "the original, with all switches off", "EnhancedConfig()")
def test_safety_guarantees_2_all_off_is_the_original():
    off = dict.fromkeys(FLAGS, False)
    assert EnhancedConfig(**off) == EnhancedConfig()
    c = EnhancedConfig().system().model
    assert isinstance(c.execution, Lockstep) and isinstance(c.summary, LastStep)


@pytest.mark.promise(
    "v2",
    "switches that work one by one",
    "EnhancedConfig(use_per_sample_act=True, use_optimized_controller=True)",
)
def test_safety_guarantees_3_flags_are_apart():
    c = EnhancedConfig(use_per_sample_act=True, use_optimized_controller=True).system()
    assert isinstance(c.model.execution, Compacted) and not c.objective.masked_mean
    assert isinstance(c.model.halting.controller, DirectController)
    assert isinstance(c.model.summary, LastStep)


@pytest.mark.promise("v2", "the demonstration of efficiency", "demonstrate_efficiency_comparison()")
def test_basic_enhanced_usage(capsys, monkeypatch):
    """Prints the numbers of the run, not the document's; here of few updates and boards."""
    monkeypatch.setattr(demo, "TRAIN", 256)
    monkeypatch.setattr(demo, "TEST", 32)
    config_enhanced, config_compatible = v2.demonstrate_efficiency_comparison(updates=4)
    assert config_enhanced.use_per_sample_act and config_enhanced.use_corrected_meta_rl
    assert not any(getattr(config_compatible, flag) for flag in FLAGS)
    assert config_enhanced.system().model == recipes.v2(**demo.SIZES, **demo.FLAGS).model
    lines = capsys.readouterr().out.splitlines()
    assert "4 updates" in lines[0]
    assert [line.split()[0] for line in lines[3:7]] == ["cycles", "original", "enhanced", "saved"]


def test_gradual_migration_path():
    """As printed; ``original_config``, which it leaves undefined, has no flags."""
    original_config = EnhancedConfig(**SMALL)
    x = torch.randn(3, 6)
    model_original = HierarchicalReasoningModel(original_config)
    model_enhanced = model_of(use_per_sample_act=True)
    config_full = EnhancedConfig(**SMALL, **dict.fromkeys(FLAGS, True))
    model_full = EnhancedHierarchicalModel(config_full)
    for model in (model_original, model_enhanced, model_full):
        output, cycles_used = model.eval()(x)
        assert output.shape == (3, 1) and cycles_used.min() >= 1 and cycles_used.max() <= 4
    assert isinstance(model_full.model.config.summary, TraceAttention)
    with pytest.raises(UserError, match="original_config is 'one with use_per_sample_act'"):
        HierarchicalReasoningModel(EnhancedConfig(use_per_sample_act=True))


def test_gradual_migration_path_printed_sizes_are_the_defaults():
    torch.manual_seed(0)
    output, _ = EnhancedHierarchicalModel(EnhancedConfig(use_per_sample_act=True))(
        torch.randn(2, 1024)
    )
    assert output.shape == (2, 1)


@pytest.mark.parametrize("corrected", [False, True])
def test_mathematical_correctness_meta_rl_gradient(corrected):
    """Fragments: the loss with the mean over all samples, and over the active ones."""
    log_probs = torch.tensor([-0.1, -0.2, -0.3, -0.4], requires_grad=True)
    advantages, mask = torch.tensor([1.0, -1.0, 2.0, 3.0]), torch.tensor([1.0, 0.0, 1.0, 0.0])
    terms = (log_probs * advantages * mask)[None]
    mean = losses.mean_over_live if corrected else losses.mean_over_batch
    (-mean(terms, mask[None])).backward()
    count = mask.sum() if corrected else len(mask)
    torch.testing.assert_close(log_probs.grad, -advantages * mask / count)


@pytest.mark.promise(
    "v2",
    "a configuration with all original parameters",
    "EnhancedHierarchicalModelConfig(input_dim=1024, ...)",
)
def test_technical_implementation_configuration_management():
    """The dataclass under its other name, with the printed defaults."""
    config = EnhancedHierarchicalModelConfig()
    assert not any(getattr(config, flag) for flag in FLAGS)
    assert (config.input_dim, config.hidden_low) == (1024, 256)


def test_a_model_trains_by_the_same_step_as_document_gru():
    model = model_of(use_per_sample_act=True, use_corrected_meta_rl=True)
    x = torch.randn(16, 6)
    metrics = [model.training_step(x, x[:, :1], nn.MSELoss()) for _ in range(30)]
    assert metrics[-1]["task_loss"] < metrics[0]["task_loss"]
    printed = {"loss", "task_loss", "policy_loss", "baseline_loss", "cycles_mean"}
    assert metrics[0].keys() == printed | {"entropy_loss", "penalty_loss", "gradient_norm"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"use_per_sample_act": 1}, "use_per_sample_act is 1; allowed is bool"),
        ({"T": 0}, "T is 0; allowed is 1 or more"),
        ({"hidden_high": 2}, "hidden_high is 2; allowed is 4 or more"),
        (
            {"hidden_low": 12, "use_sequence_attention": True},
            "hidden_low is 12; allowed is a multiple of 8",
        ),
    ],
)
def test_an_impossible_option_is_named(change, said):
    with pytest.raises(UserError, match=said):
        EnhancedConfig(**change)
