"""Fingerprints: equal ones mean that a stored result answers the trial, and nothing is run again.

A fingerprint is the SHA-256 of the canonical JSON of the trial, the device class, the versions and
the digest of the sources that the trial imports. Nothing here imports torch or a workload.
"""

import functools
import hashlib
import platform
from collections.abc import Mapping

from ablations import sources
from ablations.records import Trial
from hrm.config.parts import canonical
from hrm.errors import UserError
from hrm.system import environment

devices = ("cpu", "cuda")
packages = ("asv_runner", "numpy", "python-sat", "torch")


def fingerprint(trial: Trial) -> str:
    """Return the trial's fingerprint on this machine, 64 hexadecimal digits.

    Raises:
        UserError: If the device is unknown, or "cuda" where there is no accelerator.
    """
    data = {
        "trial": trial.to_json(),
        "device": device_class(trial),
        "versions": dict(versions()),
        "sources": source_digest(trial),
    }
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def kind(trial: Trial) -> str:
    """Return what trials share that differ in the seed alone, 16 hexadecimal digits."""
    data = {**trial.to_json(), "seed": None}
    return hashlib.sha256(canonical(data).encode()).hexdigest()[:16]


@functools.cache
def versions() -> Mapping[str, str]:
    """Return the versions that results depend on: Python (major.minor) and some packages."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python} | environment.versions(packages)


def source_digest(trial: Trial) -> str:
    """Return the digest of the sources that the trial rests on."""
    return sources.digest((workload(trial)[0], *trial.modules))


def workload(trial: Trial) -> tuple[str, str]:
    """Return the module and the function that run a trial.

    "training:boards" is `boards` in `ablations.workloads.training`; a module with a dot in its
    name, as in "package.module:function", is taken as it is.
    """
    module, colon, function = trial.workload.partition(":")
    assert module and colon and function.isidentifier(), trial.workload
    return module if "." in module else f"ablations.workloads.{module}", function


def device_class(trial: Trial) -> str:
    """Return what a result may be shared across: any CPU, or one model where time was taken alone.

    Raises:
        UserError: If the device is unknown, or "cuda" where there is no accelerator.
    """
    match trial.device:
        case "cpu":
            return f"cpu {environment.cpu_model()}" if trial.alone else "cpu"
        case "cuda":
            name = environment.accelerator()
            if name is None:
                raise UserError(
                    "device is 'cuda'; allowed here is cpu, since torch finds no GPU here; "
                    "use --device cpu"
                )
            return f"cuda {name}"
        case other:
            raise UserError(
                f"device is {other!r}; allowed are {' and '.join(devices)}; use --device cpu"
            )
