"""The command line: `ablations list | show | plan | run | verdicts | report | ...`."""

import argparse
import os
import re
from collections.abc import Sequence
from typing import NoReturn

from ablations.records import Tier
from hrm.system.command import Parser, run

DESCRIPTION = """\
Every documented claim about Hierarchical Reasoning Models, as an ablation.

  ablations list                    which claims there are
  ablations show controller-speed   what one of them says, and how it is decided
  ablations plan                    what would run, and how long it takes
  ablations run                     run what isn't stored yet; Ctrl-C, and the same command resumes
  ablations verdicts                what follows from the stored runs
  ablations report                  the same as one HTML file
  ablations calibrate               how often the verdicts would be wrong where the truth is known
  ablations judge FILE              the rule for your own numbers
  ablations selfcheck               claims whose truth is known, through the whole pipeline
"""
EPILOG = """\
Exit status: 0 when the job did its work (a contradicted claim is no failure), 2 for a mistake in
what was asked for, 1 for a failure of ours, 130 after Ctrl-C, 143 after SIGTERM.
"""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its status."""

    def job() -> int:
        asked = parser().parse_args(arguments)
        return int(asked.function(asked))

    run("ablations", job, "stopped; finished runs are stored, the same command resumes")


def parser() -> argparse.ArgumentParser:
    """Build the parser of all commands; what they import takes its time, and is imported here."""
    from ablations.cli import commands, judge, running

    top = Parser(
        prog="ablations",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, function: object, text: str, *options: object) -> Parser:
        made = subparsers.add_parser(name, help=text, description=text, parents=options)  # type: ignore[arg-type]
        made.set_defaults(function=function)
        assert isinstance(made, Parser)
        return made

    as_json, where, chosen, device = _json(), _store(), _claims(), _device()
    add("list", commands.list_, "List the claims that have a spec.", as_json)
    show = add(
        "show", commands.show, "Show one claim: source, arms, protocol, cost.", as_json, where
    )
    show.add_argument("claim", metavar="CLAIM", help="id of a claim, as `ablations list` prints it")
    plan = add(
        "plan",
        commands.plan_,
        "Show what `run` would do, how long it would take, and what it could tell: spreads and "
        "costs come from pilot seeds, which are never evidence, in your store, else from those "
        "committed with the claims, else from the spec.",
        *(chosen, _tier(), _jobs(), device, where, as_json),
    )
    first = plan.add_mutually_exclusive_group()
    first.add_argument(
        "--pilot",
        action="store_true",
        help="run the pilot seeds of these claims and controls first",
    )
    first.add_argument(
        "--probe", action="store_true", help="run one pilot seed of each first, for its cost"
    )
    plan.add_argument(
        "--output",
        metavar="FILE",
        help="with --pilot: write what the pilots measured (spread, validity, cost) into this "
        "file, as ablations/claims/pilots.json has it",
    )
    run = add(
        "run",
        running.run,
        "Run what isn't stored yet. Interrupted, the same command resumes.",
        *(chosen, _tier(None), _jobs(), device, where, as_json),
    )
    run.add_argument(
        "--until-decided",
        action="store_true",
        help="look at trained claims with 12 (only to stop what is hopeless), 16, 20 and 32 seeds, "
        "and spend seeds where they change verdicts; once begun, a store keeps to it",
    )
    run.add_argument(
        "--budget",
        type=_seconds,
        metavar="TIME",
        help="wall time after which nothing more is begun: 90s, 30min, 2h (default: none)",
    )
    run.add_argument(
        "--anyway",
        action="store_true",
        help="run plans that can't decide anything too; their verdicts say so",
    )
    add(
        "verdicts",
        commands.verdicts,
        "Decide claims from the stored runs.",
        *(chosen, _tier(), device, where, as_json),
    )
    report = add(
        "report",
        commands.report,
        "Render the stored runs as one HTML file, and report.json beside it.",
        *(chosen, _tier(), device, where, as_json),
    )
    report.add_argument(
        "--output", default="report", metavar="DIR", help="folder to write (default: report)"
    )
    calibrate = add(
        "calibrate",
        commands.calibrate,
        "Measure how often the engine's rule is wrong on made-up samples. Interrupted, the same "
        "command resumes.",
        *(_jobs(), as_json),
    )
    calibrate.add_argument(
        "--replicates",
        type=_positive,
        default=commands.QUICK_REPLICATES,
        metavar="N",
        help="samples at each place of the truth, at the family's level (default: %(default)s; a "
        "table to commit wants 200000)",
    )
    calibrate.add_argument(
        "--output",
        default="calibration.json",
        metavar="FILE",
        help="file that keeps each cell as it is done (default: %(default)s)",
    )
    calibrate.add_argument("--docs", metavar="FILE", help="write the table as Markdown too")
    own = add("judge", judge.judge, judge.DESCRIPTION, as_json)
    judge.add_arguments(own)
    check = add(
        "selfcheck",
        running.selfcheck,
        "Send claims whose truth is known through the whole pipeline: equal arms, and a planted "
        "effect of known size. About four minutes of one core; interrupted, the same command "
        "resumes.",
        *(_jobs(), as_json),
    )
    check.add_argument(
        "--cases", type=_positive, default=59, metavar="N", help="of either (default: %(default)s)"
    )
    check.add_argument(
        "--store",
        default="store-selfcheck",
        metavar="DIR",
        help="folder of its runs, apart from those of the claims (default: %(default)s)",
    )
    check.add_argument("--docs", metavar="FILE", help="write what came out as Markdown too")
    return top


def _json() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(add_help=False)
    made.add_argument("--json", action="store_true", help="print JSON; its keys are documented")
    return made


def _store() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(add_help=False)
    made.add_argument(
        "--store", default="store", metavar="DIR", help="folder of the runs (default: store)"
    )
    return made


def _claims() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(add_help=False)
    made.add_argument("claims", nargs="*", metavar="CLAIM", help="ids of claims (default: all)")
    return made


def _tier(default: str | None = Tier.QUICK.value) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(add_help=False)
    made.add_argument(
        "--tier",
        choices=[tier.value for tier in Tier],
        default=default,
        help="quick shows estimates of trained claims and decides the others; standard and full "
        "decide all (default: quick)",
    )
    return made


def _jobs() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(add_help=False)
    made.add_argument(
        "--jobs",
        type=_positive,
        default=len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        metavar="N",
        help="runs at a time, one thread each; 1 runs in this process (default: %(default)s, the "
        "cores here); timings always have the machine alone",
    )
    return made


def _device() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(add_help=False)
    made.add_argument(
        "--device",
        choices=["cpu", "cuda"],
        default="cpu",
        help="where arms are trained (default: cpu)",
    )
    return made


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|min|h)", text)
    if found is None or not float(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 90s, 30min or 2h")
    return float(found[1]) * {"s": 1, "min": 60, "h": 3600}[found[2]]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)
