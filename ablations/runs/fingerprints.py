"""Fingerprints of trials: a stored result with a trial's fingerprint makes a new run unnecessary.

A fingerprint is the SHA-256 of the canonical JSON of the trial (without its parent), the parent's
fingerprint, the device class, the versions, and the digest of the sources that the trial depends
on. Nothing here imports torch or a protocol's module.
"""

import functools
import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ablations.records.trials import Trial
from ablations.runs import sources
from ablations.specs.protocols import Protocol
from hrm.codec import Json
from hrm.config import parts
from hrm.config.parts import Part, canonical, type_key
from hrm.errors import UserError
from hrm.system import environment

devices = ("cpu", "cuda")
STACKED = "-stacked"  # suffix of the device of trials whose seeds are trained in stacks
Content = tuple[str, str, int, str]
MOST_TEXTS = 4096  # largest number of cached texts
packages = ("asv_runner", "numpy", "python-sat", "torch")


def fingerprint(trial: Trial) -> str:
    """Return the trial's fingerprint on this machine, 64 hexadecimal digits.

    Raises:
        UserError: If the device is unknown, or "cuda" where there is no accelerator; if a part is
            of an unknown kind.
    """
    return _fingerprint(_text(trial.protocol), _text(trial.arms), trial)


def content(trial: Trial) -> Content:
    """Return the content of a trial: equal for equal trials, and fast to compare."""
    return _text(trial.protocol), _text(trial.arms), trial.seed, trial.device


def _text(data: Json) -> str:
    """Return canonical JSON, cached by object, since the trials of all seeds share objects."""
    known = _texts.get(id(data))
    if known is None:
        if len(_texts) >= MOST_TEXTS:
            _texts.clear()
        known = _texts[id(data)] = data, canonical(data)  # keeping it prevents reuse of its id
    return known[1]


_texts: dict[int, tuple[Json, str]] = {}


def _fingerprint(protocol: str, arms: str, trial: Trial) -> str:
    fixed = _fixed(protocol, arms, trial.device)
    parent = None if fixed.after is None else _fingerprint(fixed.after, arms, trial)
    data = {
        **fixed.data,
        "seed": trial.seed,
        "parent": parent,
        "device": device_class(trial.device, alone=fixed.alone),
        "versions": dict(versions()),
        "sources": sources.digest(fixed.modules),
    }
    return sha256(data)


def sha256(data: Json) -> str:
    """Return the SHA-256 of canonical JSON."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def kind(trial: Trial) -> str:
    """Return a key that trials share if they differ only in the seed, 16 hexadecimal digits.

    Compiled and eager training steps share a kind: the costs of one stand for the other until a run
    is stored.
    """
    protocol, arms, _, device = content(trial)
    return _kind(protocol, arms, device)


@functools.lru_cache(maxsize=4096)
def _kind(protocol: str, arms: str, device: str) -> str:
    data = _trial(protocol, arms, device).to_json()
    return sha256(_eager({**data, "seed": None}))[:16]


def _trial(protocol: str, arms: str, device: str) -> Trial:
    """Return the trial with this content at seed 0."""
    return Trial(protocol=json.loads(protocol), arms=tuple(json.loads(arms)), seed=0, device=device)


def _eager(protocol: Json) -> Json:
    """Return JSON in which a protocol and all its parents have eager steps."""
    found = {**protocol, "compiled": False} if "compiled" in protocol else dict(protocol)
    for name in ("protocol", "after"):
        if isinstance(found.get(name), dict):
            found[name] = _eager(found[name])
    return found


def protocol_class(trial: Trial) -> type[Protocol]:
    """Return the class of the trial's protocol.

    Raises:
        UserError: If its kind is unknown.
    """
    found = part_class(trial.protocol[type_key])
    assert issubclass(found, Protocol), found
    return found


def part_class(name: str) -> type[Part]:
    """Return the class of a kind of part.

    Raises:
        UserError: If no imported module has it.
    """
    found = parts.kinds().get(name)
    if found is None:
        raise UserError(
            f"kind is {name!r}, which no loaded module defines; allowed are kinds of parts in "
            "loaded modules; name its module with --include"
        )
    return found


@functools.cache
def versions() -> Mapping[str, str]:
    """Return the versions that results depend on: Python (major.minor) and some packages."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python} | environment.versions(packages)


def source_digest(trial: Trial) -> str:
    """Return the digest of the sources that the trial depends on."""
    protocol, arms, _, device = content(trial)
    return sources.digest(_fixed(protocol, arms, device).modules)


def modules(trial: Trial) -> tuple[str, ...]:
    """Return the modules that the trial depends on directly, without what they import.

    They are the protocol's, those of the classes of all parts, and those of the functions that the
    protocol calls by name.
    """
    functions = Part.from_json(trial.protocol).functions  # type: ignore[attr-defined]
    found = {protocol_class(trial).module, *(name.partition(":")[0] for name in functions)}
    found |= {part_class(part[type_key]).__module__ for part in parts_of(trial)}
    return tuple(sorted(name for name in found if not sources.is_spec(name)))


def parts_of(trial: Trial) -> Iterator[Mapping[str, Json]]:
    """Yield every encoded part of the trial itself, without its parents."""
    protocol = {key: value for key, value in trial.protocol.items() if key != "after"}
    yield from _parts([protocol, *trial.arms])


def device_class(device: str, *, alone: bool) -> str:
    """Return the class of devices across which a result may be shared.

    It is any CPU; for trials that need the machine alone (timings), one model of processor.
    Stacked seeds are a class of their own.

    Raises:
        UserError: If the device is unknown, or "cuda" where there is no accelerator.
    """
    if device.endswith(STACKED):
        return f"{device_class(device.removesuffix(STACKED), alone=alone)} stacked"
    match device:
        case "cpu":
            return f"cpu {environment.cpu_model()}" if alone else "cpu"
        case "cuda":
            name = environment.accelerator()
            if name is None:
                raise UserError(
                    "device is 'cuda'; allowed here is cpu, because torch finds no GPU; "
                    "use --device cpu"
                )
            return f"cuda {name}"
        case other:
            raise UserError(
                f"device is {other!r}; allowed are {' and '.join(devices)}; use --device cpu"
            )


@dataclass(frozen=True, kw_only=True)
class _Fixed:
    """The part of a fingerprint's text that doesn't depend on the seed, computed once."""

    data: Mapping[str, Any]
    modules: tuple[str, ...]
    alone: bool
    after: str | None


@functools.lru_cache(maxsize=4096)
def _fixed(protocol: str, arms: str, device: str) -> _Fixed:
    trial = _trial(protocol, arms, device)
    own = {key: value for key, value in trial.protocol.items() if key != "after"}
    after = trial.protocol.get("after")
    told = {"protocol": own, "arms": list(trial.arms), "device": device}
    return _Fixed(
        data={"trial": sha256(told)},
        modules=modules(trial),
        alone=protocol_class(trial).alone,
        after=None if after is None else canonical(after),
    )


def _parts(data: Json) -> Iterator[Mapping[str, Json]]:
    """Yield every encoded part within some JSON."""
    match data:
        case dict():
            if type_key in data:
                yield data
            for value in data.values():
                yield from _parts(value)
        case list():
            for value in data:
                yield from _parts(value)
