"""What a person sees: tables, and progress with an estimate. The only module that knows Rich."""

import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ablations.evidence import most_company
from ablations.plain import Json
from ablations.plan import Forecast
from ablations.records import Report, Result, Status, Trial, Word

if TYPE_CHECKING:  # the runner is loaded by `run` alone
    from ablations.runner import Event

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


def plan(rows: Sequence[Mapping[str, Json]], total: Forecast, tier: str, jobs: int) -> None:
    """Print what would run, and what it could tell."""
    table = _table(
        "claim", "runs", "CPU min", "spread", "tells", "power", "80, 90 %", f"{tier} tier"
    )
    for row in rows:
        told = row["plan"]
        stored = f", {row['stored']} stored" if row["stored"] else ""
        cost = f"{row['cpu_minutes']:.1f} {_sources[row['cost_source']]}"
        figures = ("", "", "", "")
        if told:
            figures = (
                _figure(told["sd"]),
                _figure(told["detectable"]),
                _figure(told["power"], "{:.0%}"),
                ", ".join(dict.fromkeys(_figure(told[k], "{:,}") for k in _pairs)),
            )
        table.add_row(
            row["id"],
            f"{row['trials']}{stored}",
            cost if row["trials"] else "",
            *figures,
            _fate(row, tier),
        )
    out = console()
    out.print(table)
    out.print(
        "Spread: standard deviation of a contrast, from pilot seeds or the spec; tells: distance "
        "from an edge seen with a power of 80 % (a factor, for ratios); power: chance to confirm "
        "the documented effect; 80, 90 %: pairs for so much of it. A ? stands for what nobody "
        "knows yet: `ablations plan --pilot` measures it. Costs are from stored runs, a probe "
        "(pilot seeds alone) or the spec.",
        soft_wrap=True,
    )
    for row in rows:
        if _fate(row, tier) == "refused":
            told = row["plan"]
            could = told["could"]
            needed = "no number of seeds could" if could is None else f"{could} seeds could"
            out.print(escape(f"Refused: {row['id']}: {told['refusal']}; {needed}."), soft_wrap=True)
    out.print(
        f"{total.trials} runs, {total.stored} stored; {duration(total.cpu_seconds)} of CPU time "
        f"are left, about {duration(total.wall_seconds)} with {jobs} jobs. Claims may share runs.",
        soft_wrap=True,
    )


_pairs = ("pairs_80", "pairs_90")
_sources = {"stored runs": "runs", "a probe": "probe", "the spec": "spec"}


def _figure(value: float | None, form: str = "{:.3g}") -> str:
    return "?" if value is None else form.format(value)


def _fate(row: Mapping[str, Json], tier: str) -> str:
    """Return what the tier does for a claim."""
    if row["decides"]:
        return "decides"
    return "estimates" if tier == "quick" else "refused"


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
        Console(stderr=True).print(f"[red]failed[/red] {escape(error)}", soft_wrap=True)


def verdicts(report: Report) -> None:
    """Print the verdicts."""
    table = _table("claim", "documented", "estimate", "n", "verdict", "reason")
    for row in report.rows:
        v = row.verdict
        estimate = "" if v.estimate is None else f"{v.estimate:.3g}"
        if v.low is not None and v.high is not None:
            estimate += f" [{v.low:.3g}, {v.high:.3g}]"
        word = f"[{STYLE.get(v.verdict, 'default')}]{v.verdict}[/]"
        table.add_row(
            v.id, escape(v.documented), escape(estimate), str(v.n), word, escape(v.reason)
        )
    console().print(table)
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
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Share:
    """A bar over the share of a work that is done; elsewhere a line now and then, on stderr."""

    def __init__(self, name: str) -> None:
        from rich import progress

        self.name, self.began = name, 0.0
        self.started = self.said = time.monotonic()
        self.console = Console(stderr=True)
        self.bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TimeElapsedColumn(),
            progress.TextColumn("{task.fields[left]}"),
            console=self.console,
            transient=True,
        )
        self.task = self.bar.add_task(name, total=1.0, left="")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar.live.is_started:
            self.bar.stop()

    def __call__(self, share: float) -> None:
        """Take notice of what is done; the first share was there before."""
        if self.console.is_terminal and not self.bar.live.is_started:
            self.bar.start()
        self.began = self.began or share or 1e-9
        gone, now = share - self.began, time.monotonic()
        seconds = (now - self.started) * (1 - share) / gone if gone > 0 else math.inf
        left = f"about {duration(seconds)} left" if gone > 0 else ""
        self.bar.update(self.task, completed=share, left=left)
        if not self.console.is_terminal and now - self.said >= 15:
            self.said = now
            sys.stderr.write(f"ablations: {self.name}, {share:.0%} done, {left}\n")
            sys.stderr.flush()


