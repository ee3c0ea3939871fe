"""What a person sees: tables. Only this module and `progress` know Rich."""

import json
import math
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from ablations.plain import Json
from ablations.records import Report, Word
from hrm.system import console as consoles

STYLE = {
    Word.EXACT: "green",
    Word.CONFIRMED: "green",
    Word.EXCEEDED: "cyan",
    Word.WEAKER: "yellow",
    Word.NO_EFFECT: "yellow",
    Word.CONTRADICTED: "red",
    Word.MISMATCH: "red",
    Word.INVALID: "magenta",
}


def claims(rows: Sequence[Mapping[str, Json]], total: int) -> None:
    """Print the claims."""
    table = _table("id", "document", "form", "documented", "claim")
    for row in rows:
        table.add_row(*(escape(row[k]) for k in ("id", "document", "form", "documented", "claim")))
    out = console()
    out.print(table)
    out.print(f"{len(rows)} of the {total} claims in the ledger have a spec.")


def claim(data: Mapping[str, Json]) -> None:
    """Print one claim."""
    out = console()
    out.print(f"[bold]{escape(data['id'])}[/bold]  {escape(data['claim'])}")
    facts = _table(box_style=None, header=False)
    for name in ("document", "section", "documented", "form", "reading", "workload"):
        facts.add_row(name, escape(str(data[name])))
    seeds = ", ".join(f"{tier} {number}" for tier, number in data["seeds"].items())
    costs = ", ".join(f"{tier} {duration(s)}" for tier, s in data["cpu_seconds"].items())
    for name, value in data["settings"].items():
        facts.add_row(name, escape(setting(value)))
    facts.add_row("seeds", seeds)
    facts.add_row("CPU time left", costs)
    out.print(facts)
    if data["differences"]:
        table = _table("arms differ in", *data["arms"])
        for row in data["differences"]:
            table.add_row(escape(row["path"]), *(escape(v) for v in row["values"]))
        out.print(table)
    if data["zones"]:
        zones = data["zones"]
        edges = {"null": (-zones["null"], zones["null"]), "band": zones["band"]}
        for name, edge in edges.items():
            if edge:
                low, high = sorted(zones["sign"] * e for e in edge)
                if zones["log"]:
                    low, high = math.exp(low), math.exp(high)
                reason = escape(zones[f"{name}_reason"])
                out.print(f"{name} zone: {low:.4g} to {high:.4g} {zones['unit']}; {reason}")


_few = 3  # ids that are named rather than counted
_controls = "controls/"  # what the ids of controls begin with


def plan(data: Mapping[str, Json]) -> None:
    """Print what would run, and what it could tell: claims, controls, and what is exact."""
    tier, out = data["tier"], console()
    statistical = [row for row in data["claims"] if row["plan"]]
    apart = [row for row in statistical if row["id"].startswith(_controls)]
    mine = [row for row in statistical if row not in apart]
    for name, rows in (("claim", mine), (_controls, apart)):
        _print(_plans(name, rows, tier), rows)
    exact = [row for row in data["claims"] if not row["plan"]]
    table = _table("exact claim", "runs", "CPU\nmin", numbers=("runs", "CPU\nmin"))
    for row in exact:
        table.add_row(row["id"], *_costs(row))
    _print(table, exact)
    if statistical:
        out.print(
            "Sees: the distance from an edge (a factor, for ratios) told apart with a power of "
            "80 %. Power: to confirm the documented effect, and the pairs it takes. A ? is unknown."
        )
        _sources("Spread", statistical, lambda row: row["plan"]["source"])
    cpus = f" (on {', '.join(data['cost_cpus'])})" if data["cost_cpus"] else ""
    ran = [row for row in data["claims"] if row["trials"]]
    _sources("Cost", ran, lambda row: row["cost_source"], {"committed pilots": cpus})
    shown = [row["id"] for row in statistical if _fate(row, tier) == "estimate"]
    if shown:
        out.print(escape(f"The {tier} tier can't decide, it shows estimates: {', '.join(shown)}."))
    for row in statistical:
        if _fate(row, tier) == "refused":
            said = refused(row["plan"]["refusal"], row["plan"]["could"])
            out.print(escape(f"Refused: {row['id']}: {said}."))
    out.print(
        f"The {tier} tier: {data['trials']} runs, {data['stored']} stored, "
        f"{duration(data['cpu_seconds'])} of CPU time left, about {duration(data['wall_seconds'])} "
        f"with {data['jobs']} jobs. Claims may share runs."
    )


