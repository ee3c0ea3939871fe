"""Import modules of users, with their tasks, cores or claims, before anything is decoded."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from hrm.errors import UserError


def include(name_or_path: str) -> ModuleType:
    """Import a module by its dotted name, or from a Python file, and return it.

    A file is imported under its own name without `.py`, so that other files and worker processes
    that include it find the same module. Its part classes can be decoded from then on.

    Args:
        name_or_path: A name such as "my_package.tasks", or a path that ends in ".py".

    Raises:
        UserError: If there is no such module or file, it can't be imported, or its name is in use.
    """
    if name_or_path.endswith(".py"):
        return _from_file(Path(name_or_path))
    try:
        module = importlib.import_module(name_or_path)
    except Exception as error:
        raise _failed(name_or_path, error) from error
    if hasattr(module, "__path__") and getattr(module, "__file__", None) is None:
        # Python imports any folder by its name.
        raise UserError(
            f"{name_or_path} is a folder without __init__.py; allowed is a module, a package or a "
            "Python file; name the file in it"
        )
    return module


def _from_file(path: Path) -> ModuleType:
    path = path.resolve()
    name = path.stem
    if not path.is_file():
        raise UserError(f"there is no file {path}; allowed is a Python file; correct the path")
    if not name.isidentifier():
        raise UserError(f"{path.name} can't be imported; allowed is a name like my_claims.py")
    found = sys.modules.get(name)
    if found is not None and getattr(found, "__file__", None) == str(path):
        return found
    if found is not None or importlib.util.find_spec(name) is not None:
        raise UserError(f"{path.name} has the name of another module, {name!r}; rename the file")
    try:
        return load(name, path)
    except Exception as error:
        raise _failed(str(path), error) from error


def load(name: str, file: Path | str | None = None) -> ModuleType:
    """Import a module by its name, or from its file if the name doesn't lead to that file.

    Raises:
        ImportError: If it can't be imported; the module may raise other errors itself.
    """
    if name in sys.modules or file is None or _origin(name) == Path(file):
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{str(file)!r} isn't a Python file", name=name, path=str(file))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it is executed, because dataclasses look up their module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _origin(name: str) -> Path | None:
    """Return the file that a module name leads to; None if there is none."""
    try:
        spec = importlib.util.find_spec(name)
    except ImportError:  # its parent package can't be imported
        return None
    return None if spec is None or spec.origin is None else Path(spec.origin)


def _failed(what: str, error: Exception) -> Exception:
    """Return the error to raise: a user's mistake unchanged, others with their location."""
    if isinstance(error, UserError):
        return error
    return UserError(
        f"{what} can't be imported ({type(error).__name__}: {error}); allowed is a module that "
        "Python can import; run it by itself to see the whole traceback"
    )
