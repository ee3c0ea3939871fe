"""Fingerprints: a stored result with the same fingerprint is that of the trial, without a new run.

A fingerprint is the SHA-256 of the canonical JSON of the trial (without what it starts from), its
parent's fingerprint, the device class, the versions and the digest of the sources that the trial
rests on. Nothing here imports torch or a protocol's module.
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
STACKED = "-stacked"  # ends the device of a trial whose seeds are trained in stacks
Content = tuple[str, str, int, str]
MOST_TEXTS = 4096  # that are remembered
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
    """Return canonical JSON, made once an object: the trials of all seeds share theirs."""
    known = _texts.get(id(data))
    if known is None:
        if len(_texts) >= MOST_TEXTS:
            _texts.clear()
        known = _texts[id(data)] = data, canonical(data)  # kept, so that no other has its id
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
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def kind(trial: Trial) -> str:
    """Return a key that trials share if they differ only in the seed, 16 hexadecimal digits.

    Compiled training steps count as eager ones, whose costs stand for theirs until one is stored.
    """
    data = _eager({**trial.to_json(), "seed": None})
    return hashlib.sha256(canonical(data).encode()).hexdigest()[:16]


def _eager(protocol: Json) -> Json:
    """Return a protocol, or what holds one, and all that it starts from, with eager steps."""
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
            f"kind is {name!r}; allowed are the kinds of parts in modules that were loaded; name "
            "its module with --include"
        )
    return found


@functools.cache
def versions() -> Mapping[str, str]:
    """Return the versions that results depend on: Python (major.minor) and some packages."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python} | environment.versions(packages)


def source_digest(trial: Trial) -> str:
    """Return the digest of the sources that the trial rests on."""
    return sources.digest(modules(trial))


def modules(trial: Trial) -> tuple[str, ...]:
    """Return the modules that the trial rests on directly; what they import comes with them.

    They are the protocol's, those of the classes of all parts, and those of the functions that the
    protocol calls by name.
    """
    functions = Part.from_json(trial.protocol).functions  # type: ignore[attr-defined]
    found = {protocol_class(trial).module, *(name.partition(":")[0] for name in functions)}
    found |= {part_class(part[type_key]).__module__ for part in parts_of(trial)}
    return tuple(sorted(name for name in found if not sources.is_spec(name)))


def parts_of(trial: Trial) -> Iterator[Mapping[str, Json]]:
    """Yield every encoded part of the trial itself, not of those it starts from."""
    protocol = {key: value for key, value in trial.protocol.items() if key != "after"}
    yield from _parts([protocol, *trial.arms])


def device_class(device: str, *, alone: bool) -> str:
    """Return what a result may be shared across: any CPU, or one model where time was taken alone.

    Seeds that are trained in stacks are a class of their own.

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
                    "device is 'cuda'; allowed here is cpu, since torch finds no GPU; "
                    "use --device cpu"
                )
            return f"cuda {name}"
        case other:
            raise UserError(
                f"device is {other!r}; allowed are {' and '.join(devices)}; use --device cpu"
            )


@dataclass(frozen=True, kw_only=True)
class _Fixed:
    """What trials share that differ in the seed: most of a fingerprint's text, made once."""

    data: Mapping[str, Any]
    modules: tuple[str, ...]
    alone: bool
    after: str | None


@functools.lru_cache(maxsize=4096)
def _fixed(protocol: str, arms: str, device: str) -> _Fixed:
    trial = Trial(protocol=json.loads(protocol), arms=tuple(json.loads(arms)), seed=0)
    own = {key: value for key, value in trial.protocol.items() if key != "after"}
    after = trial.protocol.get("after")
    text = canonical({"protocol": own, "arms": list(trial.arms), "device": device})
    return _Fixed(
        data={"trial": hashlib.sha256(text.encode()).hexdigest()},
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
