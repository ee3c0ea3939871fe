"""Options that several commands take."""

import argparse
import os
import re
from typing import Any

from hrm.system.command import Parser


def as_json() -> Parser:
    """Return --json."""
    return _option("--json", action="store_true", help="print JSON; its keys are documented")


def store(default: str = "store") -> Parser:
    """Return --store."""
    return _option(
        "--store",
        default=default,
        metavar="DIR",
        help="folder of the runs, or evidence where they are only read (default: %(default)s)",
    )


def claims() -> Parser:
    """Return the claims that are asked for."""
    return _option(
        "claims", nargs="*", metavar="CLAIM", help="ids of claims, or patterns such as 'halt-*'"
    )


def outside() -> Parser:
    """Return --claims and --include, for users' claims and modules."""
    made = Parser(add_help=False)
    made.add_argument(
        "--claims",
        dest="from_",
        metavar="FILE",
        help="claims of your own instead of the documents': a Python file, or the name of an "
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
    """Return --tier."""
    return _option(
        "--tier",
        choices=["quick", "standard", "full"],
        help="last look: quick runs one seed of trained claims and decides all others, "
        "standard goes to 26 seeds, full to 60 (default: quick; of evidence, full)",
    )


def jobs() -> Parser:
    """Return --jobs."""
    return _option(
        "--jobs",
        type=positive,
        default=len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        metavar="N",
        help="parallel runs, one thread each; 1 runs in this process (default: %(default)s, the "
        "cores here); timings always run alone",
    )


def device() -> Parser:
    """Return --mode and --device."""
    made = Parser(add_help=False)
    made.add_argument(
        "--mode",
        choices=["auto", "eager", "compiled"],
        default="auto",
        help="how training steps are computed; runs of one mode are never paired with the other's. "
        "auto is eager at tier quick, and what each claim was fixed to beforehand at the others, "
        "the faster one for many seeds; compiled needs a C++ compiler (default: auto)",
    )
    made.add_argument(
        "--device",
        choices=["cpu", "cuda", "cpu-stacked", "cuda-stacked"],
        default="cpu",
        help="where arms are trained; with -stacked, those whose seeds were trained in stacks, "
        "see `ablations run --stack` (default: cpu)",
    )
    return made


def fresh() -> Parser:
    """Return --fresh."""
    return _option(
        "--fresh",
        action="store_true",
        help="ignore the evidence, whatever --evidence says; `run` never reads it",
    )


def robustness() -> Parser:
    """Return --robustness."""
    return _option(
        "--robustness",
        action="store_true",
        help="instead of the claims, headline claims under other conditions (other widths, boards "
        "and training recipes, eight seeds each), which a report shows beside them",
    )


def history() -> Parser:
    """Return --history."""
    return _option(
        "--history",
        dest="folder",
        default="evidence/history",
        metavar="DIR",
        help="folder of the commits' records (default: evidence/history)",
    )


def judged() -> tuple[Parser, ...]:
    """Return what says which runs are read of which claims, and --json."""
    return claims(), tier(), device(), store(), outside(), as_json()


def _option(*names: str, **how: Any) -> Parser:
    made = Parser(add_help=False)
    made.add_argument(*names, **how)
    return made


def stack(text: str) -> int:
    """Return how many seeds make a stack, 2 or more."""
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seeds from 2")
    return int(text)


def seconds(text: str) -> float:
    """Return the seconds of a time such as 90s, 30min or 2h."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|h)", text)
    if found is None or not float(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 90s, 30min or 2h")
    return float(found[1]) * {"s": 1, "min": 60, "h": 3600}[found[2]]


def positive(text: str) -> int:
    """Return a number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)
