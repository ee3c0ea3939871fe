"""Settings: the configuration files of the public code, and our equivalents.

    all_config.yaml     beside a checkpoint: `arch`, and how it was trained
    dataset.json        in the data's folders: seq_len, vocab_size, num_puzzle_identifiers
    arch/*.yaml         `arch` alone

Sources: github.com/sapientinc/HRM, pretrain.py, evaluate.py and config/cfg_pretrain.yaml.
"""

import dataclasses
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hrm.config.learning import AdamAtan2, Constant, Cosine, Training
from hrm.errors import UserError
from hrm.interop.arch import (
    HIERARCHICAL,
    HIERARCHICAL_TOO,
    NOT_PLAIN,
    ONE_NETWORK_ALONE,
    PLAIN,
    PLAIN_ALONE,
    TINIES,
    Arch,
)

_log = logging.getLogger(__name__)

FILE = "all_config.yaml"  # what the public evaluation looks for beside a checkpoint
KEYS = [
    *(
        f.name
        for f in dataclasses.fields(Arch)
        if f.name not in ("one_network", "one_level", "inner", "latents")
    ),
    "expansion",
]
# Keys of training, and our fields of the same meaning.
TRAINING = {
    "global_batch_size": "batch",
    "lr": "learning_rate",
    "lr_warmup_steps": "warmup",
    "weight_decay": "weight_decay",
    "puzzle_emb_lr": "puzzle_rate",
    "puzzle_emb_weight_decay": "puzzle_decay",
}
_beside = ("name", "loss", "batch_size")  # keys of `arch` that don't affect the model's sizes
_head = "losses@ACTLossHead"  # the only one of both public codes
MORE = ("beta1", "beta2", "lr_min_ratio", "ema", "ema_rate")  # further keys of training
_most = 1 << 20  # largest size of a configuration, in bytes


def read(paths: Sequence[Path]) -> dict[str, Any]:
    """Return the public keys of configuration files, flat; later files override earlier ones.

    Keys that don't concern model or training are left out, and so are references to other files.

    Raises:
        UserError: If a file isn't YAML or JSON with such keys, or is for another model; if `arch`
            has keys that the public code doesn't have, since another code may compute something
            else.
    """
    found: dict[str, Any] = {}
    for path in paths:
        whole = _mapping(path)
        flat = _flat(whole)
        arch = whole.get("arch", whole if "@" in str(whole.get("name")) else {})
        foreign = [key for key in arch if key not in (*KEYS, *_beside, *TRAINING, *MORE)]
        if foreign:
            raise UserError(
                f"configuration is {str(path)!r}, whose arch has {foreign[0]} = "
                f"{str(arch[foreign[0]])[:80]!r}; allowed are the public code's keys, since any "
                f"other may change the computation: {', '.join(KEYS)}; if the model was trained "
                f"without it, name a copy without that key with --config"
            )
        loss = arch.get("loss")
        for key, value in loss.items() if isinstance(loss, dict) else ():
            if key != "loss_type" and (key, value) != ("name", _head):
                _log.warning(
                    "%s: loss.%s = %.80s has no effect: losses are those of %s",
                    *(path, key, value, _head.partition("@")[2]),
                )
        known = {key: value for key, value in flat.items() if key in (*KEYS, *TRAINING, *MORE)}
        if isinstance(name := flat.get("name"), str):
            known |= _code(path, name)
        if not known:
            raise _refused(path, "it has none of the public keys")
        found |= {k: _number(v) for k, v in known.items() if not str(v).startswith("${")}
    return found


def assigned(settings: Sequence[str]) -> dict[str, Any]:
    """Return the values of ``KEY=VALUE`` settings; a value is JSON or a word.

    Raises:
        UserError: If a setting is malformed, or its key isn't a public key of the model.
    """
    found = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or key not in KEYS:
            raise UserError(
                f"--set {setting} names no key of the public configuration; allowed is KEY=VALUE "
                f"with one of: {', '.join(KEYS)}; give one of these"
            )
        try:
            found[key] = json.loads(text)
        except ValueError:
            found[key] = text
    return found


