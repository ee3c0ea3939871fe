"""Checkpoints: nested plain data and tensors in one file, whole or absent.

A checkpoint is a safetensors file. It holds the tensors by number; the JSON in its header holds
everything else, and the place of each tensor. It contains no code.
"""

import json
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor

from hrm.config.parts import Part
from hrm.errors import UserError
from hrm.system.files import whole

Tree = Any  # None, bool, int, float, str, Tensor, and lists, tuples and dictionaries of such


def save(path: Path, tree: Tree) -> None:
    """Write a tree to a file, which is replaced atomically.

    Raises:
        OSError: If it can't be written, as on a full disk.
    """
    tensors: dict[str, Tensor] = {}
    plain = _plain(tree, tensors)
    try:
        with whole(path) as temporary:
            save_file(tensors, temporary, metadata={"tree": json.dumps(plain)})
    except safetensors.SafetensorError as error:  # what the library raises on a full disk
        raise OSError(f"{path} can't be written: {error}") from error


def load(path: Path, *names: str, device: str = "cpu") -> Tree:
    """Return the tree of a file that `save` wrote, its tensors on a device.

    Args:
        path: The file.
        names: Keys that the tree, a dictionary, must have.
        device: Device of the tensors.

    Raises:
        UserError: If it isn't such a file, or is damaged.
    """
    try:
        with safetensors.safe_open(path, framework="pt", device=device) as file:
            plain = json.loads((file.metadata() or {})["tree"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        tree = _tree(plain, tensors)
        for name in names:
            tree[name]
        return tree
    except (safetensors.SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"checkpoint is {str(path)!r}; allowed is a file that a training run wrote, and this "
            f"can't be read ({error}); remove it to start anew, or name another"
        ) from error


def same(path: Path, stored: Part, asked: Part) -> None:
    """Refuse a checkpoint of another configuration.

    Raises:
        UserError: If the configurations differ; it names the first difference.
    """
    differences = stored.differences(asked)
    if differences:
        where, there, here = differences[0]
        raise UserError(
            f"checkpoint {str(path)!r} has {where} = {there!r}; allowed is {here!r}, what was "
            f"asked for, one of {len(differences)} differences; ask for the same, or use another "
            f"folder"
        )


def _plain(tree: Tree, tensors: dict[str, Tensor]) -> Any:
    """Turn a tree into JSON: dictionaries into pairs, since their keys may be numbers."""
    match tree:
        case Tensor():
            name = str(len(tensors))
            tensors[name] = tree.detach().cpu().contiguous().clone()
            return {"tensor": name}
        case dict():
            return {"pairs": [[key, _plain(value, tensors)] for key, value in tree.items()]}
        case list() | tuple():
            return {"list": [_plain(value, tensors) for value in tree]}
        case None | bool() | int() | float() | str():
            return tree
    raise TypeError(f"a checkpoint can't hold {tree!r}")


def _tree(plain: Any, tensors: dict[str, Tensor]) -> Tree:
    if not isinstance(plain, dict):
        return plain
    ((kind, value),) = plain.items()
    match kind:
        case "tensor":
            return tensors[value]
        case "pairs":
            return {key: _tree(each, tensors) for key, each in value}
        case _:
            return [_tree(each, tensors) for each in value]


def bytes_of(state: Tensor) -> Tensor:
    """Return the state of a random generator as bytes on the CPU, as torch expects it."""
    return state.to("cpu", torch.uint8)
