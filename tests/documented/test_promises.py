"""What the documents promise of names, options, devices and losses, tried on the views."""

import copy
import json
import pickle

import pytest
import torch
from torch import nn

import hrm.models
from hrm import recipes
from hrm.documented import act_v1, agent, common, complete, gru, v2
from hrm.documented.amulgent import HRMReasoning
from hrm.errors import UserError
from hrm.model import HRM
from hrm.models import HRMACTv1
from hrm.system import environment
from hrm.training.transfer import transfer

ACT = {
    "batch_size": 4,
    "seq_len": 4,
    "num_puzzle_identifiers": 3,
    "puzzle_emb_ndim": 8,
    "vocab_size": 5,
    "H_cycles": 2,
    "L_cycles": 2,
    "H_layers": 1,
    "L_layers": 1,
    "hidden_size": 8,
    "num_heads": 2,
    "pos_encodings": "rope",
    "halt_max_steps": 3,
    "halt_exploration_prob": 0.0,
    "forward_dtype": "float32",
}
SMALL = {"input_dim": 6, "hidden_low": 16, "hidden_high": 24, "max_cycles": 4}
FEW = {"hidden_size": 8, "h_layers": 1, "l_layers": 1, "max_steps": 2}


def batch_of(rows=4):
    torch.manual_seed(1)
    return {
        "inputs": torch.randint(0, 5, (rows, 4)),
        "puzzle_identifiers": torch.arange(rows) % 3,
    }


# -- names ----------------------------------------------------------------------------------------
@pytest.mark.promise("all", "the main names, from one module", "from hrm.models import ...")
@pytest.mark.parametrize("name", hrm.models.__all__)
def test_the_main_names_of_all_documents_come_from_one_module(name):
    assert getattr(hrm.models, name) is not None


def test_a_name_of_several_documents_is_that_of_the_submodule():
    from hrm.models import amulgent
    from hrm.models import complete as of_complete
    from hrm.models import gru as of_gru
    from hrm.models import v2 as of_v2

    assert hrm.models.HierarchicalReasoningModel is of_gru.HierarchicalReasoningModel
    assert of_v2.HierarchicalReasoningModel is v2.HierarchicalReasoningModel
    assert hrm.models.HRMConfig is of_gru.HRMConfig is gru.GruConfig
    assert hrm.models.HRM is of_complete.HRM is complete.HRM
    assert hrm.models.HRMReasoning is amulgent.HRMReasoning
    with pytest.raises(AttributeError, match=r"'hrm.models' has no attribute 'Nothing'"):
        _ = hrm.models.Nothing


# -- devices --------------------------------------------------------------------------------------
@pytest.mark.promise("gru", "a device, checked to exist", 'HRMConfig(device="cuda")')
@pytest.mark.parametrize("device", ["cuda", "banana"])
def test_a_device_that_is_not_there_is_refused(device, monkeypatch):
    monkeypatch.setattr(environment, "gpus", tuple)
    said = f"device is '{device}'; allowed is cpu, since torch finds no GPU here"
    with pytest.raises(UserError, match=said):
        gru.HRMConfig(hidden_low=8, hidden_high=8, T=1, max_cycles=2, device=device)
    views = (
        *(v2.EnhancedHierarchicalModel(v2.EnhancedConfig(**SMALL)), HRMACTv1(ACT)),
        complete.HRM(1, 16, 8, 3, max_steps=1),
    )
    for view in views:
        with pytest.raises(UserError, match=said):
            view.to(device)
        with pytest.raises(UserError, match="device is 'cuda'"):
            view.cuda()
    assert view.to("cpu") is view and view.to(torch.float64) is view


# -- losses ---------------------------------------------------------------------------------------
@pytest.mark.promise("gru", "any elementwise criterion", "model.training_step(x, y, criterion)")
@pytest.mark.parametrize(
    "criterion",
    [nn.L1Loss(), nn.SmoothL1Loss(reduction="none"), lambda p, t: (p - t).abs().mean(1)],
)
def test_any_elementwise_criterion_trains(criterion):
    torch.manual_seed(0)
    model = v2.EnhancedHierarchicalModel(v2.EnhancedConfig(**SMALL))
    x = torch.randn(32, 6)
    y = x[:, :1].clone()
    found = [model.training_step(x, y, criterion)["task_loss"] for _ in range(30)]
    assert found[-1] < 0.8 * found[0]
    assert common.per_sample(nn.L1Loss())(x, -x) == pytest.approx((2 * x).abs().mean(1))