def of_model(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return those keys of `read` that concern the model."""
    return {key: value for key, value in found.items() if key not in (*TRAINING, *MORE)}


def training(found: Mapping[str, Any], updates: int) -> Training:
    """Return the training that public keys describe, with `updates` updates.

    Raises:
        UserError: If a value is impossible.
    """
    chosen = {ours: found[key] for key, ours in TRAINING.items() if key in found}
    if chosen.get("learning_rate") == 0:
        _log.warning("lr is 0.0, so that nothing would be learned; the run gets the default rate")
        del chosen["learning_rate"]
    floor = found.get("lr_min_ratio", 1.0)
    schedule = Constant() if floor == 1 else Cosine(floor=floor)
    return Training.from_json(
        {
            "kind": "Training",
            "updates": max(1, updates),
            "optimiser": AdamAtan2(
                betas=(found.get("beta1", 0.9), found.get("beta2", 0.95))
            ).to_json(),
            "schedule": schedule.to_json(),
            "ema": found.get("ema_rate", 0.999) if found.get("ema") else None,
            **chosen,
        }
    )


def public(arch: Arch, how: Training, boards: int) -> dict[str, Any]:
    """Return the contents of an `all_config.yaml`, except for the path of the data.

    Args:
        arch: The configuration of the model.
        how: The configuration of the training.
        boards: Number of training boards.

    Raises:
        UserError: If the public code has no such inner width.
    """
    left_out = {"kind", "one_network", "one_level", "inner", "loss_type", "latents"}
    left_out |= {"vocab_size", "seq_len", "num_puzzle_identifiers"}  # the data's
    left_out |= set(NOT_PLAIN) - {"H_cycles"} if arch.one_level else set(PLAIN_ALONE)
    if not arch.one_network:
        left_out |= set(ONE_NETWORK_ALONE)
    keys = {key: value for key, value in arch.to_json().items() if key not in left_out}
    if arch.one_network:
        keys["H_layers"] = 0  # ignored there
    betas = getattr(how.optimiser, "betas", (0.9, 0.95))
    values = {key: getattr(how, ours) for key, ours in TRAINING.items()}
    for key, other in (("puzzle_emb_lr", "lr"), ("puzzle_emb_weight_decay", "weight_decay")):
        values[key] = values[other] if values[key] is None else values[key]
    floor = how.schedule.floor if isinstance(how.schedule, Cosine) else 1.0
    return {
        "arch": {
            "name": arch.code,
            "loss": {"name": _head, "loss_type": arch.loss_type},
            "expansion": arch.expansion,
            **keys,
        },
        **({"data_paths": []} if arch.one_network or arch.one_level else {"data_path": ""}),
        **values,
        "epochs": max(1, how.updates * how.batch // max(1, boards)),
        "lr_min_ratio": floor,
        "beta1": betas[0],
        "beta2": betas[1],
        **({} if how.ema is None else {"ema": True, "ema_rate": how.ema}),
    }


def _mapping(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML or JSON file, as plain data."""
    try:
        with path.open("rb") as file:
            text = file.read(_most + 1)
        if len(text) > _most:
            raise _refused(path, f"it has more than {_most:,} bytes")
        found = yaml.safe_load(text)
    except UserError:
        raise
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise _refused(path, " ".join(str(error).split())[:160]) from error
    if not isinstance(found, dict):
        raise _refused(path, f"it holds a {type(found).__name__}, not a mapping")
    return found


def _number(value: Any) -> Any:
    """Return a text such as 1e-4, which YAML doesn't read as a number, as the public code does."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _flat(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of `arch` and of its `loss` together with those at the top level."""
    arch = found.get("arch", found)
    arch = arch if isinstance(arch, dict) else {}
    loss = arch.get("loss")
    loss_type = loss.get("loss_type") if isinstance(loss, dict) else None
    return {**found, **arch, **({} if loss_type is None else {"loss_type": loss_type})}


def _code(path: Path, name: str) -> dict[str, Any]:
    """Return the keys that the name of a model's code implies."""
    kinds: dict[str, dict[str, Any]] = {
        **{code: {"one_network": False} for code in (HIERARCHICAL, HIERARCHICAL_TOO)},
        **{code: {"one_network": True, "latents": n} for n, code in TINIES.items()},
        PLAIN: {"one_network": False, "one_level": True},
    }
    if name not in kinds:  # modules differ in what they compute, also under one class name
        raise _refused(path, f"its model is {name!r}, not one of {', '.join(kinds)}")
    return kinds[name]


def _refused(path: Path, why: str) -> UserError:
    return UserError(
        f"configuration is {str(path)!r}, which can't be used ({why}); allowed is a YAML or JSON "
        f"file of the public code; name its {FILE}, or the dataset.json of its data"
    )
