"""Python processes of our own, which import nothing from the working folder.

A module there that happens to be named ``random`` or ``hrm`` would take the place of another.
"""

import os
import sys

from hrm.system.environment import root


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module, for an environment from `surroundings`."""
    return [sys.executable, "-P", "-m", module, *arguments]


def surroundings(**more: str) -> dict[str, str]:
    """Return this process's environment, in which a child finds the same `hrm`, and some more.

    An empty entry of PYTHONPATH, which stands for the working folder, is left out.
    """
    paths = [str(root), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **more}
