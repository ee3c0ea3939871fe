"""The command line: `ablations list | show | plan | run | verdicts | report | ...`."""

import argparse
import functools
import importlib
from collections.abc import Callable, Sequence
from typing import NoReturn

from ablations.cli import options
from hrm.system.command import Parser, run

DESCRIPTION = """\
Every documented claim about Hierarchical Reasoning Models, as an ablation.

  ablations list                    which claims there are
  ablations show controller-speed   what one of them says, and how it is decided
  ablations plan                    what would run, and how long it takes
  ablations run                     run what isn't stored yet; Ctrl-C, and the same command resumes
  ablations status                  how far a run is, from another terminal
  ablations verdicts                what follows from the stored runs
  ablations report                  the same as one HTML file
  ablations compare A B             which claims moved between two stores, reports or commits
  ablations findings                what the committed evidence gives, in the README and the docs
  ablations calibrate               how often the verdicts would be wrong where the truth is known
  ablations judge FILE              the rule for your own numbers
  ablations store check             whether a store's records are as they were written
  ablations history add             keep what asv measured at commits, for reports to show
  ablations bench-compare A B       whether one commit's benchmarks are slower than another's
"""
EPILOG = """\
Exit status: 0 when the job did its work (a contradicted claim is no failure), 2 for a mistake in
what was asked for, 1 for a failure of ours or, of `bench-compare`, for a slowdown that is
established, 130 after Ctrl-C, 143 after SIGTERM.
"""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its status."""

    def job() -> int:
        asked = parser().parse_args(arguments)
        return int(asked.function(asked))

    run("ablations", job, "stopped; finished runs are stored, the same command resumes")


def parser() -> argparse.ArgumentParser:
    """Build the parser of all commands; each command's module is imported when it is called."""
    top = Parser(
        prog="ablations",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, function: str, text: str, *taken: Parser, to: object = subparsers) -> Parser:
        made = to.add_parser(name, help=text, description=text, parents=taken)  # type: ignore[attr-defined]
        made.set_defaults(function=functools.partial(_call, function))
        assert isinstance(made, Parser)
        return made

    as_json, where, chosen, device, outside = (
        options.as_json(),
        options.store(),
        options.claims(),
        options.device(),
        options.outside(),
    )
    common = (chosen, options.tier(), device, where, outside, as_json)
    listed = add("list", "listing:list_", "List the claims.", *(chosen, where, outside, as_json))
    listed.add_argument("--document", metavar="KEY", help="only claims of one document, such as v2")
    listed.add_argument("--group", metavar="LETTER", help="only claims of one group of the ledger")
    show = add(
        "show",
        "listing:show",
        "Show one claim: what is claimed, how it is read, what is compared.",
        *(where, outside, as_json),
    )
    show.add_argument("claim", metavar="CLAIM", help="id of a claim, as `ablations list` prints it")
    _plan(
        add(
            "plan",
            "planned:planned",
            "Show what `run` would do, how long it would take, and what it could tell. Spreads and "
            "costs come from pilot seeds, which no verdict reads: from those in your store, else "
            "from those committed with the claims, else from the spec.",
            *(*common, options.jobs()),
        )
    )
    _run(
        add(
            "run",
            "running:run",
            "Run what isn't stored yet, look by look, until each claim is settled or the tier "
            "ends. Interrupted, the same command resumes; several may run into one store.",
            *(*common, options.jobs()),
        )
    )
    add("status", "status:status", "Show how far the runs into a store are.", where, as_json)
    add("verdicts", "results:verdicts", "Decide claims from the stored runs.", *common)
    report = add(
        "report",
        "results:report",
        "Render the stored runs as one HTML file, with JSON, CSV, JUnit and Markdown beside it.",
        *common,
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
    _fresh(report)
    _history(report)
    _findings(
        add(
            "findings",
            "results:findings",
            "Write what evidence gives into README.md, docs/findings.md and docs/limits.md.",
            *(options.tier(), options.store("evidence"), outside, as_json),
        )
    )
    _compare(add, (options.tier(), device, outside, as_json))
    from ablations.cli import judge

    own = add("judge", "judge:judge", judge.DESCRIPTION, as_json)
    judge.add_arguments(own)
    _calibrate(
        add(
            "calibrate",
            "calibrating:calibrate",
            "Check the rule by simulation: made-up pairs whose truth lies exactly at an edge, "
            "asymmetric, tied, censored, infinite and missing ones among them, are judged at all "
            "looks, and false words counted against their exact bound. Interrupted, the same "
            "command resumes.",
            *(options.jobs(), as_json),
        )
    )
    _stores(add, subparsers, common)
    _commits(add, subparsers)
    return top


def _call(function: str, asked: argparse.Namespace) -> int:
    """Call a command by its module and name."""
    module, _, name = function.partition(":")
    return int(getattr(importlib.import_module(f"ablations.cli.{module}"), name)(asked))


def _robustness(made: Parser) -> None:
    made.add_argument(
        "--robustness",
        action="store_true",
        help="instead of the claims, headline claims under other conditions (other widths, boards "
        "and training recipes, eight seeds each), which a report shows beside them",
    )


def _plan(plan: Parser) -> None:
    _robustness(plan)
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
    _fresh(run)
    _robustness(run)
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


def _compare(add: Callable[..., Parser], options: Sequence[Parser]) -> None:
    made = add(
        "compare",
        "comparing:compare",
        "Show which claims moved from A to B, and what differs in what they rest on. A and B are "
        "each the folder of a store, a report.json (or the folder that holds one), or a git "
        "revision whose committed evidence/ is read. Stores are judged at --tier; reports, "
        "committed ones too, say what they said when they were rendered.",
        *options,
    )
    made.add_argument("before", metavar="A", help="a store, a report or a commit")
    made.add_argument("after", metavar="B", help="what it is compared with")
    made.add_argument("--output", metavar="FILE", help="write it as one HTML page too")
    made.add_argument(
        "--exit-code",
        action="store_true",
        help="exit with 1 if a group moved, as `git diff --exit-code` does",
    )


def _fresh(made: Parser) -> None:
    made.add_argument(
        "--fresh",
        action="store_true",
        help="ignore the evidence, whatever --evidence says; `run` never reads it",
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


def _calibrate(made: Parser) -> None:
    made.add_argument(
        "--replicates",
        type=options.positive,
        default=4000,
        metavar="N",
        help="samples at each place of the truth (default: %(default)s, a minute on two cores)",
    )
    made.add_argument(
        "--output",
        default="calibration.json",
        metavar="FILE",
        help="what is found, as data (default: %(default)s)",
    )
    made.add_argument("--docs", metavar="FILE", help="write it as Markdown too")


def _stores(add: Callable[..., Parser], subparsers: object, common: Sequence[Parser]) -> None:
    """Add `ablations store merge | check | compact | gc | export`."""
    text = (
        "Look after stores: merge, check and clear them, make evidence, which is read like one, or "
        "hand their runs to another program."
    )
    made = subparsers.add_parser("store", help=text, description=text)  # type: ignore[attr-defined]
    group = made.add_subparsers(dest="action", required=True, metavar="ACTION")
    as_json, where = options.as_json(), options.store()
    merge = add(
        "merge",
        "storing:merge",
        "Copy the runs of other stores into this one, such as those of a batch job's shards.",
        *(where, as_json),
        to=group,
    )
    merge.add_argument("folders", nargs="+", metavar="DIR", help="stores to copy from")
    check = add(
        "check",
        "storing:check",
        "Read every record again and name what isn't as it was written.",
        *(where, as_json),
        to=group,
    )
    check.add_argument(
        "--repair",
        action="store_true",
        help="move unusable records aside; their runs count as unknown",
    )
    compact = add(
        "compact",
        "storing:compact",
        "Add what the claims read of stored runs to evidence: a few lines a run, which are kept in "
        "the repository. Readings are only ever added; the same command again adds what is new.",
        *(options.outside(), as_json),
        to=group,
    )
    compact.add_argument("folders", nargs="+", metavar="STORE", help="stores to read")
    compact.add_argument(
        "--output", default="evidence", metavar="DIR", help="folder to add to (default: evidence)"
    )
    add("gc", "storing:gc", "Remove weights that no claim needs any more.", *common, to=group)
    export = add(
        "export",
        "storing:export",
        "Write all attempts as one table, a row an arm, for other programs.",
        *(where, as_json),
        to=group,
    )
    export.add_argument(
        "--format",
        choices=["csv", "parquet"],
        default="csv",
        help="parquet needs the extra of that name (default: csv)",
    )
    export.add_argument(
        "--output", metavar="FILE", help="file to write (default: runs.csv or runs.parquet)"
    )


def _commits(add: Callable[..., Parser], subparsers: object) -> None:
    """Add `ablations history add` and `ablations bench-compare`."""
    text = "Keep what was measured and judged at commits."
    made = subparsers.add_parser("history", help=text, description=text)  # type: ignore[attr-defined]
    group = made.add_subparsers(dest="action", required=True, metavar="ACTION")
    history = add(
        "add",
        "history:add",
        "Keep asv's results, or the verdicts of a report, as small records to be committed, and "
        "find the steps in every series.",
        options.as_json(),
        to=group,
    )
    history.add_argument(
        "--asv", default="asv.conf.json", metavar="FILE", help="asv's settings (default: here)"
    )
    history.add_argument(
        "--report", metavar="FILE", help="a report.json, whose verdicts are kept instead"
    )
    history.add_argument(
        "--range",
        metavar="A..B",
        help="measure these commits here instead, a fresh process each, without building anything",
    )
    history.add_argument(
        "--steps",
        type=options.positive,
        metavar="N",
        help="with --range: so many of them, evenly spaced",
    )
    history.add_argument(
        "--bench", default="", metavar="PATTERN", help="with --range: names of benchmarks"
    )
    history.add_argument("--quick", action="store_true", help="with --range: fewer samples")
    history.add_argument(
        "--commit", metavar="COMMIT", help="whose verdicts they are (default: the report's)"
    )
    history.add_argument("--note", default="", metavar="TEXT", help="a remark about the conditions")
    _history(history)
    compare = add(
        "bench-compare",
        "gate:compare",
        "Compare two commits' benchmarks by turns on this machine, in fresh processes, by the "
        "count rule. Fails where a slowdown beyond the threshold is established, and only there. "
        "All figures of a comparison share one error, so that fewer of them need fewer pairs.",
        options.as_json(),
    )
    compare.add_argument("first", metavar="A", help="a commit, such as origin/main")
    compare.add_argument("second", metavar="B", help="the one that may be slower, such as HEAD")
    compare.add_argument(
        "--bench", default="", metavar="PATTERN", help="regular expression for names of benchmarks"
    )
    compare.add_argument(
        "--threshold",
        type=float,
        default=0.05,
        metavar="SHARE",
        help="the slowdown that is allowed (default: 0.05, which is 5 %%)",
    )
    compare.add_argument(
        "--pairs",
        type=options.positive,
        metavar="N",
        help="processes of each commit (default: the fewest that leave room for one exception)",
    )
    compare.add_argument(
        "--quick",
        action="store_true",
        help="fewer samples a process, and the fewest pairs that can establish anything",
    )


def _history(made: Parser) -> None:
    made.add_argument(
        "--history",
        dest="folder",
        default="evidence/history",
        metavar="DIR",
        help="folder of the commits' records (default: evidence/history)",
    )
