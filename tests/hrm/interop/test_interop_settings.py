"""The public code's configuration files, read and written."""

import json
from dataclasses import replace

import pytest
import yaml

from hrm import recipes
from hrm.config.learning import AdamAtan2, Constant, Cosine, Training
from hrm.errors import UserError
from hrm.interop import settings
from hrm.interop.arch import Arch

# As the public trainer writes it, and as its builders write the data's.
WHOLE = """
arch:
  H_cycles: 2
  H_layers: 4
  expansion: 4.0
  halt_max_steps: 16
  loss:
    loss_type: softmax_cross_entropy
    name: losses@ACTLossHead
  name: hrm.hrm_act_v1@HierarchicalReasoningModel_ACTV1
  num_heads: 8
  puzzle_emb_ndim: 512
beta1: 0.9
data_path: data/sudoku-extreme-1k-aug-1000
global_batch_size: 384
lr: 7.0e-05
lr_warmup_steps: 2000
weight_decay: 1.0
puzzle_emb_lr: 7.0e-05
puzzle_emb_weight_decay: 1.0
run_name: null
"""
DATA = {"seq_len": 81, "vocab_size": 11, "num_puzzle_identifiers": 1, "sets": ["all"], "pad_id": 0}
PART = """
name: recursive_reasoning.trm@TinyRecursiveReasoningModel_ACTV1
loss: {name: losses@ACTLossHead, loss_type: stablemax_cross_entropy}
L_cycles: 6
lr: 1e-4
puzzle_emb_ndim: ${.hidden_size}
no_ACT_continue: True
"""


def test_whole_configurations_and_the_datas_are_read_together(tmp_path):
    (tmp_path / "all_config.yaml").write_text(WHOLE)
    (tmp_path / "dataset.json").write_text(json.dumps(DATA))
    found = settings.read([tmp_path / "all_config.yaml", tmp_path / "dataset.json"])
    assert settings.of_model(found) == {
        "one_network": False,
        "H_cycles": 2,
        "H_layers": 4,
        "expansion": 4.0,
        "halt_max_steps": 16,
        "loss_type": "softmax_cross_entropy",
        "num_heads": 8,
        "puzzle_emb_ndim": 512,
        "seq_len": 81,
        "vocab_size": 11,
        "num_puzzle_identifiers": 1,
    }
    how = settings.training(found, 26_040)
    assert (how.updates, how.batch, how.warmup) == (26_040, 384, 2000)
    assert (how.learning_rate, how.puzzle_rate) == (7e-5, 7e-5)
    assert (how.weight_decay, how.puzzle_decay, how.optimiser) == (1.0, 1.0, AdamAtan2())


def test_a_part_is_read_without_what_only_refers_elsewhere(tmp_path):
    (tmp_path / "trm.yaml").write_text(PART)
    found = settings.read([tmp_path / "trm.yaml"])
    assert found == {
        "one_network": True,
        "latents": 2,
        "loss_type": "stablemax_cross_entropy",
        "L_cycles": 6,
        "lr": 1e-4,
        "no_ACT_continue": True,
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("arch: [", "which can't be used (while parsing"),
        ("- 1", "it holds a list, not a mapping"),
        ("colour: red", "it has none of the public keys"),
        ("arch: {name: transformers_baseline@Model}", "its model is 'transformers_baseline@Model'"),
        ("num_heads: !!python/object/apply:os.system [true]", "could not determine a constructor"),
        ("lr: 2020-13-45", "which can't be used (month"),
        ("x: " + "[" * 20_000, "which can't be used ("),
        ("\x00\x01", "which can't be used ("),
        ("lr: 1 #" + " " * (1 << 20), "it has more than 1,048,576 bytes"),
        (None, "which can't be used ("),
    ],
)
def test_other_files_are_refused_by_name_on_one_line(tmp_path, content, said):
    path = tmp_path / "odd.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError) as error:
        settings.read([path])
    assert said in str(error.value) and str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_settings_are_json_or_words():
    found = settings.assigned(["num_heads=4", "pos_encodings=learned", "no_ACT_continue=false"])
    assert found == {"num_heads": 4, "pos_encodings": "learned", "no_ACT_continue": False}
    for bad in ("heads=4", "num_heads", "inner=5", "one_network=true"):
        with pytest.raises(UserError, match=f"--set {bad} names no key .* one of: vocab_size"):
            settings.assigned([bad])


def plain_transformer(**given):
    return recipes.plain_transformer(width=96, **given)


@pytest.mark.parametrize("make", [recipes.act_v1, recipes.tiny_network, plain_transformer])
@pytest.mark.parametrize("schedule", [Constant(), Cosine(floor=0.1)])
def test_what_is_written_says_the_same_when_it_is_read(tmp_path, make, schedule):
    arch = replace(Arch.of(make(exploration=0.2)), rms_norm_eps=1e-6, forward_dtype="bfloat16")
    how = Training(
        updates=1000,
        batch=50,
        optimiser=AdamAtan2(betas=(0.8, 0.99)),
        learning_rate=1e-5,
        weight_decay=0.1,
        puzzle_rate=1e-2,
        puzzle_decay=0.2,
        warmup=7,
        schedule=schedule,
        ema=0.99,
    )
    written = settings.public(arch, how, boards=500)
    assert written["epochs"] == 100 and written["ema_rate"] == 0.99
    assert written["lr_min_ratio"] == (1.0 if schedule == Constant() else 0.1)
    (tmp_path / "all_config.yaml").write_text(yaml.safe_dump(written))
    found = settings.read([tmp_path / "all_config.yaml"])
    sizes = {"vocab_size": 11, "seq_len": 81, "num_puzzle_identifiers": 1}
    values = arch.to_json() | settings.of_model(found) | sizes
    assert values.pop("expansion") == 4
    values["H_layers"] = values["H_layers"] or values["L_layers"]  # 0 where it is ignored
    assert ("act_enabled" in written["arch"]) == arch.one_level
    assert Arch.from_json(values) == arch
    assert settings.training(found, 1000) == how


