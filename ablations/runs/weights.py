"""Weights in a store: safetensors files named by their SHA-256; equal ones are kept once."""

import hashlib
from pathlib import Path

from ablations.runs.sidecars import verified
from hrm.system.files import whole


def path(folder: Path, digest: str) -> Path:
    """Return where a store keeps weights."""
    return folder / "weights" / f"{digest}.safetensors"


def save(folder: Path, data: bytes) -> str:
    """Keep weights in a store, whole and synced, and return their digest.

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