# -- options --------------------------------------------------------------------------------------
@pytest.mark.promise("all", "a wrong option is named with the right one", "HRMConfig(L_cycles=3)")
@pytest.mark.parametrize(
    ("kind", "name", "meant"),
    [
        (gru.HRMConfig, "L_cycles", "T"),
        (gru.HRMConfig, "halt_max_steps", "max_cycles"),
        (v2.EnhancedConfig, "h_dim", "hidden_high"),
        (act_v1.ActConfig, "T", "L_cycles"),
        (act_v1.ActConfig, "heads", "num_heads"),
        (agent.Options, "halt_exploration_prob", "exploration_prob"),
        (agent.Options, "use_rms_norm", "use_rmsnorm"),
    ],
)
def test_an_option_of_another_document_is_translated(kind, name, meant):
    with pytest.raises(UserError, match=f"option is '{name}'; .*; did you mean '{meant}'"):
        kind(**{name: 3})


def test_missing_options_are_named_and_the_others_with_their_defaults():
    with pytest.raises(UserError) as refused:
        gru.HRMConfig(hidden_low=8, T=3)
    said = str(refused.value)
    assert said.endswith("give hidden_high, max_cycles as well")
    assert "compute_cost_weight (0.0)" in said and "use_act (True)" in said


def test_options_can_be_copied():
    config = gru.HRMConfig(hidden_low=8, hidden_high=8, T=1, max_cycles=2)
    assert copy.deepcopy(config) == config == pickle.loads(pickle.dumps(config))


@pytest.mark.promise("amulgent", "the printed configuration file", 'HRMReasoning("hrm.json")')
def test_a_configuration_file_may_have_other_sections_and_comments(tmp_path):
    sections = {"memory": {"size": 3}, "hrm": {**FEW, "use_swiglu": True}, "name": "a // b"}
    path = tmp_path / "amulgent.json"
    text = json.dumps(sections, indent=1).replace('"use_swiglu": true', '"use_swiglu": true // On')
    path.write_text(text)
    assert "// On" in text
    (tmp_path / "windows.json").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert HRMReasoning(tmp_path / "windows.json").get_status()["enabled"]
    for given in (path, str(path), sections):
        assert HRMReasoning(given).get_status()["architecture"]["use_swiglu"]
    with pytest.raises(UserError, match="which can't be read"):
        HRMReasoning(tmp_path / "nothing.json")


@pytest.mark.promise("amulgent", "a system switched off", 'HRMReasoning({"enable": False})')
def test_a_system_that_is_switched_off_says_so_and_does_nothing():
    off = HRMReasoning({"hrm": {"enable": False, **FEW}})
    assert off.get_status() == {"enabled": False}
    with pytest.raises(UserError, match="enable is False"):
        _ = off.model
    assert HRMReasoning(FEW).get_status()["enabled"] is True


# -- act-v1 ---------------------------------------------------------------------------------------
def gradients(config, splits):
    torch.manual_seed(0)
    model = HRMACTv1(config)
    whole = batch_of()
    for rows in torch.arange(4).split(4 // splits):
        batch = {name: value[rows] for name, value in whole.items()}
        _, outputs = model(model.initial_carry(batch), batch)
        loss = nn.functional.cross_entropy(outputs["logits"].flatten(0, 1), batch["inputs"].ravel())
        ((loss + outputs["q_halt_logits"].mean()) / splits).backward()
    (table,) = model.puzzle_emb.parameters()
    ids, rows = table.gradients()
    own = torch.zeros(3, 8).index_add(0, ids, rows)
    return {**{n: p.grad for n, p in model.named_parameters() if p.grad is not None}, "table": own}


@pytest.mark.promise("act-v1", "gradient checkpointing", '"gradient_checkpointing": True')
@pytest.mark.promise("act-v1", "gradient accumulation", "loss.backward() once for each piece")
@pytest.mark.parametrize(("change", "splits"), [({"gradient_checkpointing": True}, 1), ({}, 2)])
def test_checkpointed_and_accumulated_gradients_are_those_of_the_batch(change, splits):
    expected, found = gradients(ACT, 1), gradients({**ACT, **change}, splits)
    assert expected["table"].any() and expected.keys() == found.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, msg=name)


@pytest.mark.promise(
    "act-v1", "half precision, and an error message for `float16`", '"forward_dtype": "bfloat16"'
)
def test_float16_is_refused_with_what_to_take_instead():
    with pytest.raises(UserError, match=r"gradients underflow in float16, .*; use 'bfloat16'"):
        HRMACTv1({**ACT, "forward_dtype": "float16"})


