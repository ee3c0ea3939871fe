"""Arguments of `ablations store`."""

from ablations.cli import options
from ablations.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add `ablations store merge | check | compact | gc | export`."""
    text = (
        "Look after stores: merge, check and clear them, make evidence, which is read like one, or "
        "hand their runs to another program."
    )
    group = commands.group("store", text)
    as_json, where = options.as_json(), options.store()
    merge = group.add(
        "merge",
        "storing:merge",
        "Copy the runs of other stores into this one, such as those of a batch job's shards.",
        *(where, as_json),
    )
    merge.add_argument("folders", nargs="+", metavar="DIR", help="stores to copy from")
    check = group.add(
        "check",
        "storing:check",
        "Read every record again and name what isn't as it was written.",
        *(where, as_json),
    )
    check.add_argument(
        "--repair",
        action="store_true",
        help="move unusable records aside; their runs count as unknown",
    )
    compact = group.add(
        "compact",
        "storing:compact",
        "Add what the claims read of stored runs to evidence: a few lines a run, which are kept in "
        "the repository. Readings are only ever added; the same command again adds what is new.",
        *(options.outside(), as_json),
    )
    compact.add_argument("folders", nargs="+", metavar="STORE", help="stores to read")
    compact.add_argument(
        "--output", default="evidence", metavar="DIR", help="folder to add to (default: evidence)"
    )
    group.add("gc", "storing:gc", "Remove weights that no claim needs any more.", *options.judged())
    export = group.add(
        "export",
        "storing:export",
        "Write all attempts as one table, a row an arm, for other programs.",
        *(where, as_json),
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
