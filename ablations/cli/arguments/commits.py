"""Arguments of the commands on commits: history and bench-compare."""

from ablations.cli import options
from ablations.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add `ablations history add` and `ablations bench-compare`."""
    text = "Keep what was measured and judged at commits."
    history = commands.group("history", text).add(
        "add",
        "history:add",
        "Keep asv's results, or the verdicts of a report, as small records to be committed, and "
        "find the steps in every series.",
        *(options.as_json(), options.history()),
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
    compare = commands.add(
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