@pytest.mark.promise("act-v1", "the average of halting steps", '"halt_in_evaluation": True')
def test_sequences_halt_in_evaluation_on_demand():
    """By default `avg_steps` is halt_max_steps: as coded, evaluation takes all steps."""
    for halt, steps in ((False, [3] * 4), (True, [1] * 4)):
        model = HRMACTv1({**ACT, "halt_in_evaluation": halt}).eval()
        with torch.no_grad():
            model.model.halting.heads[0].bias.copy_(torch.tensor([1.0, -1.0]))
        batch = batch_of()
        carry = model.initial_carry(batch)
        for _ in range(3):
            carry, _ = model(carry, batch)
            if carry.halted.all():
                break
        assert carry.steps.tolist() == steps


@pytest.mark.promise("gru", "samples that halt by themselves", "per_sample_evaluation=True")
def test_gru_halts_each_sample_in_evaluation_on_demand():
    options = {"hidden_low": 8, "hidden_high": 8, "T": 1, "max_cycles": 5, "input_dim": 6}
    x, steps = torch.randn(64, 6), {}
    for apart in (False, True):
        torch.manual_seed(0)
        model = gru.HierarchicalReasoningModel(
            gru.HRMConfig(**options, device="cpu", per_sample_evaluation=apart)
        ).eval()
        with torch.no_grad():  # half of the samples want to stop at once
            logits = model.model(x, steps=1).run.logits[0]
            model.model.halting.controller.policy.bias[1] -= logits.diff(dim=1).median()
        steps[apart] = model(x)[1]
    assert len(steps[False].unique()) == 1 and len(steps[True].unique()) > 1


# -- weights of the original ----------------------------------------------------------------------
@pytest.mark.promise("v2", "a gradual migration path", "enhanced.load_original(original)")
def test_an_original_becomes_an_enhanced_model_that_computes_the_same():
    torch.manual_seed(0)
    original = v2.HierarchicalReasoningModel(v2.EnhancedConfig(**SMALL)).eval()
    flags = {"use_per_sample_act": True, "use_optimized_controller": True}
    enhanced = v2.EnhancedHierarchicalModel(v2.EnhancedConfig(**SMALL, **flags)).eval()
    found = enhanced.load_original(original)
    assert found.fresh == {} and found.unused == ()
    x = torch.randn(16, 6)
    with torch.no_grad():
        a, b = (view.model(x, steps=4) for view in (original, enhanced))
    torch.testing.assert_close(b.prediction, a.prediction)
    torch.testing.assert_close(b.run.logits, a.run.logits)


def test_what_attention_can_and_cannot_take_over_is_named():
    torch.manual_seed(0)
    sizes = {"inputs": 6, "hidden_low": 16, "hidden_high": 24}
    step = HRM(recipes.v2(**sizes, step_attention=True).model)
    trace = HRM(recipes.v2(**sizes, use_sequence_attention=True).model)
    found = transfer(trace, v2.enhanced_weights(step, trace))
    assert set(found.fresh) == {f"summary.attention.from_query.{n}" for n in ("weight", "bias")}
    assert torch.equal(trace.summary.attention.value.weight, step.summary.attention.value.weight)
    plain = HRM(recipes.v2(**sizes).model)
    found = transfer(trace, v2.enhanced_weights(plain, trace))
    assert all(name.startswith("summary.attention.") for name in found.fresh)
    assert found.unused == ("summary.project.weight", "summary.project.bias")


def test_a_layer_of_another_shape_is_named_with_both():
    torch.manual_seed(0)
    small, large = (HRM(recipes.gru(inputs=n, outputs=2).model) for n in (3, 4))
    before = large.embed.state_dict()
    found = transfer(large, small.state_dict())
    assert list(found.fresh.values()) == ["[256, 3] there, [256, 4] here"]
    assert all(torch.equal(value, large.embed.state_dict()[k]) for k, value in before.items())


@pytest.mark.promise("complete", "steps by the problem's complexity", "HRM(..., per_sample=True)")
@pytest.mark.parametrize("as_coded", [True, False])
def test_complete_shows_the_steps_of_each_sample_as_in_a_batch_of_one(as_coded):
    """Where halting accumulates, one sample alone is what the document's text means."""
    torch.manual_seed(0)
    model = complete.HRM(1, 16, 8, 3, max_steps=3, per_sample=True, as_coded=as_coded).eval()
    x = torch.randn(12, 1, 1)
    if not as_coded:  # half of the samples want to stop at once
        with torch.no_grad():
            head = model.model.halting.heads[0]
            nn.init.normal_(head.weight)
            margins = -model.model(x, steps=1).run.logits[0].diff(dim=1)
            head.bias[0] -= margins.median()
    steps = model.steps(x)
    assert torch.equal(steps, torch.cat([model.steps(row) for row in x.split(1)]))
    assert as_coded or len(steps.unique()) > 1
    assert model(x).shape == (12, 1, 3)
