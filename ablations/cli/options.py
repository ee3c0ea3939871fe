"""Options shared by several commands."""

import argparse
import os
import re
from typing import Any

from hrm.system.command import Parser


def as_json() -> Parser:
    """Return a parser of the option `--json`."""
    return _option("--json", action="store_true", help="print JSON; its keys are documented")


def store(default: str = "store") -> Parser:
    """Return a parser of the option `--store`."""
    return _option(
        "--store",
        default=default,
        metavar="DIR",
        help="folder of the runs, or of evidence if runs are only read (default: %(default)s)",
    )


def claims() -> Parser:
    """Return the argument for ids of claims."""
    return _option(
        "claims", nargs="*", metavar="CLAIM", help="ids of claims, or patterns such as 'halt-*'"
    )


def outside() -> Parser:
    """Return a parser of `--claims` and `--include`, for users' claims and modules."""
    made = Parser(add_help=False)
    made.add_argument(
        "--claims",
        dest="from_",
        metavar="FILE",
        help="your own claims instead of those of the documents: a Python file, or the name of an "
        "entry point of the group ablations.claims",
    )
    made.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="MODULE",
        help="a module or file to import first, with tasks or parts of your own; may be repeated",
    )
    return made


def tier() -> Parser:
    """Return a parser of the option `--tier`."""
    return _option(
        "--tier",
        choices=["quick", "standard", "full"],
        help="last look: quick runs one seed of claims about training and decides all others, "
        "standard goes to 26 seeds, full to 60 (default: quick; for evidence, full)",
    )


def jobs() -> Parser:
    """Return a parser of the option `--jobs`."""
    return _option(
        "--jobs",
        type=positive,
        default=len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        metavar="N",
        help="number of parallel runs, one thread each; 1 runs in this process (default: "
        "%(default)s, the number of cores); timings always run alone",
    )


def device() -> Parser:
    """Return a parser of the options `--mode` and `--device`."""
    made = Parser(add_help=False)
    made.add_argument(
        "--mode",
        choices=["auto", "eager", "compiled"],
        default="auto",
        help="execution of training steps; runs of different modes are never paired. auto means "
        "eager in tier quick; in other tiers each claim has the mode that was fixed beforehand, "
        "the faster one for many seeds; compiled needs a C++ compiler (default: auto)",
    )
    made.add_argument(
        "--device",
        choices=["cpu", "cuda", "cpu-stacked", "cuda-stacked"],
        default="cpu",
        help="device of training; with -stacked, that of seeds trained in stacks, see `ablations "
        "run --stack` (default: cpu)",
    )
    return made


def fresh() -> Parser:
    """Return a parser of the option `--fresh`."""
    return _option(
        "--fresh",
        action="store_true",
        help="ignore the evidence, and --evidence; `run` never reads it",
    )


def robustness() -> Parser:
    """Return a parser of the option `--robustness`."""
    return _option(
        "--robustness",
        action="store_true",
        help="run headline claims under other conditions instead (other widths, boards and "
        "training recipes, eight seeds each); a report shows the results beside the claims",
    )


def history() -> Parser:
    """Return a parser of the option `--history`."""
    return _option(
        "--history",
        dest="folder",
        default="evidence/history",
        metavar="DIR",
        help="folder of the commits' records (default: evidence/history)",
    )


def judged() -> tuple[Parser, ...]:
    """Return the options of commands that judge: which runs of which claims, and --json."""
    return claims(), tier(), device(), store(), outside(), as_json()


def _option(*names: str, **how: Any) -> Parser:
    made = Parser(add_help=False)
    made.add_argument(*names, **how)
    return made


def stack(text: str) -> int:
    """Return the number of seeds in a stack, 2 or more."""
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} isn't a number of seeds; allowed is 2 or more")
    return int(text)


def seconds(text: str) -> float:
    """Return the seconds of a time such as 90s, 30min or 2h."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|h)", text)
    if found is None or not float(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} isn't a time; allowed is 90s, 30min or 2h")
    return float(found[1]) * {"s": 1, "min": 60, "h": 3600}[found[2]]


def positive(text: str) -> int:
    """Return a number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} isn't a whole number of 1 or more")
    return int(text)


def number(text: str) -> float:
    """Return a number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
