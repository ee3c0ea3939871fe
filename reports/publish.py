"""Write the schema of the current `report.json` into the package: `python -m reports.publish`."""

import argparse

from reports import schema


def main() -> None:
    """Write the schema."""
    argparse.ArgumentParser(prog="python -m reports.publish", description=__doc__).parse_args()
    schema.published().write_text(schema.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
