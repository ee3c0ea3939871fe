"""`hrm convert IN OUT`: checkpoints of the public HRM and one-tiny-network code, both ways."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrm.cli import options
from hrm.cli.options import task_of
from hrm.system import extensions

if TYPE_CHECKING:
    from hrm.interop.arch import Arch
    from hrm.interop.inference import Inferred

LINE = "turn a public checkpoint into a run's folder, or a run into a public checkpoint"
TEXT = """\
Turn a checkpoint of the public HRM or one-tiny-network code (its plain transformer too) into a
run's folder, which `hrm eval` scores; or such a run into a checkpoint that the public code loads.
Tensors are renamed and not changed. Files are safetensors, or those of torch.save; no code in them
is executed.

Shapes don't determine everything. Heads, cycles and steps come from the configuration beside the
checkpoint, all_config.yaml, or from --config; all other keys come from the recipe. The result is
printed with the source of each key.

  hrm convert sudoku-extreme/checkpoint runs/public
  hrm convert step_1000 runs/public --config all_config.yaml --config data/train/dataset.json
  hrm convert step_1000 runs/small --task sudoku --task-set size=4 --set num_heads=4
  hrm convert runs/act public/step_1000
"""


def add(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Describe `hrm convert`."""
    parser = options.command(subparsers, "convert", LINE, TEXT)
    parser.add_argument(
        "source", type=Path, metavar="IN", help="a checkpoint, or a run's folder or file in it"
    )
    parser.add_argument(
        "output",
        type=Path,
        metavar="OUT",
        help="a new folder for a run, or a new file for a public checkpoint",
    )
    parser.add_argument(
        "--to", choices=("ours", "public"), help="direction (default: public for a run, else ours)"
    )
    parser.add_argument(
        "--recipe", metavar="RECIPE", help="recipe for missing keys (default: by size)"
    )
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="configuration of the public code, such as all_config.yaml, dataset.json or "
        "arch/*.yaml; may be repeated",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a public key of the model, such as num_heads=8 or seq_len=81; may be repeated",
    )
    parser.add_argument(
        "--task",
        choices=extensions.names(),
        metavar="TASK",
        help="task of the model (default: by size)",
    )
    options.add_settings(parser, "--task-set", "a field of the task")
    parser.add_argument(
        "--prefix",
        metavar="PREFIX",
        help="prefix of the public names: '_orig_mod.model.inner.', 'model.inner.' or '' (default: "
        "the one that the checkpoint had)",
    )
    options.add_json(parser, "the configuration")
    parser.set_defaults(function=run)


def run(asked: argparse.Namespace) -> int:
    """Convert a checkpoint, and print its configuration with the source of each key."""
    from hrm.interop import folders, settings

    if asked.recipe is not None:
        options.recipe(asked.recipe)
    given = settings.assigned(asked.set)
    if asked.to == "public" or (asked.to is None and folders.is_ours(asked.source)):
        arch = folders.to_public(asked.source, asked.output, given=given, prefix=asked.prefix)
        _show(asked, arch, None)
        return 0
    found = folders.to_ours(
        asked.source,
        asked.output,
        given=given,
        configurations=asked.config,
        recipe=asked.recipe,
        task=task_of(asked.task, asked.task_set, "--task-set") if asked.task else None,
    )
    _show(asked, found.arch, found)
    return 0


def _show(asked: argparse.Namespace, arch: "Arch", found: "Inferred | None") -> None:
    values = {key: value for key, value in arch.to_json().items() if key != "kind"}
    if asked.json:
        said = {} if found is None else {"recipe": found.recipe, "origin": dict(found.origin)}
        whole = {"output": str(asked.output), "configuration": values, **said}
        sys.stdout.write(json.dumps(whole, indent=2) + "\n")
        return
    origins = {} if found is None else found.origin
    titles = {"weights": "from the weights", "given": "given"}
    groups: dict[str, list[str]] = {}
    for key, value in values.items():
        title = titles.get(origins.get(key, ""), f"as in {found.recipe}" if found else "written")
        groups.setdefault(title, []).append(f"{key}={value}")
    for title, pairs in groups.items():
        sys.stdout.write(f"{title}: {', '.join(pairs)}\n")
    sys.stdout.write(f"{asked.output}\n")
