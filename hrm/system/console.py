"""Rich's console as our programs use it; loaded by the commands that print with it."""

import os
import shutil

from rich.console import Console


class Ours(Console):
    """A console of `hrm.system.command.run`, to which a reader that has gone away is no failure."""

    def on_broken_pipe(self) -> None:
        """Say so to `run`; Rich would end the process with status 1."""
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """Return a console; Rich prints nothing where COLUMNS is 0, which says of no width."""
    unknown = "COLUMNS" in os.environ and not os.environ["COLUMNS"].strip("0")
    return Ours(stderr=stderr, width=shutil.get_terminal_size().columns if unknown else None)
