"""Registry: the function that builds the module or function of each part of a configuration.

    @builds(config.Gru)
    def _gru(part, positions, input_width, context_width): ...

The axis of a part determines which further arguments its builder takes, and what it returns:

axis            takes                                   returns
Embedding       c                                       a module: inputs, identities to [B, ..., D]
Core            positions, input_width, context_width   as `cores.Core`
Norm            width                                   a module
FeedForward     width                                   a module
Initialisation                                          an `initialisation.Initialisation`
Initial         width, low=whether for the low level    an `embedding.InitialState`
Coupling        c                                       a `coupling.Coupling`
Summary         c                                       a module with `window`, see `summary`
Carry                                                   an `execution.Handing`
Halting         c                                       a `halting.Halting`
Controller      width                                   a module: z_H, progress to logits
Exploration     max_steps                               a `halting.Explore`
Execution                                               an `execution.Strategy`

and in training:

Answer                                                  a function: prediction, target to [B]
Objective                                               an `objectives.Objective`
Optimiser       parameters, lr, weight_decay            a torch optimiser

where c is the whole `HRMConfig`. A class derived from a registered one is built as that one is,
unless it has a builder of its own.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from hrm.config.parts import Part
from hrm.errors import UserError

F = TypeVar("F", bound=Callable[..., Any])

_builders: dict[type[Part], Callable[..., Any]] = {}


def builds(kind: type[Part]) -> Callable[[F], F]:
    """Register the decorated function or class as the builder of a kind of part."""

    def register(builder: F) -> F:
        assert kind not in _builders, f"{kind.__name__} has a builder already"
        _builders[kind] = builder
        return builder

    return register


def built(part: Part, *arguments: Any, **more: Any) -> Any:
    """Build the module or function that a part configures.

    Raises:
        UserError: If no builder is registered for its kind.
    """
    for kind in type(part).__mro__:
        if kind in _builders:
            return _builders[kind](part, *arguments, **more)
    axis = next(k for k in type(part).__mro__ if k.__module__ == "hrm.config.axes" or k is Part)
    known = sorted(k.__name__ for k in _builders if issubclass(k, axis))
    raise UserError(
        f"{type(part).__name__} has no builder; allowed for {axis.__name__} are "
        f"{', '.join(known) or 'none yet'}; decorate what builds it with "
        f"@hrm.model.registry.builds({type(part).__name__})"
    )