def test_where_the_tables_rate_is_the_others_both_are_written():
    how = Training(updates=10, learning_rate=0.5, weight_decay=0.25)
    written = settings.public(Arch.of(recipes.act_v1()), how, boards=100)
    assert (written["puzzle_emb_lr"], written["puzzle_emb_weight_decay"]) == (0.5, 0.25)


@pytest.mark.parametrize("key", ["halt_max_steps_eval: 64", "residual_connections: false"])
def test_keys_of_another_code_are_refused_since_they_may_change_what_is_computed(tmp_path, key):
    (tmp_path / "all_config.yaml").write_text(WHOLE.replace("H_cycles: 2", f"H_cycles: 2\n  {key}"))
    name, value = key.split(": ")
    with pytest.raises(
        UserError, match=f"whose arch has {name} = '{value.title()}'.*with --config"
    ):
        settings.read([tmp_path / "all_config.yaml"])
    (tmp_path / "trm.yaml").write_text(PART + key)
    with pytest.raises(UserError, match=f"whose arch has {name} = "):
        settings.read([tmp_path / "trm.yaml"])


def test_keys_of_the_loss_that_have_no_effect_are_named(tmp_path, caplog):
    path = tmp_path / "all_config.yaml"
    path.write_text(WHOLE)
    settings.read([path])
    assert caplog.text == ""
    path.write_text(
        WHOLE.replace("name: losses@ACTLossHead", "name: mine@Head\n    smoothing: 0.1")
    )
    assert settings.read([path])["loss_type"] == "softmax_cross_entropy"
    for said in ("loss.name = mine@Head", "loss.smoothing = 0.1"):
        assert f"{path}: {said} has no effect: losses are those of ACTLossHead" in caplog.text


@pytest.mark.parametrize(
    "name",
    [
        "recursive_reasoning.trm_mine@TinyRecursiveReasoningModel_ACTV1",
        "mine.hrm_act_v1@HierarchicalReasoningModel_ACTV1",
        "HierarchicalReasoningModel_ACTV1",
    ],
)
def test_a_model_of_another_module_is_another_model_whatever_its_class_is_called(tmp_path, name):
    (tmp_path / "arch.yaml").write_text(f"arch: {{name: {name!r}}}")
    with pytest.raises(UserError, match=f"its model is '{name}', not one of"):
        settings.read([tmp_path / "arch.yaml"])


@pytest.mark.parametrize(("module", "latents"), [("trm", 2), ("trm_singlez", 1), ("trm_hier6", 7)])
def test_the_tiny_networks_module_says_how_many_latents_there_are(tmp_path, module, latents):
    name = f"recursive_reasoning.{module}@TinyRecursiveReasoningModel_ACTV1"
    (tmp_path / "arch.yaml").write_text(f"arch: {{name: {name}}}")
    found = settings.read([tmp_path / "arch.yaml"])
    assert found == {"one_network": True, "latents": latents}


ACT = """
arch:
  name: recursive_reasoning.transformers_baseline@Model_ACTV2
  H_layers: 8
  act_enabled: false
  act_inference: true
"""


def test_the_plain_transformers_own_keys_are_read_of_it_and_refused_of_another(tmp_path):
    path = tmp_path / "all_config.yaml"
    path.write_text(ACT)
    assert settings.read([path]) == {
        "one_network": False,
        "one_level": True,
        "H_layers": 8,
        "act_enabled": False,
        "act_inference": True,
    }
    for make in (recipes.act_v1, recipes.tiny_network):
        for key, value in (("act_enabled", False), ("act_inference", True)):
            with pytest.raises(
                UserError, match=rf"^{key} is {value}; allowed is {not value} but in the plain"
            ):
                replace(Arch.of(make()), **{key: value})


def test_both_repositories_have_the_hierarchical_model(tmp_path):
    for module in ("hrm.hrm_act_v1", "recursive_reasoning.hrm"):
        (tmp_path / "arch.yaml").write_text(
            f"name: {module}@HierarchicalReasoningModel_ACTV1\nH_cycles: 2"
        )
        assert settings.read([tmp_path / "arch.yaml"]) == {"one_network": False, "H_cycles": 2}


def test_a_rate_of_zero_converts_with_a_word(caplog):
    assert settings.training({"lr": 0.0, "weight_decay": 0.5}, 3).weight_decay == 0.5
    assert "lr is 0.0" in caplog.text


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    text = "\ufeff" + WHOLE.replace("\n", "\r\n")
    (tmp_path / "all_config.yaml").write_bytes(text.encode())
    assert settings.read([tmp_path / "all_config.yaml"])["H_layers"] == 4
