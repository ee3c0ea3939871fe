"""Arguments of the commands on claims: to list, plan, run, decide, report and compare them."""

import argparse
from collections.abc import Sequence

from ablations.cli import options
from ablations.cli.arguments import Commands
from hrm.system.command import Parser


def add(commands: Commands) -> None:
    """Add list, show, plan, run, status, verdicts, report, compare and findings."""
    common = chosen, tier, device, where, outside, as_json = options.judged()
    run = options.jobs(), options.robustness()
    listed = commands.add(
        "list", "listing:list_", "List the claims.", *(chosen, where, outside, as_json)
    )
    listed.add_argument("--document", metavar="KEY", help="only claims of one document, such as v2")
    listed.add_argument("--group", metavar="LETTER", help="only claims of one group of the ledger")
    show = commands.add(
        "show",
        "listing:show",
        "Show one claim: its statement, its interpretation, and what is compared.",
        *(where, outside, as_json),
    )
    show.add_argument("claim", metavar="CLAIM", help="id of a claim, as `ablations list` prints it")
    _plan(
        commands.add(
            "plan",
            "planned:planned",
            "Show which trials `run` would run, their cost, and the chance that they settle each "
            "claim. Spreads and costs are estimated from pilot seeds, which no verdict uses: those "
            "in your store, else those committed with the claims, else the values in the spec.",
            *(*common, *run),
        )
    )
    _run(
        commands.add(
            "run",
            "running:run",
            "Run the trials that aren't stored yet, up to one look after the other, until each "
            "claim is settled or the tier ends. After an interruption the same command resumes; "
            "several processes may run into one store.",
            *(*common, *run, options.fresh()),
        )
    )
    commands.add(
        "status", "status:status", "Show the progress of the runs into a store.", where, as_json
    )
    commands.add("verdicts", "results:verdicts", "Decide claims from the stored runs.", *common)
    report = commands.add(
        "report",
        "results:report",
        "Render the stored runs as one HTML file, with JSON, CSV, JUnit and Markdown beside it.",
        *(*common, options.fresh(), options.history()),
    )
    report.add_argument(
        "--output", default="report", metavar="DIR", help="folder to write (default: report)"
    )
    report.add_argument(
        "--against",
        metavar="A",
        help="a store, a report or a commit, as for `compare`; summary.md begins with the verdicts "
        "that changed since then",
    )
    report.add_argument(
        "--evidence",
        metavar="DIR",
        help="show the verdicts of this evidence for claims about training, and whether the runs "
        "here agree with it",
    )
    _findings(
        commands.add(
            "findings",
            "results:findings",
            "Write the results of evidence into README.md, docs/findings.md and docs/limits.md.",
            *(tier, options.store("evidence"), outside, as_json),
        )
    )
    _compare(commands, (tier, device, outside, as_json))


def _plan(plan: Parser) -> None:
    first = plan.add_mutually_exclusive_group()
    first.add_argument(
        "--pilot",
        action="store_true",
        help="first run the pilot seeds of these claims and their controls",
    )
    first.add_argument(
        "--probe",
        action="store_true",
        help="first run one pilot seed of each claim, to measure its cost",
    )
    plan.add_argument(
        "--output",
        metavar="FILE",
        help="with --pilot: write the results of the pilots (spread, validity, cost) to this file, "
        "in the format of ablations/claims/pilots.json",
    )


def _run(run: Parser) -> None:
    run.add_argument(
        "--budget",
        type=options.seconds,
        metavar="TIME",
        help="wall time after which no further run is started, such as 90s, 30min or 2h; runs that "
        "settle most claims per CPU second come first (default: none)",
    )
    run.add_argument(
        "--all",
        action="store_true",
        help="also run settled and refused claims, to the end of the tier",
    )
    run.add_argument(
        "--serial", action="store_true", help="run one trial at a time, in this process: --jobs 1"
    )
    run.add_argument(
        "--stack",
        type=options.stack,
        metavar="S",
        help="train S seeds of an arm together, 2 or more, in eager steps; meant for GPUs (on a "
        "CPU it is slower). Such runs are never paired with others; plan, verdicts and report read "
        "them with --device cuda-stacked. Claims that can't be stacked are refused",
    )
    run.add_argument(
        "--shard",
        metavar="I/N",
        help="run part I of N of all trials that open claims need up to the end of the tier, "
        "except timings; `ablations store merge` joins the stores of all parts",
    )
    _cluster(run.add_argument_group("on a Dask cluster (docs/cluster.md)"))


def _cluster(run: "argparse._ArgumentGroup") -> None:
    run.add_argument(
        "--scheduler",
        metavar="ADDRESS|FILE",
        help="run on the workers of this Dask scheduler, given as HOST:PORT or by its scheduler "
        "file; timings run on this machine",
    )
    run.add_argument("--tls-ca-file", metavar="FILE", help="certificates of the authority")
    run.add_argument("--tls-cert", metavar="FILE", help="certificate of this process")
    run.add_argument("--tls-key", metavar="FILE", help="private key of this process")
    run.add_argument(
        "--no-tls",
        action="store_true",
        help="allow a scheduler on another machine without encryption: anyone who can reach it can "
        "run arbitrary code on its workers",
    )
    run.add_argument(
        "--wait",
        type=options.seconds,
        default=300.0,
        metavar="TIME",
        help="how long to wait for the first worker (default: 5min)",
    )


def _compare(commands: Commands, taken: Sequence[Parser]) -> None:
    made = commands.add(
        "compare",
        "comparing:compare",
        "Show which verdicts differ between A and B, and which of their inputs differ (pairs, "
        "specs, sources, versions). A and B are each a store's folder, a report.json (or its "
        "folder), or a git revision, whose evidence/ is read. Stores are judged at --tier; reports "
        "keep the verdicts that they were rendered with.",
        *taken,
    )
    made.add_argument("before", metavar="A", help="a store, a report or a commit")
    made.add_argument("after", metavar="B", help="a store, a report or a commit to compare with A")
    made.add_argument("--output", metavar="FILE", help="also write the result as one HTML page")
    made.add_argument(
        "--exit-code",
        action="store_true",
        help="exit with 1 if a claim changed its group, as `git diff --exit-code` does",
    )


def _findings(made: Parser) -> None:
    made.add_argument(
        "--into", default=".", metavar="DIR", help="folder of README.md and docs (default: here)"
    )
    made.add_argument(
        "--check",
        action="store_true",
        help="write nothing; the status is 1 if a page is out of date",
    )
