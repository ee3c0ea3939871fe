"""Arguments of the commands on the rule: judge and calibrate."""

from ablations.cli import options
from ablations.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add `ablations judge | calibrate`."""
    from ablations.cli import judge  # it loads numpy, and Ctrl-C is told on one line from here on

    as_json = options.as_json()
    judge.add_arguments(commands.add("judge", "judge:judge", judge.DESCRIPTION, as_json))
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