def refused(reason: str, could: int | None) -> str:
    """Return why a plan can't decide anything, and the seeds that could."""
    return f"{reason}; {'no number of' if could is None else f'{could:,}'} seeds could"


def _plans(name: str, rows: Sequence[Mapping[str, Json]], tier: str) -> Table:
    figures = ("runs", "CPU\nmin", "spread", "sees", "power", "80, 90 %")
    table = _table(name, *figures, "tier", numbers=figures)
    for row in rows:
        told = row["plan"]
        table.add_row(
            row["id"].removeprefix(_controls),
            *_costs(row),
            _figure(told["sd"]),
            _figure(told["detectable"]),
            _figure(told["power"], "{:.0%}"),
            ", ".join(dict.fromkeys(_figure(told[k], "{}") for k in ("pairs_80", "pairs_90"))),
            _fate(row, tier),
        )
    return table


def _costs(row: Mapping[str, Json]) -> tuple[str, str]:
    """Return a plan's runs, those stored before the stroke, and its CPU minutes."""
    stored = f"{row['stored']}/" if row["stored"] else ""
    return f"{stored}{row['trials']}", f"{row['cpu_minutes']:.1f}" if row["trials"] else ""


def _sources(
    what: str,
    rows: Sequence[Mapping[str, Json]],
    source: Callable[[Mapping[str, Json]], str],
    more: Mapping[str, str] | None = None,
) -> None:
    """Print where figures of claims come from, and of how many or which: the commonest first."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(source(row), []).append(row["id"])
    parts = []
    for name, ids in sorted(found.items(), key=lambda item: -len(item[1])):
        whose = ", ".join(ids) if len(ids) <= _few else f"{len(ids)} of {len(rows)}"
        parts.append(f"{name}{(more or {}).get(name, '')} ({whose})")
    if parts:
        console().print(escape(f"{what}: {'; '.join(parts)}."))


def _figure(value: float | None, form: str = "{:.2g}") -> str:
    return "?" if value is None else form.format(value)


def _fate(row: Mapping[str, Json], tier: str) -> str:
    """Return what the tier does for a claim."""
    if row["decides"]:
        return "decides"
    return "estimate" if tier == "quick" else "refused"


def selfcheck(made: Mapping[str, Json]) -> None:
    """Print what came of claims whose truth is known."""
    table = _table("verdict", "equal arms", "planted effect")
    for word in dict.fromkeys([*made["equal"], *made["planted"]]):
        table.add_row(word, *(str(made[kind].get(word, 0)) for kind in ("equal", "planted")))
    out = console()
    out.print(table)
    out.print(
        f"{made['false']} of {made['cases']} equal arms were found to differ, {made['allowed']} "
        f"are allowed; the planted effect was found in {made['found']}, with {made['wrong']} false "
        "words about it.",
        soft_wrap=True,
    )


def data(found: Json) -> int:
    """Print JSON, and return the status of a job that did its work."""
    sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return 0


def say(text: str) -> None:
    """Say something on the way, on stderr."""
    sys.stderr.write(f"ablations: {text}\n")
    sys.stderr.flush()


def ran(summary: Mapping[str, Json], store: str) -> None:
    """Print what a run did."""
    out = console()
    out.print(
        f"{summary['trials']} runs: {summary['stored_before']} were stored in {escape(store)}, "
        f"{summary['run']} are new."
        + (f" The budget left {summary['left']}." if summary["left"] else "")
    )
    for row in summary.get("looks", ()):
        state = "stopped" if row["stopped"] else "open; the same command goes on"
        out.print(f"{row['id']}: look {row['look']}, {row['pairs']} pairs, {state}.")
    for error in summary["failed"]:
        consoles.console(stderr=True).print(f"[red]failed[/red] {escape(error)}", soft_wrap=True)


def verdicts(report: Report) -> None:
    """Print the verdicts, each with its reason below it."""
    out = console()
    for row in report.rows:
        v = row.verdict
        word = f"[{STYLE.get(v.verdict, 'default')}]{v.verdict}[/]"
        told = [f"[bold]{escape(v.id)}[/]", word]
        if v.estimate is not None and v.low is not None and v.high is not None:
            told.append(escape(f"{v.estimate:.3g} [{v.low:.3g}, {v.high:.3g}], n = {v.n}"))
        if v.documented not in ("", "—"):
            told.append(f"documented {escape(v.documented)}")
        out.print("  ".join(told), highlight=False)
        out.print(Padding(escape(v.reason), (0, 0, 1, 2)), highlight=False)
    tally(report)


def tally(report: Report) -> None:
    """Print how many claims came out how."""
    words = ", ".join(f"{n} {word}" for word, n in report.tally.items())
    console().print(f"{len(report.rows)} claims, {report.tier} tier: {words}.", soft_wrap=True)


def rendered(report: Report, path: Path) -> None:
    """Print the tally and where the report is."""
    tally(report)
    console().print(f"Report: {escape(str(path))}", soft_wrap=True)


def calibration(data: Mapping[str, Json], path: str) -> None:
    """Print the calibration's worst cells by form and pairs, the powers, and the whole reports."""
    cells = [c for c in data["cells"] if c["level"] == data["level"]]
    sizes = sorted({c["n"] for c in cells if not c["looks"]})
    columns = [*map(str, sizes), "looks"]
    table = _table("form", "noise in", *columns)
    rows: dict[tuple[str, str], dict[str, Json]] = {}
    for c in cells:
        row = rows.setdefault((c["form"], c["varies"]), {})
        column = "looks" if c["looks"] else str(c["n"])
        row[column] = max(row.get(column, c), c, key=lambda cell: cell["bound"])
    for names, found in rows.items():
        worst = (found.get(column) for column in columns)
        table.add_row(*names, *("" if cell is None else _worst(cell) for cell in worst))
    out = console()
    out.print(table)
    out.print(
        "By number of pairs, the upper bound of the worst false verdict over all noises and where "
        f"it is, as a multiple of what the level allows, {1 - data['level']:.2g}; above "
        f"{data['limit']:g} verdicts are withheld. {data['replicates']:,} samples without one show "
        f"a bound of {data['reach']:.2f}.",
        soft_wrap=True,
    )
    off = max(abs(p["confirmed"] / p["samples"] - p["promised"]) for p in data["powers"])
    out.print(f"Plans have the power they promise, to {100 * off:.1f} points.", soft_wrap=True)
    for whole in data["wholes"]:
        how = "looked at several times" if whole["looks"] else "looked at once"
        out.print(
            f"Whole reports with {whole['members']} false members, {how}: "
            f"{whole['rate']:.2%} of {whole['reports']:,} have a false CONFIRMED "
            f"(at most {whole['bound']:.2%}).",
            soft_wrap=True,
        )
    out.print(f"Kept in {escape(path)}.", soft_wrap=True)


