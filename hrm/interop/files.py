"""Files: state dictionaries on disk, read without executing any code in them.

Safetensors files are read, and the zip files that `torch.save` writes; the latter with torch's
restricted unpickler (`weights_only`), which accepts only tensors and plain data. The first bytes of
a file tell which one it is. The result is checked again: it must consist of dense tensors that own
their memory.
"""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor

from hrm.errors import UserError
from hrm.interop.names import Weights, unwrapped
from hrm.system.files import whole

_kinds = (torch.float32, torch.bfloat16, torch.float16)  # float32 holds each exactly


def read(path: Path) -> Weights:
    """Return the weights in a public checkpoint, or those under ``model`` if it has more.

    Raises:
        UserError: If it isn't such a file, is damaged, or contains anything but tensors, in which
            case none of it has been executed.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from error
    state: Any = _zipped(path) if start == b"PK\x03\x04" else _safe(path)
    if isinstance(state, Mapping) and isinstance(state.get("model"), Mapping):
        state = state["model"]
    if not isinstance(state, Mapping):
        raise _refused(path, f"it holds a {type(state).__name__}, not a dictionary")
    for name, tensor in state.items():
        if why := _unfit(tensor):
            raise _refused(path, f"{str(name)[:200]!r} in it is {why}")
    return unwrapped({str(name): tensor.detach() for name, tensor in state.items()}, str(path))


def write(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write a state dictionary: as safetensors if the suffix is so, otherwise by `torch.save`.

    Raises:
        OSError: If it can't be written; no file is left then.
    """
    dense = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}
    with whole(path) as temporary:
        if path.suffix == ".safetensors":
            try:
                save_file(dense, temporary)
            except safetensors.SafetensorError as error:  # what the library raises on a full disk
                raise OSError(f"{path} can't be written: {error}") from error
        else:
            with temporary.open("xb") as file:  # given a path, torch would store its name inside
                torch.save(dense, file)


def _zipped(path: Path) -> Any:
    """Load a zip file; one that is larger when unpacked is refused."""
    try:
        with zipfile.ZipFile(path) as file:
            size = sum(entry.file_size for entry in file.infolist())
            if size > path.stat().st_size:
                raise _refused(path, f"it unpacks to {size:,} bytes, more than the file has")
            if (damaged := file.testzip()) is not None:  # torch doesn't look at checksums
                raise _refused(path, f"{damaged!r} in it is damaged")
        # Not mapped into memory: then torch doesn't hold tensors to the size of their records.
        return torch.load(path, map_location="cpu", weights_only=True)
    except UserError:
        raise
    except Exception as error:  # a damaged file makes an unpickler raise anything
        called = re.search(r"GLOBAL ([\w.]+)", str(error))
        why = f"it asks for {called[1]}, which isn't a tensor" if called else _line(error)
        raise _refused(path, why) from error


def _safe(path: Path) -> dict[str, Tensor]:
    try:
        with safetensors.safe_open(path, framework="pt", device="cpu") as file:
            if "tree" in (file.metadata() or {}):
                raise UserError(
                    f"checkpoint is {str(path)!r}, which this project wrote; allowed is one of the "
                    f"public code; convert yours with --to public"
                )
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except UserError:
        raise
    except Exception as error:
        raise _refused(path, _line(error)) from error


def _unfit(tensor: Any) -> str | None:
    """Return why a value can't be a weight; None if it can."""
    if not isinstance(tensor, Tensor):
        return f"a {type(tensor).__name__}, not a tensor"
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        return "not a dense tensor"
    if tensor.dtype not in _kinds:
        allowed = ", ".join(str(kind).removeprefix("torch.") for kind in _kinds)
        return f"{tensor.dtype}, not one of {allowed}".replace("torch.", "")
    if tensor.untyped_storage().nbytes() < tensor.numel() * tensor.element_size():
        return "a tensor larger than its stored data"
    if not tensor.isfinite().all():
        return "a tensor with NaN or infinite values"
    return None


def _line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."


def _refused(path: Path, why: str) -> UserError:
    return UserError(
        f"checkpoint is {str(path)!r}, which can't be read ({why}); allowed is a state dictionary, "
        f"in a safetensors file or as torch.save writes it; name another file"
    )
