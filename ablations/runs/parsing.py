"""What a source file computes and what it imports, by parsing it.

Comments, layout and strings that stand as statements don't count. Since parsing takes long, what
was found is remembered in the cache folder, by the content of the file: an edit is never missed.
"""

import ast
import contextlib
import functools
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from hrm.system.environment import cache_folder
from hrm.system.files import whole

NAME = "sources.json"
MOST = 4096  # files that are remembered
Parsed = tuple[str, tuple[str, ...]]


@functools.cache
def parsed(path: Path, module: str) -> Parsed:
    """Return the SHA-256 of what a module's file computes, and every name that may be an import.

    Raises:
        OSError: If the file can't be read.
        SyntaxError: If it isn't Python.
    """
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    data = path.read_bytes()
    key = hashlib.sha256(b"\0".join((_parser(), package.encode(), data))).hexdigest()
    if key not in _known():
        tree = ast.parse(data, str(path))
        imports = tuple(_imports(tree, package))
        text = ast.dump(_WithoutDocstrings().visit(tree))
        _known()[key] = hashlib.sha256(text.encode()).hexdigest(), imports
        _fresh.add(key)
    return _known()[key]


def remember() -> None:
    """Write what was parsed since the last call into the cache folder, where that is possible."""
    if _fresh:
        _fresh.clear()
        latest = dict(list(_known().items())[-MOST:])
        with contextlib.suppress(OSError, RuntimeError), whole(cache_folder() / NAME) as temporary:
            temporary.write_text(json.dumps(latest))


_fresh: set[str] = set()


@functools.cache
def _known() -> dict[str, Parsed]:
    """Return what is remembered, by a digest of all that it depends on; nothing if that is lost."""
    try:
        found = json.loads((cache_folder() / NAME).read_bytes())
        return {key: (str(sha), tuple(imports)) for key, (sha, imports) in found.items()}
    except (AttributeError, OSError, RuntimeError, TypeError, ValueError):
        return {}


@functools.cache
def _parser() -> bytes:
    """Return what else the result depends on: this module and the version of Python."""
    return sys.version.encode() + Path(__file__).read_bytes()


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield every name that may be a module: in `from a import b`, both a and a.b."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=base, names=names, level=level):
                above = package.rsplit(".", level - 1)[0] if level else ""
                source = ".".join(filter(None, (above, base)))
                yield source
                yield from (f"{source}.{alias.name}" for alias in names)


class _WithoutDocstrings(ast.NodeTransformer):
    """Drops strings that are statements: docstrings, and descriptions below attributes."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if text else node
