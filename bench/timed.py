"""The base of all suites of timings: the timed callable is built and warmed up in `setup`.

asv runs `setup` again before each sample, and with `--quick` takes a single cold sample. Therefore
the first `setup` of a process builds the callable and calls it once, and later ones reuse it. A
sample is one call of a `time_` method. If that would take less than a few milliseconds, the method
repeats it a fixed number of times, which its docstring gives.

Lower is better for all values. Versions are pinned, because asv ends the history of a benchmark
when its version changes. Raise a version only if its values get another meaning.
"""

import functools
import gc
import os
from collections.abc import Callable
from typing import Any, ClassVar

QUICK = "BENCH_QUICK"  # set by `tox -e bench -- --quick`, since asv doesn't pass that to suites

Timed = Callable[[], object]


def quick() -> bool:
    """Return whether this is a quick run, in which tracked ratios are measured briefly too."""
    return bool(os.environ.get(QUICK))


class Suite:
    """A suite of asv; `make` of a subclass returns the timed callable for some parameters.

    Attributes:
        call: The result of `make` for the parameters that asv has set up.
    """

    params: ClassVar[tuple[tuple[Any, ...], ...]]
    param_names: ClassVar[tuple[str, ...]]
    rounds = 2
    repeat = (2, 8, 0.4)
    warmup_time = 0.05
    timeout = 120.0
    version = "1"
    call: Timed

    @classmethod
    def make(cls, *values: Any) -> Timed:  # noqa: ARG003 (a subclass has its parameters)
        """Build the timed callable."""
        raise AssertionError(cls)

    def setup(self, *values: Any) -> None:
        """Get the timed callable, which is built once per process."""
        self.call = prepared(type(self).make, values)


@functools.cache
def prepared(make: Callable[..., Timed], values: tuple[Any, ...]) -> Timed:
    """Return a suite's callable, which is built and called once in this process."""
    call = make(*values)
    call()
    gc.collect()
    return call


def times(number: int, call: Timed) -> Timed:
    """Return a callable that does a number of calls."""

    def repeated() -> None:
        for _ in range(number):
            call()

    return repeated
