"""Mutants: one changed function at a time, while the tests that should fail are run."""

import ast
import contextlib
import functools
import importlib
import inspect
import io
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from tests.conftest import settings_of

HERE = Path(__file__).parent


def source(function):
    return textwrap.dedent(inspect.getsource(function))


def found(name):
    """Return a function of `ablations`, "package.module.f" or "package.module.Class.f"."""
    room, module, *names = name.split(".")
    made = importlib.import_module(f"ablations.{room}.{module}")
    made = functools.reduce(getattr, names, made)
    return getattr(made, "fget", None) or getattr(made, "__func__", made)


def replaced(name, old, new):
    """Return a function's tree with a piece of its text replaced."""
    text = source(found(name))
    assert text.count(old) == 1, (old, text)
    return ast.parse(text.replace(old, new))


@contextlib.contextmanager
def mutated(function, tree):
    """Replace the body of a function within the block, also where it was imported."""
    made = {}
    tree.body[0].decorator_list = []
    code = compile(ast.fix_missing_locations(tree), f"<mutant of {function.__name__}>", "exec")
    exec(code, function.__globals__, made)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(function, "__code__", made[function.__name__].__code__)
        yield


class FirstExample:
    """Ends a property test at its first failing example; nobody reads a mutant's smallest one."""

    def __init__(self, patch):
        self.patch = patch

    def pytest_collection_modifyitems(self, items):
        for holder, attribute in settings_of(items):
            drawn = settings(getattr(holder, attribute), phases=(Phase.explicit, Phase.generate))
            self.patch.setattr(holder, attribute, drawn)


def noticed(*tests):
    """Return whether any of the tests fails; they run in this process, one by one.

    Args:
        tests: "package/test_module.py", or one test in it.
    """
    shown = io.StringIO()
    options = ["-q", "-x", "--assert=plain", "--tb=no", "-p", "no:cacheprovider"]
    options += ["--disable-plugin-autoload", "-p", "_hypothesis_pytestplugin"]
    options += ["-p", "no:unraisableexception"]  # collects garbage at its end
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(shown),
        contextlib.redirect_stderr(shown),
    ):
        patch.setattr(sys, "meta_path", [*sys.meta_path])
        given = [*options, *(str(HERE / test) for test in tests)]
        status = pytest.main(given, plugins=[FirstExample(patch)])
    assert status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), (status, shown.getvalue())
    return status == pytest.ExitCode.TESTS_FAILED
