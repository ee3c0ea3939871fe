"""Run the function of an exact claim."""

import importlib
from collections.abc import Callable, Iterator

from ablations.protocols.base import Inputs, Outcome
from ablations.records import checks
from ablations.specs.protocols import Check
from hrm.errors import UserError


def run(inputs: Inputs) -> Outcome:
    """Call the function; store its `checks` as JSON with the first arm, in their order.

    Raises:
        UserError: If there is no such function.
    """
    protocol = inputs.protocol
    assert isinstance(protocol, Check)
    more = {"figures": protocol.figures} if protocol.figures else {}
    found = [
        check.to_json() for check in function(protocol.function)(inputs.arms, inputs.seed, **more)
    ]
    return Outcome(observations=[{"checks": found}, *({} for _ in inputs.arms[1:])])


def function(name: str) -> Callable[..., Iterator[checks.Check]]:
    """Return the function "module:function".

    Raises:
        UserError: If there is none.
    """
    module, _, attribute = name.partition(":")
    try:
        found: Callable[..., Iterator[checks.Check]] = getattr(
            importlib.import_module(module), attribute
        )
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(
            f"function is {name!r}; allowed is 'module:function', of a module that can be "
            f"imported; mend the claim ({error})"
        ) from error
    return found
