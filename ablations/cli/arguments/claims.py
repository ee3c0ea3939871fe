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
        "Show one claim: what is claimed, how it is read, what is compared.",
        *(where, outside, as_json),
    )
    show.add_argument("claim", metavar="CLAIM", help="id of a claim, as `ablations list` prints it")
    _plan(
        commands.add(
            "plan",
            "planned:planned",
            "Show what `run` would do, how long it would take, and what it could tell. Spreads and "
            "costs come from pilot seeds, which no verdict reads: from those in your store, else "
            "from those committed with the claims, else from the spec.",
            *(*common, *run),
        )
    )
    _run(
        commands.add(
            "run",
            "running:run",
            "Run what isn't stored yet, look by look, until each claim is settled or the tier "
            "ends. Interrupted, the same command resumes; several may run into one store.",
            *(*common, *run, options.fresh()),
        )
    )
    commands.add(
        "status", "status:status", "Show how far the runs into a store are.", where, as_json
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
        help="a store, a report or a commit, as `compare` takes them: what moved since then stands "
        "first in summary.md",
    )
    report.add_argument(
        "--evidence",
        metavar="DIR",
        help="show the verdicts of this evidence for what is trained, and whether the runs here "
        "agree with it",
    )
    _findings(
        commands.add(
            "findings",
            "results:findings",
            "Write what evidence gives into README.md, docs/findings.md and docs/limits.md.",
            *(tier, options.store("evidence"), outside, as_json),
        )
    )
    _compare(commands, (tier, device, outside, as_json))


def _plan(plan: Parser) -> None:
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


def _run(run: Parser) -> None:
    run.add_argument(
        "--budget",
        type=options.seconds,
        metavar="TIME",
        help="wall time after which no run is started, such as 90s, 30min or 2h; what settles "
        "most is run first (default: none)",
    )
    run.add_argument(
        "--all",
        action="store_true",
        help="run settled claims to the end of the tier, too, and claims that are refused",
    )
    run.add_argument(
        "--serial", action="store_true", help="one run after the other, in this process: --jobs 1"
    )
    run.add_argument(
        "--stack",
        type=options.stack,
        metavar="S",
        help="train S seeds of an arm as one, 2 or more, by eager steps: for accelerators (on the "
        "CPU seeds one by one are faster). Such runs are never paired with others; plan, verdicts "
        "and report read them with --device cuda-stacked. What can't be stacked is refused",
    )
    run.add_argument(
        "--shard",
        metavar="I/N",
        help="run the I-th of N parts of all that open claims need up to the tier's end, but for "
        "timings; `ablations store merge` joins the stores of all parts",
    )
    _cluster(run.add_argument_group("on a Dask cluster (docs/cluster.md)"))


def _cluster(run: "argparse._ArgumentGroup") -> None:
    run.add_argument(
        "--scheduler",
        metavar="ADDRESS|FILE",
        help="run on the workers of this Dask scheduler: HOST:PORT, or the file that it wrote; "
        "timings stay on this machine",
    )
    run.add_argument("--tls-ca-file", metavar="FILE", help="certificates of the authority")
    run.add_argument("--tls-cert", metavar="FILE", help="our certificate")
    run.add_argument("--tls-key", metavar="FILE", help="our key")
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
        help="how long to wait for a worker where there is none (default: 5min)",
    )


def _compare(commands: Commands, taken: Sequence[Parser]) -> None:
    made = commands.add(
        "compare",
        "comparing:compare",
        "Show which claims moved from A to B, and what differs in what they rest on. A and B are "
        "each the folder of a store, a report.json (or the folder that holds one), or a git "
        "revision whose committed evidence/ is read. Stores are judged at --tier; reports, "
        "committed ones too, say what they said when they were rendered.",
        *taken,
    )
    made.add_argument("before", metavar="A", help="a store, a report or a commit")
    made.add_argument("after", metavar="B", help="what it is compared with")
    made.add_argument("--output", metavar="FILE", help="write it as one HTML page too")
    made.add_argument(
        "--exit-code",
        action="store_true",
        help="exit with 1 if a group moved, as `git diff --exit-code` does",
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
