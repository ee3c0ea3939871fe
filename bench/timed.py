"""What every suite of timings shares: what is timed is built in `setup`, and warm.

asv runs `setup` again before each sample, and with `--quick` takes a single cold sample. So the
first `setup` of a process builds what is timed and calls it once, and later ones find it again. A
sample is one call of a `time_` method; where that takes less than a few milliseconds, the method
repeats it a fixed number of times, which its docstring says.

All numbers are better when lower. The versions are pinned, since asv ends a benchmark's history
where its version changes: raise a version where its numbers mean something else, and only there.
"""

import functools
import gc
import os
from collections.abc import Callable
from typing import Any, ClassVar

QUICK = "BENCH_QUICK"  # set by `tox -e bench -- --quick`, since asv tells suites nothing of it

Timed = Callable[[], object]


def quick() -> bool:
    """Tell whether this is a quick run, in which tracked ratios are measured briefly too."""
    return bool(os.environ.get(QUICK))


class Suite:
    """A suite of asv; a subclass says by `make` what is timed for its parameters.

    Attributes:
        call: What `make` returned for the parameters that asv set up.
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
        """Build what is timed."""
        raise AssertionError(cls)

    def setup(self, *values: Any) -> None:
        """Have what is timed at hand."""
        self.call = prepared(type(self).make, values)


@functools.cache
def prepared(make: Callable[..., Timed], values: tuple[Any, ...]) -> Timed:
    """Return what a suite times, built and called once in this process."""
    call = make(*values)
    call()
    gc.collect()
    return call


def times(number: int, call: Timed) -> Timed:
    """Return so many calls as one."""

    def repeated() -> None:
        for _ in range(number):
            call()

    return repeated
