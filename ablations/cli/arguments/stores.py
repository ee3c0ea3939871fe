"""Arguments of `ablations store`."""

from ablations.cli import options
from ablations.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add `ablations store merge | check | compact | gc | export`."""
    text = (
        "Maintain stores: merge, check and clear them, compact them into evidence, or export their "
        "runs as a table."
    )
    group = commands.group("store", text)
    as_json, where = options.as_json(), options.store()
    merge = group.add(
        "merge",
        "storing:merge",
        "Copy the runs of other stores into this one, for example those of a batch job's shards.",
        *(where, as_json),
    )
    merge.add_argument("folders", nargs="+", metavar="DIR", help="stores to copy from")
    check = group.add(
        "check",
        "storing:check",
        "Read every record again, and list those that are missing, damaged or changed.",
        *(where, as_json),
    )
    check.add_argument(
        "--repair",
        action="store_true",
        help="move unusable records into quarantine/; their runs count as unknown",
    )
    compact = group.add(
        "compact",
        "storing:compact",
        "Add the readings that claims need of stored runs to evidence: a few lines per run, which "
        "the repository keeps. Readings are never changed or removed; run the same command again "
        "to add new ones.",
        *(options.outside(), as_json),
    )
    compact.add_argument("folders", nargs="+", metavar="STORE", help="stores to read")
    compact.add_argument(
        "--output", default="evidence", metavar="DIR", help="folder to add to (default: evidence)"
    )
    group.add("gc", "storing:gc", "Remove weights that no claim needs.", *options.judged())
    export = group.add(
        "export",
        "storing:export",
        "Write all attempts as one table for other programs, with one row per arm.",
        *(where, as_json),
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