def _worst(cell: Mapping[str, Json]) -> str:
    shown = f"{cell['bound']:.2f} {cell['noise']}"
    return shown if cell["within"] else f"[magenta]{shown}[/]"


def setting(value: Json) -> str:
    """Return a setting on one line; a part as its kind and fields."""
    if not isinstance(value, dict):
        return str(value)
    fields = ", ".join(f"{k}={v}" for k, v in value.items() if k != "kind")
    return f"{value.get('kind', '')}({fields})"


def duration(seconds: float) -> str:
    """Return a time as a person says it."""
    if seconds < 90:
        return f"{max(0.0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def console() -> Console:
    """Return the console for results."""
    return consoles.console()


def _print(table: Table, rows: Sequence[object]) -> None:
    """Print a table unless it is empty."""
    if rows:
        console().print(table, "")


def _table(
    *columns: str,
    box_style: box.Box | None = box.SIMPLE_HEAD,
    header: bool = True,
    numbers: Collection[str] = (),
) -> Table:
    """Return a table whose first column, the id or name, is never broken; nor are numbers.

    Args:
        columns: The columns' names. box_style: Lines. header: Whether to show the names.
        numbers: The columns to align on the right; with any, columns stand close.
    """
    table = Table(
        box=box_style,
        show_header=header,
        pad_edge=False,
        show_edge=not numbers,
        collapse_padding=bool(numbers),
    )
    for i, name in enumerate(columns or ("", "")):
        table.add_column(
            name,
            no_wrap=i == 0 or (bool(numbers) and name != columns[-2]),
            style="" if header or i else "bold",
            justify="right" if name in numbers else "left",
        )
    return table
