"""Protocols as plain data: what a trial does. `ablations.protocols` has the code that does it.

    Train       train an arm, score it on boards held out     leaves weights
    Ladder      train an arm anew at each of several rates
    Climb       likewise, where answers between the steps are supervised
    Evaluate    score those weights in another mode
    Execute     count what an execution computes with them
    Resample    policy gradients at them, over resampled batches
    Probe       record states and gradients: residuals, dimensions, the one-step gradient
    Scatter     gradients of a training loss over batches
    Gradients   norms of a loss's gradient, by the depth of the recursion
    QGradients  norms of the gradient of Q values' losses, over experiences
    Bytes       count the bytes that a controller call and a whole pass allocate
    Check       run the function of an exact claim
    Time        time all arms in turns

A protocol may start from the weights that another one left (`after`): an arm is trained once and
measured often. Each kind names the module that runs it; a run's fingerprint covers that module's
imports, the modules of the parts that it is given, and the settings.
"""

from ablations.specs.protocols.base import Boards, Execution, Protocol
from ablations.specs.protocols.modes import (
    Forced,
    Greedy,
    MeanLogits,
    Mode,
    OneUnknown,
    Sampled,
    Scripted,
    Trajectories,
    Vote,
)
from ablations.specs.protocols.trained import (
    Evaluate,
    Execute,
    Gradients,
    Probe,
    QGradients,
    Resample,
    Scatter,
)
from ablations.specs.protocols.training import Climb, Ladder, Train
from ablations.specs.protocols.untrained import Bytes, Check, Time

__all__ = [
    "Boards",
    "Bytes",
    "Check",
    "Climb",
    "Evaluate",
    "Execute",
    "Execution",
    "Forced",
    "Gradients",
    "Greedy",
    "Ladder",
    "MeanLogits",
    "Mode",
    "OneUnknown",
    "Probe",
    "Protocol",
    "QGradients",
    "Resample",
    "Sampled",
    "Scatter",
    "Scripted",
    "Time",
    "Train",
    "Trajectories",
    "Vote",
]