class Progress:
    """A bar over expected CPU time on a terminal; elsewhere a line now and then, on stderr."""

    def __init__(self, before: Forecast, jobs: int, cost: Callable[[Trial], float]) -> None:
        from rich import progress

        self.cost, self.jobs = cost, jobs
        self.todo, self.done = before.trials - before.stored, 0
        self.expected, self.spent = before.cpu_seconds, 0.0
        self.wall, self.warned = before.wall_seconds, False
        self.started, self.said = time.monotonic(), -math.inf
        self.console = Console(stderr=True)
        self.bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TextColumn("{task.fields[runs]}"),
            progress.TimeElapsedColumn(),
            progress.TextColumn("{task.fields[left]}"),
            console=self.console,
            transient=True,
        )
        self.task = self.bar.add_task(
            "starting", total=max(self.expected, 1e-9), runs="", left=self._left()
        )

    def __enter__(self) -> Self:
        if self.todo and self.console.is_terminal:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar.live.is_started:  # elsewhere it would end with an empty line
            self.bar.stop()

    def __call__(self, event: "Event") -> None:
        """Take notice of an event."""
        name = f"{event.trial.workload} seed {event.trial.seed}"
        if event.what == "waiting":
            sys.stderr.write("ablations: another process uses the machine; waiting for it\n")
        elif event.what == "started":
            self.bar.update(self.task, description=name)
            self._say()
        elif event.what == "stored":
            assert event.result is not None
            if event.result.status is Status.DIED:
                sys.stderr.write(f"ablations: {name} died of the machine; it is tried again\n")
                return
            self._warn(event.result)
            self.done += 1
            self.spent += self.cost(event.trial)
            left = self._left()
            self.bar.update(
                self.task, completed=self.spent, runs=f"{self.done}/{self.todo} runs", left=left
            )
            self._say()

    def _warn(self, result: Result) -> None:
        """Say once if others use the machine while it is timed."""
        taken = [arm.get("others") or 0.0 for arm in result.metrics] if result.trial.alone else []
        if not self.warned and max(taken, default=0.0) > most_company:
            self.warned = True
            say(
                f"other processes take {max(taken):.1f} cores (load average "
                f"{result.machine.load:g}) while the machine is timed, which wants it alone"
            )

    def _left(self) -> str:
        """What is left: the plan's estimate, corrected by how fast it has gone so far."""
        share = self.spent / self.expected if self.expected else 1.0
        elapsed = time.monotonic() - self.started
        planned = self.wall * (1 - share)
        measured = elapsed * (1 - share) / share if share > 0 else planned
        return f"about {duration((1 - share) * planned + share * measured)} left"

    def _say(self) -> None:
        """Where there is no bar, say how far it is, once in a while."""
        if self.console.is_terminal or time.monotonic() - self.said < 15:
            return
        self.said = time.monotonic()
        sys.stderr.write(f"ablations: {self.done} of {self.todo} runs, {self._left()}\n")
        sys.stderr.flush()


def console() -> Console:
    """Return the console for results."""
    return Console()


def _table(
    *columns: str, box_style: box.Box | None = box.SIMPLE_HEAD, header: bool = True
) -> Table:
    """Return a table whose first column, the id or name, is never broken."""
    table = Table(box=box_style, show_header=header, pad_edge=False)
    for i, name in enumerate(columns or ("", "")):
        table.add_column(name, no_wrap=i == 0, style="" if header or i else "bold")
    return table
