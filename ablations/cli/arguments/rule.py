"""Arguments of the commands on the rule: judge and calibrate."""

from ablations.cli import options
from ablations.cli.arguments import Commands
from hrm.system.command import Parser

DESCRIPTION = """\
Judge one claim by the count rule, from a file with your own numbers.

FILE is CSV or JSON; - stands for standard input. It has the columns baseline and treatment, or a
single column contrast (their difference, or with --ratio their ratio); other columns are ignored.
Each row is a pair, in an order that was fixed beforehand. A cell may be inf or -inf (the run
diverged), empty (unknown), or >=300 (the target wasn't reached by 300).
"""


def add(commands: Commands) -> None:
    """Add `ablations judge | calibrate`."""
    as_json = options.as_json()
    _judge(commands.add("judge", "judge:judge", DESCRIPTION, as_json))
    made = commands.add(
        "calibrate",
        "calibrating:calibrate",
        "Check the rule by simulation. Pairs are generated whose true median lies exactly at "
        "an edge; some are asymmetric, tied, censored, infinite or missing. They are judged at "
        "all looks, and false words are counted and compared with their exact bound. After an "
        "interruption the same command resumes.",
        *(options.jobs(), as_json),
    )
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


def _judge(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="CSV or JSON with the pairs; - for stdin")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--ratio", action="store_true", help="compare treatment / baseline")
    kind.add_argument(
        "--difference",
        dest="ratio",
        action="store_false",
        help="compare treatment - baseline (default)",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--fewer",
        action="store_true",
        help="the claim is that the treatment has less: a ratio below 1, a difference below 0",
    )
    way.add_argument(
        "--more",
        dest="fewer",
        action="store_false",
        help="the claim is that the treatment has more (default)",
    )
    parser.add_argument(
        "--null",
        type=options.number,
        metavar="W",
        help="smallest effect worth having; with --ratio as a share: 0.05 is 5 %%",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--about",
        type=options.number,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="range of the claimed effect; with --ratio as ratios: 0.6 0.8",
    )
    size.add_argument(
        "--at-least", type=options.number, metavar="X", help="smallest claimed effect"
    )
    size.add_argument(
        "--not-worse",
        type=options.number,
        metavar="MARGIN",
        help="the claim is that nearly no pair is worse by this much; with --ratio as a share",
    )
    parser.add_argument(
        "--claims",
        type=int,
        default=1,
        metavar="N",
        help="number of claims that share the error of 5 %%, this one included (default: 1)",
    )
    parser.add_argument(
        "--noun", default="pairs", metavar="WORD", help="what a pair is: seeds (default: pairs)"
    )
