"""`hrm summary RECIPE`: modules and parameters of a documented system, and its printed size.

With `--json` it prints one object, whose keys are stable:

    recipe, source   the recipe's name, and where the document describes it
    parameters       number of the model's parameters, without buffers
    documented       null, or {printed, difference, prints_as}: the printed figure, parameters less
                     that figure, and whether the count rounds or truncates to it
    operations       forward floating-point operations of one segment, that is, one halting step of
                     one sample, as `hrm.model.cost` counts them: from states to states, without the
                     embedding, the halting decision and the readout
    groups           [{path, type, parameters, operations, modules}], one per top-level module;
                     modules is [{path, type, shapes: {name: [...]}, parameters}], one per module
                     with parameters of its own; the model's own are in the group with path ""
    buffers          [{path, shape, elements}]: states, tables and whatever else isn't a parameter

The model is built on the meta device, so that no memory is allocated for it.
"""

import argparse
import json
import math
import re
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hrm.cli import options

if TYPE_CHECKING:
    from torch import nn

    from hrm.model import HRM
    from hrm.model.cost import Count

LINE = "show the modules and the size of a documented system"
TEXT = """\
Show a documented system: its modules, shapes, parameters (beside the printed figure) and the
operations of one segment. Nothing is trained, and no weights are allocated.

  hrm summary act-v1
  hrm summary complete-medium --json
"""
_figure = re.compile(r"[~≈]?(?P<digits>\d[\d,]*(?:\.\d+)?)(?P<scale>[KMB]?)(?P<least>\+?)")
_scales = {"": 0, "K": 3, "M": 6, "B": 9}


def add(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Describe `hrm summary`."""
    command = options.command(subparsers, "summary", LINE, TEXT)
    command.add_argument(
        "recipe", metavar="RECIPE", help="such as act-v1-sudoku; an unknown name lists them all"
    )
    options.add_json(command)
    command.set_defaults(function=run)


def run(asked: argparse.Namespace) -> int:
    """Print the summary of one recipe."""
    found = summarise(asked.recipe)
    if asked.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        from hrm.cli import display

        display.summary(found)
    return 0


def summarise(name: str) -> dict[str, Any]:
    """Return the JSON document of a recipe.

    Raises:
        UserError: If no recipe has this name.
    """
    recipe = options.recipe(name)
    system = recipe.make()

    import torch

    from hrm.model import HRM

    with torch.device("meta"):
        model = HRM(system.model).eval()
    operations = segment_operations(model)
    parameters = sum(p.numel() for p in model.parameters())
    printed = recipe.parameters
    return {
        "recipe": name,
        "source": recipe.source,
        "parameters": parameters,
        "documented": None if printed is None else compare(parameters, printed),
        "operations": operations.forward,
        "groups": groups(model, operations.children),
        "buffers": [
            {"path": path, "shape": list(b.shape), "elements": b.numel()}
            for path, b in model.named_buffers()
        ],
    }


def segment_operations(model: "HRM") -> "Count":
    """Count the operations of one halting step of one sample, forward."""
    import torch

    from hrm.model import cost

    with torch.no_grad():
        x = model.perceive(model.example(1))
        start = model.start(x)
        return cost.operations(lambda: model.refine(start, x), model)


def groups(model: "nn.Module", operations: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the modules that have parameters, by top-level module; shared modules occur once."""
    owned: dict[str, dict[str, list[int]]] = {}
    for path, parameter in model.named_parameters():
        owner, _, name = path.rpartition(".")
        owned.setdefault(owner, {})[name] = list(parameter.shape)
    found = []
    for child, module in (("", model), *model.named_children()):
        modules: list[dict[str, Any]] = [
            {
                "path": path,
                "type": type(model.get_submodule(path)).__name__,
                "shapes": shapes,
                "parameters": sum(math.prod(shape) for shape in shapes.values()),
            }
            for path, shapes in owned.items()
            if path.partition(".")[0] == child
        ]
        if child or modules or child in operations:
            found.append(
                {
                    "path": child,
                    "type": type(module).__name__,
                    "parameters": sum(m["parameters"] for m in modules),
                    "operations": operations.get(child, 0),
                    "modules": modules,
                }
            )
    return found


def compare(count: int, printed: str) -> dict[str, Any]:
    """Compare a count with a printed figure such as "844,610", "115K", "~27M" or "500K+".

    The count agrees if it rounds (halves either way) or truncates to the figure at the last printed
    place or, if the figure ends in "+", if it is at least as large.
    """
    match = _figure.fullmatch(printed)
    assert match is not None, f"{printed!r} isn't a single figure"
    figure = Decimal(match["digits"].replace(",", "")).scaleb(_scales[match["scale"]])
    place = Decimal(1).scaleb(int(figure.as_tuple().exponent))
    difference = count - int(figure)
    if match["least"]:
        prints_as = difference >= 0
    else:
        prints_as = 0 <= difference < place or 2 * abs(difference) <= place
    return {"printed": printed, "difference": difference, "prints_as": prints_as}
