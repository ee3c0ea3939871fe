"""Rich's console as our programs use it; loaded only by commands that print with it."""

import os
import shutil

from rich.console import Console


class Ours(Console):
    """A console for `hrm.system.command.run`, for which a closed pipe isn't a failure."""

    def on_broken_pipe(self) -> None:
        """Raise the error for `run` to handle; by default Rich would exit with status 1."""
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """Return a console; a COLUMNS of 0, with which Rich prints nothing, counts as not set."""
    unknown = "COLUMNS" in os.environ and not os.environ["COLUMNS"].strip("0")
    return Ours(stderr=stderr, width=shutil.get_terminal_size().columns if unknown else None)
