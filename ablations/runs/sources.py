"""The sources that a result depends on, found by static analysis.

The digest covers the import closure of some modules within our packages: every `import` statement
anywhere in a file, and the ``__init__`` of every enclosing package. Comments, layout and docstrings
don't count, so that results stay valid when these are edited. Imports by a computed name, and data
files, aren't found.

Imports of modules that specify, read, judge or store results aren't followed: a spec affects a run
only through its arms and settings, and a metric doesn't affect it. Modules of `ablations.claims`
are followed if a module imports them, except the ``__init__`` of packages there, which import all
specs.
"""

import functools
import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from ablations.runs.parsing import Parsed, parsed, remember

ours = ("ablations", "bench", "hrm", "reports")
specs = (
    "ablations.specs", "ablations.metrics", "ablations.rule", "ablations.records.rows",
    "ablations.runs", "ablations.judging", "ablations.planning",
)  # fmt: skip
claims = "ablations.claims"


def is_spec(module: str) -> bool:
    """Return whether a module only specifies, reads or stores runs, and takes no part in them."""
    return any(module == name or module.startswith(f"{name}.") for name in specs)


def digest(modules: Iterable[str]) -> str:
    """Return the SHA-256 over the closure of `modules`: their names, and the code of each file.

    Each file is read once per process, so that the digest is that of the imported code rather than
    of a later edit; after `forget` files are read again.

    Raises:
        ModuleNotFoundError: If one of `modules` has no source file.
    """
    return _digest(tuple(sorted(set(modules))))


def of_files(modules: Iterable[str]) -> str:
    """Return the SHA-256 over the code of these modules only, without their imports.

    Raises:
        ModuleNotFoundError: If one of `modules` has no source file.
    """
    lines = []
    for name in sorted(set(modules)):
        path = locate(name)
        if path is None:
            raise ModuleNotFoundError(f"no source file of {name}", name=name)
        lines.append(f"{name} {parsed(path, name)[0]}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def of_reader(module: str) -> str:
    """Return the SHA-256 over the code of a metric's module, 12 hexadecimal digits.

    Imports within the module's package are followed. Our modules outside of it are included, but
    their own imports aren't followed.

    Raises:
        ModuleNotFoundError: If the module has no source file.
    """
    package, packages = module.rpartition(".")[0] or module, {*ours, module.partition(".")[0]}
    pending, found = [module], set[str]()
    while pending:
        name = pending.pop()
        path = None if name in found else locate(name)
        if path is None:
            continue
        found.add(name)
        if f"{name}.".startswith(f"{package}."):
            pending.extend(o for o in parsed(path, name)[1] if o.partition(".")[0] in packages)
    return of_files(found)[:12]


def forget() -> None:
    """Make the next `digest` read the files again."""
    for known in (_digest, _followed, parsed):
        known.cache_clear()


def closure(modules: Iterable[str]) -> Mapping[str, str]:
    """Return the SHA-256 of each file in the import closure of `modules`, by module name, in order.

    Imports of our packages, and of the packages of `modules`, are followed.

    Raises:
        ModuleNotFoundError: If one of `modules` has no source file.
    """
    asked = list(modules)
    for name in asked:
        if locate(name) is None:
            raise ModuleNotFoundError(f"no source file of {name}", name=name)
    packages = {*ours, *(name.partition(".")[0] for name in asked)}
    pending, seen, found = _with_packages(asked), set[str](), dict[str, str]()
    while pending:
        name = pending.pop()
        if name in seen or name.partition(".")[0] not in packages:
            continue
        seen.add(name)
        file = _followed(name)
        if file is not None:
            found[name], imports = file
            pending.extend(imports)
    remember()
    return dict(sorted(found.items()))


def locate(module: str) -> Path | None:
    """Return a module's source file, None if it has none, without importing it.

    If this process has imported the module, it is the file that the module was loaded from.
    """
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is not None:
        return Path(file)
    top, _, rest = module.partition(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # the package was loaded without a spec
        spec = None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.has_location and spec.origin else None
    for folder in spec.submodule_search_locations or ():
        stem = Path(folder, *rest.split("."))
        for path in (stem / "__init__.py", stem.with_suffix(".py")):
            if path.is_file():
                return path
    return None


def _gathers_specs(module: str, path: Path) -> bool:
    return f"{module}.".startswith(f"{claims}.") and path.name == "__init__.py"


@functools.cache
def _digest(modules: tuple[str, ...]) -> str:
    text = "".join(f"{name} {sha}\n" for name, sha in closure(modules).items())
    return hashlib.sha256(text.encode()).hexdigest()


@functools.cache
def _followed(module: str) -> Parsed | None:
    """Return a module's parsing with the packages of its imports, None if it isn't followed."""
    path = None if is_spec(module) else locate(module)
    if path is None or _gathers_specs(module, path):
        return None
    digest, imports = parsed(path, module)
    return digest, tuple(_with_packages(imports))


def _with_packages(modules: Iterable[str]) -> list[str]:
    """Return modules and all packages that they are in, each once."""
    paths = [name.split(".") for name in modules]
    return list({".".join(path[:end]) for path in paths for end in range(1, len(path) + 1)})
