"""Measure the benchmarks of the packages on PYTHONPATH, in this fresh process.

A script that imports nothing of this project, because it also measures commits without it. Usage:
`python -P measure.py FOLDER QUICK PATTERN`, with the folder of the suites, 0 or 1, and a regular
expression for names. It prints a line of JSON for each benchmark and parameters: name, parameters,
version, unit, value (or None), and why there is no value.

A time is that of the fastest of a few samples, because other work of the machine can only add to
it. Peak memory in asv's sense is that of the whole process, and isn't measured.
"""

import ast
import itertools
import json
import math
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SAMPLE = 5e-3  # shortest sample in seconds; the number of calls in a sample follows from it
SAMPLES, QUICK_SAMPLES = 7, 2
MOST = 0.5  # seconds after which a benchmark gets no further samples


def main() -> None:
    """Measure the benchmarks that the arguments select."""
    folder, quick, pattern = Path(sys.argv[1]), sys.argv[2] == "1", re.compile(sys.argv[3])
    for benchmark in found(folder, pattern):
        for number, labels in enumerate(itertools.product(*benchmark.params)):
            if labels:
                benchmark.set_param_idx(number)
            value, why = measured(benchmark, QUICK_SAMPLES if quick else SAMPLES)
            line = [benchmark.name, labels, str(benchmark.version), benchmark.unit, value, why]
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


def found(folder: Path, pattern: "re.Pattern[str]") -> Iterator[Any]:
    """Yield the timed and tracked benchmarks of a folder whose names match."""
    from asv_runner.discovery import disc_benchmarks

    seen = set()
    for module in modules(folder, pattern):
        for benchmark in disc_benchmarks(f"{folder.name}.{module}", ignore_import_errors=True):
            known = benchmark.type in ("time", "track") and benchmark.name not in seen
            if known and pattern.search(benchmark.name):
                seen.add(benchmark.name)
                yield benchmark


def modules(folder: Path, pattern: "re.Pattern[str]") -> list[str]:
    """Return the modules of a folder that may have a matching benchmark, without importing any."""
    trees = {path.stem: ast.parse(path.read_bytes()) for path in sorted(folder.glob("*.py"))}
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    methods = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}

    def may(module: str, tree: ast.Module) -> bool:
        classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
        names = [f"{module}.{c}.{m}" for c in classes for m in methods]
        return any(pattern.search(name) for name in (*names, *(f"{module}.{m}" for m in methods)))

    return [module for module, tree in trees.items() if may(module, tree)]


def measured(benchmark: Any, samples: int) -> tuple[float | None, str]:
    """Return a benchmark's value, or None and the reason."""
    try:
        if benchmark.do_setup():
            return None, "it was skipped"
        try:
            arguments = benchmark._build_params()
            if benchmark.type == "track":
                value = float(benchmark.func(*arguments))
            else:
                value = seconds(benchmark, arguments, samples)
        finally:
            benchmark.do_teardown()
    except Exception as error:  # noqa: BLE001 (any error; other benchmarks are still measured)
        return None, f"{type(error).__name__}: {error}"
    return (value, "") if math.isfinite(value) else (None, f"it is {value}")


def seconds(benchmark: Any, arguments: tuple[Any, ...], samples: int) -> float:
    """Return the seconds of a call, in the fastest sample; `setup` comes before each sample."""
    began = time.perf_counter()
    benchmark.func(*arguments)  # the first call warms up
    once = time.perf_counter() - began
    prepared = bool(benchmark._setups)
    calls = 1 if prepared else max(1, math.ceil(SAMPLE / max(once, 1e-7)))
    best, began = math.inf, time.perf_counter()
    for _ in range(samples):
        if prepared:
            benchmark.do_teardown()
            benchmark.do_setup()
        start = time.perf_counter()
        for _ in range(calls):
            benchmark.func(*arguments)
        best = min(best, (time.perf_counter() - start) / calls)
        if time.perf_counter() - began > MOST:
            break
    return best


if __name__ == "__main__":
    main()
