"""Modules from outside: claims, protocols and parts in a file of somebody's own."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from ablations.runs import sources


def load(name: str, file: Path | str | None = None) -> ModuleType:
    """Import a module by its name, or from its file where the name leads elsewhere or nowhere.

    Raises:
        ImportError: If it can't be imported; and whatever the module itself raises.
    """
    if name in sys.modules or file is None or sources.locate(name) == Path(file):
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{str(file)!r} isn't a Python file", name=name, path=str(file))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
