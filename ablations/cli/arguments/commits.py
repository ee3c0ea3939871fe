"""Arguments of the commands on commits: history and bench-compare."""

from ablations.cli import options
from ablations.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add `ablations history add` and `ablations bench-compare`."""
    text = "Record measurements and verdicts by commit."
    history = commands.group("history", text).add(
        "add",
        "history:add",
        "Write asv's results, or the verdicts of a report, as small records to be committed, and "
        "find the changes of level in every series.",
        *(options.as_json(), options.history()),
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
    compare = commands.add(
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
