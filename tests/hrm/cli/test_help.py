"""Help, and refusals that need no more than a name, come at once."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from hrm import cli

HEAVY = {"matplotlib", "numpy", "optuna", "pysat", "rich", "tensorboard", "torch", "wandb", "yaml"}
CHILD = f"""
import sys
from hrm import cli
try:
    cli.main(sys.argv[1:])
except SystemExit as ended:
    print(ended.code, *sorted({HEAVY} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("", "summary", "train", "eval", "demo", "plot", "predict", "sweep", "convert"), 0),
        (("data", "data build", "data info", "data show", "data fetch", "data import"), 0),
        (("summary nobody", "train nobody maze --output x"), 2),
    ],
)
def test_help_and_refusals_load_nothing_heavy(lines, status):
    for line in lines:
        asked = shlex.split(line if status else f"{line} --help")
        done = subprocess.run(
            [sys.executable, "-c", CHILD, *asked],
            capture_output=True,
            text=True,
            cwd=Path(cli.__file__).parents[2],
            check=True,
        )
        assert done.stdout.splitlines()[-1] == str(status), line
