"""Print a recipe's summary with Rich. Loaded only by the command that prints."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from hrm.system.console import console


def summary(found: Mapping[str, Any]) -> None:
    """Print a recipe's summary: modules by group, buffers separately, then the totals."""
    out = console()
    out.print(
        f"[bold]{escape(found['recipe'])}[/bold]  {escape(found['source'])}",
        highlight=False,
        soft_wrap=True,
    )
    out.print(_modules(found))
    if found["buffers"]:
        out.print(_buffers(found["buffers"]))
    totals = Table.grid(padding=(0, 2))
    totals.add_column(no_wrap=True)
    totals.add_column(justify="right", no_wrap=True)
    totals.add_column()
    totals.add_row("parameters", f"{found['parameters']:,}", "buffers not counted")
    if found["documented"]:
        totals.add_row("documented", escape(found["documented"]["printed"]), _verdict(found))
    totals.add_row(
        "operations",
        f"{found['operations']:,}",
        "per segment (one halting step of one sample, forward; a multiplication and an addition "
        "are two): "
        + ", ".join(
            f"{group['path'] or 'the model itself'} {group['operations']:,}"
            for group in found["groups"]
            if group["operations"]
        ),
    )
    out.print(totals)


def _modules(found: Mapping[str, Any]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("module", no_wrap=True)
    table.add_column("type")
    table.add_column("shapes")
    table.add_column("parameters", justify="right", no_wrap=True)
    for group in found["groups"]:
        own = {m["path"]: m for m in group["modules"]}
        itself = own.pop(group["path"], None)
        table.add_row(
            group["path"] or "(model)",
            group["type"],
            _shapes(itself) if itself else "",
            f"{group['parameters']:,}",
            style="bold",
        )
        for path, module in own.items():
            shown = path.removeprefix(f"{group['path']}.")
            table.add_row(
                f"  {shown}", module["type"], _shapes(module), f"{module['parameters']:,}"
            )
    return table


def _buffers(buffers: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("buffer", no_wrap=True)
    table.add_column("shape")
    table.add_column("elements", justify="right", no_wrap=True)
    for buffer in buffers:
        table.add_row(buffer["path"], _shape(buffer["shape"]), f"{buffer['elements']:,}")
    return table


def _verdict(found: Mapping[str, Any]) -> str:
    """Return a sentence that compares the count with the printed figure."""
    difference = found["documented"]["difference"]
    if difference == 0:
        return "equal"
    apart = f"{abs(difference):,} {'more' if difference > 0 else 'fewer'} here"
    return f"{apart}, which rounds to that figure" if found["documented"]["prints_as"] else apart


def _shapes(module: Mapping[str, Any]) -> str:
    return ", ".join(map(_shape, module["shapes"].values()))


def _shape(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) or "one number"
