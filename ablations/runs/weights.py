"""Weights in a store: safetensors files named by their SHA-256; equal ones are kept once."""

import hashlib
import re
from pathlib import Path

from ablations.runs.sidecars import verified
from hrm.system.files import whole


def is_digest(digest: str | None) -> bool:
    """Return whether this can be the digest of weights in a store, or is None for no weights."""
    return digest is None or re.fullmatch(r"[0-9a-f]{64}", digest) is not None


def path(folder: Path, digest: str) -> Path:
    """Return the path of weights in a store."""
    return folder / "weights" / f"{digest}.safetensors"


def save(folder: Path, data: bytes) -> str:
    """Write weights into a store atomically, sync them, and return their digest.

    Raises:
        OSError: If they can't be written.
    """
    digest = hashlib.sha256(data).hexdigest()
    if not path(folder, digest).exists():
        with whole(path(folder, digest)) as temporary:
            temporary.write_bytes(data)
    return digest


def load(folder: Path, digest: str) -> bytes:
    """Return the weights with a digest.

    Raises:
        ValueError: If they are missing or damaged.
    """
    return verified(path(folder, digest), digest)
