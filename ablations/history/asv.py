"""From asv's folder of results to records. Only this module imports asv, when it is called."""

import importlib
import math
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from ablations.records.history import Commit, Conditions, Measured, Step, Steps, every_series
from hrm.codec import Json
from hrm.errors import UserError
from hrm.system.files import read_json

LOAD = "load.json"  # a file beside the results, written by `tox -e bench`


def taken(config: Path) -> Mapping[str, tuple[Conditions, Mapping[str, Measured]]]:
    """Return asv's measurements by commit: conditions, and benchmarks by name.

    Args:
        config: Path of asv.conf.json.

    Raises:
        UserError: If asv isn't installed, or there are no results of one machine.
    """
    results, benchmarks, every = _results(config)
    known = _load(results.parent / LOAD)
    found: dict[str, tuple[Conditions, dict[str, Measured]]] = {}
    for result in every:
        measured = {
            name: one
            for name in sorted(result.get_result_keys(benchmarks))
            if (one := _measured(result, name, benchmarks[name])) is not None
        }
        if measured:
            said = known.get(result.commit_hash, {})
            conditions = Conditions(
                machine=_machine(result.params),
                load=said.get("load"),
                quick=bool(said.get("quick", False)),
            )
            found.setdefault(result.commit_hash, (conditions, {}))[1].update(measured)
    return found


def steps(commits: Sequence[Commit]) -> Steps:
    """Return the levels of each series over these commits, in order, by asv's step detection.

    Raises:
        UserError: If asv isn't installed.
    """
    detect = _asv("asv.step_detect").detect_steps
    found: dict[str, dict[str, tuple[Step, ...]]] = {}
    for name, label, series in every_series(commits):
        hashes = list(series)
        levels = tuple(
            Step(first=hashes[left], last=hashes[right - 1], level=float(level))
            for left, right, level, _, _ in detect(list(series.values()))
        )
        if levels:
            found.setdefault(name, {})[label] = levels
    return Steps(found=found, by=f"asv {_asv('asv').__version__}, asv.step_detect")


def label(values: Sequence[str]) -> str:
    """Return readable parameters from asv's, which are Python literals."""
    return ", ".join(value[1:-1] if value[:1] in "'\"" else value for value in values)


def _results(config: Path) -> tuple[Path, Any, list[Any]]:
    """Return the folder of results, the benchmarks, and all results of the one machine."""
    if not config.exists():
        raise UserError(
            f"--asv is {str(config)!r}, which doesn't exist; allowed is asv's configuration; name "
            "it"
        )
    conf = _asv("asv.config").Config.load(str(config))
    results = config.parent / conf.results_dir
    if not (results / "benchmarks.json").exists():
        raise UserError(
            f"{str(results)!r} has no results; allowed is a folder that asv wrote; run `tox -e "
            "bench` first"
        )
    conf.results_dir = str(results)
    every = list(_asv("asv.results").iter_results(str(results)))
    machines = sorted({str(result.params.get("machine")) for result in every})
    if len(machines) != 1:
        raise UserError(
            f"{str(results)!r} has results of {', '.join(machines) or 'no machine'}; allowed is "
            "one machine, since a history compares times; move the others to another folder"
        )
    return results, _asv("asv.benchmarks").Benchmarks.load(conf), every


def _measured(result: Any, name: str, benchmark: Mapping[str, Any]) -> Measured | None:
    values = result.get_result_value(name, benchmark["params"])
    labels = [label(combination) for combination in product(*benchmark["params"])]
    found = {
        said: None if value is None else float(value)
        for said, value in zip(labels, values or [None] * len(labels), strict=True)
        if value is None or math.isfinite(value)  # NaN: skipped by the suite
    }
    if all(value is None for value in found.values()):
        return None
    return Measured(unit=benchmark["unit"], version=str(benchmark["version"]), values=found)


def _machine(params: Mapping[str, Any]) -> str:
    cores, memory = params.get("num_cpu", "?"), params.get("ram", "")
    parts = (f"{params.get('cpu') or params.get('arch', '')}", f"{cores} cores", f"{memory}")
    return ", ".join(part for part in (*parts, str(params.get("os", ""))) if part.strip())


def _load(path: Path) -> Mapping[str, Mapping[str, Json]]:
    guard = ("`tox -e bench`", "remove it, and loads are unknown")
    return read_json(path, *guard) if path.exists() else {}


def _asv(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(
            f"package {error.name!r} isn't installed; allowed is an environment with it, to read "
            "benchmarks and to find steps; pip install 'hrm-ablations[bench]'"
        ) from error
