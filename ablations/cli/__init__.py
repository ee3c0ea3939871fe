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

  ablations list                    list the claims
  ablations show controller-speed   show what one of them says, and how it is decided
  ablations plan                    show which runs are due, their cost, and what they can decide
  ablations run                     run what isn't stored yet; after Ctrl-C the same command resumes
  ablations status                  show the progress of a run, from another terminal
  ablations verdicts                decide the claims from the stored runs
  ablations report                  show the verdicts, with pictures, in one HTML file
  ablations compare A B             show which verdicts differ between two stores or reports
  ablations findings                write the results of the evidence into the README and the docs
  ablations calibrate               measure by simulation how often verdicts are wrong
  ablations judge FILE              decide a claim by the same rule from your own numbers
  ablations store check             check that a store's records are unchanged
  ablations history add             record asv's results of commits, for reports
  ablations bench-compare A B       check whether one commit's benchmarks are slower than another's
"""
EPILOG = """\
Exit status: 0 on success (a contradicted claim isn't a failure), 2 for a mistake in the arguments
or files, 1 for an internal error or, from `bench-compare`, for an established slowdown, 130 after
Ctrl-C, 143 after SIGTERM.
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
        "Show one claim: its statement, its interpretation, and what is compared.",
        *(where, outside, as_json),
    )
    show.add_argument("claim", metavar="CLAIM", help="id of a claim, as `ablations list` prints it")
    _plan(
        add(
            "plan",
            "planned:planned",
            "Show which trials `run` would run, their cost, and the chance that they settle each "
            "claim. Spreads and costs are estimated from pilot seeds, which no verdict uses: those "
            "in your store, else those committed with the claims, else the values in the spec.",
            *(*common, options.jobs()),
        )
    )
    _run(
        add(
            "run",
            "running:run",
            "Run the trials that aren't stored yet, up to one look after the other, until each "
            "claim is settled or the tier ends. After an interruption the same command resumes; "
            "several processes may run into one store.",
            *(*common, options.jobs()),
        )
    )
    add("status", "status:status", "Show the progress of the runs into a store.", where, as_json)
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
        help="a store, a report or a commit, as for `compare`; summary.md begins with the verdicts "
        "that changed since then",
    )
    report.add_argument(
        "--evidence",
        metavar="DIR",
        help="show the verdicts of this evidence for claims about training, and whether the runs "
        "here agree with it",
    )
    _fresh(report)
    _history(report)
    _findings(
        add(
            "findings",
            "results:findings",
            "Write the results of evidence into README.md, docs/findings.md and docs/limits.md.",
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
            "Check the rule by simulation. Pairs are generated whose true median lies exactly at "
            "an edge; some are asymmetric, tied, censored, infinite or missing. They are judged at "
            "all looks, and false words are counted and compared with their exact bound. After an "
            "interruption the same command resumes.",
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
        help="run headline claims under other conditions instead (other widths, boards and "
        "training recipes, eight seeds each); a report shows the results beside the claims",
    )


def _plan(plan: Parser) -> None:
    _robustness(plan)
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
    _fresh(run)
    _robustness(run)
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


def _compare(add: Callable[..., Parser], options: Sequence[Parser]) -> None:
    made = add(
        "compare",
        "comparing:compare",
        "Show which verdicts differ between A and B, and which of their inputs differ (pairs, "
        "specs, sources, versions). A and B are each a store's folder, a report.json (or its "
        "folder), or a git revision, whose evidence/ is read. Stores are judged at --tier; reports "
        "keep the verdicts that they were rendered with.",
        *options,
    )
    made.add_argument("before", metavar="A", help="a store, a report or a commit")
    made.add_argument("after", metavar="B", help="a store, a report or a commit to compare with A")
    made.add_argument("--output", metavar="FILE", help="also write the result as one HTML page")
    made.add_argument(
        "--exit-code",
        action="store_true",
        help="exit with 1 if a claim changed its group, as `git diff --exit-code` does",
    )


def _fresh(made: Parser) -> None:
    made.add_argument(
        "--fresh",
        action="store_true",
        help="ignore the evidence, and --evidence; `run` never reads it",
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
        help="samples for each true value (default: %(default)s, a minute on two cores)",
    )
    made.add_argument(
        "--output",
        default="calibration.json",
        metavar="FILE",
        help="file of the results, in JSON (default: %(default)s)",
    )
    made.add_argument("--docs", metavar="FILE", help="also write the results as Markdown")


def _stores(add: Callable[..., Parser], subparsers: object, common: Sequence[Parser]) -> None:
    """Add `ablations store merge | check | compact | gc | export`."""
    text = (
        "Maintain stores: merge, check and clear them, compact them into evidence, or export their "
        "runs as a table."
    )
    made = subparsers.add_parser("store", help=text, description=text)  # type: ignore[attr-defined]
    group = made.add_subparsers(dest="action", required=True, metavar="ACTION")
    as_json, where = options.as_json(), options.store()
    merge = add(
        "merge",
        "storing:merge",
        "Copy the runs of other stores into this one, for example those of a batch job's shards.",
        *(where, as_json),
        to=group,
    )
    merge.add_argument("folders", nargs="+", metavar="DIR", help="stores to copy from")
    check = add(
        "check",
        "storing:check",
        "Read every record again, and list those that are missing, damaged or changed.",
        *(where, as_json),
        to=group,
    )
    check.add_argument(
        "--repair",
        action="store_true",
        help="move unusable records into quarantine/; their runs count as unknown",
    )
    compact = add(
        "compact",
        "storing:compact",
        "Add the readings that claims need of stored runs to evidence: a few lines per run, which "
        "the repository keeps. Readings are never changed or removed; run the same command again "
        "to add new ones.",
        *(options.outside(), as_json),
        to=group,
    )
    compact.add_argument("folders", nargs="+", metavar="STORE", help="stores to read")
    compact.add_argument(
        "--output", default="evidence", metavar="DIR", help="folder to add to (default: evidence)"
    )
    add("gc", "storing:gc", "Remove weights that no claim needs.", *common, to=group)
    export = add(
        "export",
        "storing:export",
        "Write all attempts as one table for other programs, with one row per arm.",
        *(where, as_json),
        to=group,
    )
    export.add_argument(
        "--format",
        choices=["csv", "parquet"],
        default="csv",
        help="parquet needs the extra hrm-ablations[parquet] (default: csv)",
    )
    export.add_argument(
        "--output", metavar="FILE", help="file to write (default: runs.csv or runs.parquet)"
    )


def _commits(add: Callable[..., Parser], subparsers: object) -> None:
    """Add `ablations history add` and `ablations bench-compare`."""
    text = "Record measurements and verdicts by commit."
    made = subparsers.add_parser("history", help=text, description=text)  # type: ignore[attr-defined]
    group = made.add_subparsers(dest="action", required=True, metavar="ACTION")
    history = add(
        "add",
        "history:add",
        "Write asv's results, or the verdicts of a report, as small records to be committed, and "
        "find the changes of level in every series.",
        options.as_json(),
        to=group,
    )
    history.add_argument(
        "--asv", default="asv.conf.json", metavar="FILE", help="asv's settings (default: here)"
    )
    history.add_argument(
        "--report", metavar="FILE", help="record the verdicts of this report.json instead"
    )
    history.add_argument(
        "--range",
        metavar="A..B",
        help="measure these commits here instead, each in a fresh process, without a build",
    )
    history.add_argument(
        "--steps",
        type=options.positive,
        metavar="N",
        help="with --range: number of commits to measure, evenly spaced",
    )
    history.add_argument(
        "--bench",
        default="",
        metavar="PATTERN",
        help="with --range: regular expression for names of benchmarks",
    )
    history.add_argument("--quick", action="store_true", help="with --range: fewer samples")
    history.add_argument(
        "--commit", metavar="COMMIT", help="commit of the verdicts (default: the report's)"
    )
    history.add_argument("--note", default="", metavar="TEXT", help="a remark about the conditions")
    _history(history)
    compare = add(
        "bench-compare",
        "gate:compare",
        "Measure the benchmarks of two commits in turns on this machine, in fresh processes, and "
        "compare them by the count rule. Fails only if a slowdown beyond the threshold is "
        "established. All benchmarks of a comparison share one error probability, so that fewer "
        "benchmarks need fewer pairs.",
        options.as_json(),
    )
    compare.add_argument("first", metavar="A", help="a commit, such as origin/main")
    compare.add_argument("second", metavar="B", help="the commit to check, such as HEAD")
    compare.add_argument(
        "--bench", default="", metavar="PATTERN", help="regular expression for names of benchmarks"
    )
    compare.add_argument(
        "--threshold",
        type=float,
        default=0.05,
        metavar="SHARE",
        help="allowed slowdown (default: 0.05, which is 5 %%)",
    )
    compare.add_argument(
        "--pairs",
        type=options.positive,
        metavar="N",
        help="processes for each commit (default: the fewest that allow one exception)",
    )
    compare.add_argument(
        "--quick",
        action="store_true",
        help="take fewer samples per process, and the fewest pairs that can establish anything",
    )


def _history(made: Parser) -> None:
    made.add_argument(
        "--history",
        dest="folder",
        default="evidence/history",
        metavar="DIR",
        help="folder of the commits' records (default: evidence/history)",
    )
