"""Weights of the public code: its checkpoints and configurations, read and written.

    weights = interop.read(Path("step_26040"))          # nothing in it runs
    found = interop.inferred(weights, {"seq_len": 81})  # what it is, and who says so
    model = HRM(found.arch.system().model)
    model.load_state_dict(weights.ours())
    interop.write(Path("again"), interop.wrapped(interop.renamed(model.state_dict())))

`hrm.interop.folders` converts a checkpoint to a run's folder and back, for `hrm convert`.
"""

from hrm.interop.arch import Arch
from hrm.interop.files import read, write
from hrm.interop.inference import Inferred, fitting, inferred
from hrm.interop.names import PREFIX, Weights, renamed, unwrapped, wrapped

__all__ = [
    "PREFIX",
    "Arch",
    "Inferred",
    "Weights",
    "fitting",
    "inferred",
    "read",
    "renamed",
    "unwrapped",
    "wrapped",
    "write",
]
