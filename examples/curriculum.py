"""Documents gru and amulgent: a curriculum, each stage from the weights of the one before."""

import tempfile
from pathlib import Path

from hrm import cli

CLUES = (12, 10, 8)  # of sudokus of 4 x 4: the fewer, the harder
SHORT = ["--updates=20", "--batch=32", "--train=200", "--validation=40", "--test=40"]

with tempfile.TemporaryDirectory() as folder:
    before: list[str] = []
    for clues in CLUES:
        run = str(Path(folder, f"{clues}-clues"))
        task = ["--task-set", "size=4", "--task-set", f"clues={clues}"]
        print(f"{clues} clues:")
        try:
            cli.main(["train", "gru", "sudoku", *task, *SHORT, *before, "--output", run])
        except SystemExit as ended:
            if ended.code:
                raise
        before = ["--from", run]
