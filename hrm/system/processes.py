"""Child processes of Python that import nothing from the working folder.

Otherwise a module there named ``random`` or ``hrm`` would replace the right one.
"""

import os
import sys

from hrm.system.environment import root


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module, to be used with the environment `surroundings`."""
    return [sys.executable, "-P", "-m", module, *arguments]


def surroundings(**more: str) -> dict[str, str]:
    """Return the environment for a child, in which it finds the same `hrm`, with additions.

    An empty entry of PYTHONPATH, which means the working folder, is left out.
    """
    paths = [str(root), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **more}
