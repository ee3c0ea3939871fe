"""Arguments of the commands on the rule: judge and calibrate."""

from ablations.cli import judge, options
from ablations.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add `ablations judge | calibrate`."""
    as_json = options.as_json()
    judge.add_arguments(commands.add("judge", "judge:judge", judge.DESCRIPTION, as_json))
    made = commands.add(
        "calibrate",
        "calibrating:calibrate",
        "Check the rule by simulation: made-up pairs whose truth lies exactly at an edge, "
        "asymmetric, tied, censored, infinite and missing ones among them, are judged at all "
        "looks, and false words counted against their exact bound. Interrupted, the same "
        "command resumes.",
        *(options.jobs(), as_json),
    )
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
