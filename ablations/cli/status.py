"""`ablations status`: the progress of the runs into a store, from another terminal."""

import argparse
import datetime
from pathlib import Path

from ablations.cli import display
from ablations.records.trials import Status
from ablations.runs import standing
from ablations.runs.standing import Standing
from ablations.runs.store import Store


def status(asked: argparse.Namespace) -> int:
    """JSON: {store, stored, failed, died, faults, runs}.

    stored counts finished trials; failed and died count trials whose last attempt failed or died;
    faults counts records that can't be used. runs lists the processes that run trials now, and
    those that ended without a report, which are marked silent: [{host, pid, engine, started,
    updated, trials, done, failed, running: [{name, since}], expected_end, changed, silent}].
    """
    store = Store.open(asked.store)
    found = list(standing.read(Path(asked.store)))
    last = store.statuses()
    data = {
        "store": asked.store,
        "stored": sum(status is not None and status.finished for status in last.values()),
        "failed": sum(status is Status.FAILED for status in last.values()),
        "died": sum(status is Status.DIED for status in last.values()),
        "faults": len(store.faults),
        "runs": [{**one.to_json(), "silent": one.silent} for one in found],
    }
    if asked.json:
        return display.data(data)
    display.line(
        f"{asked.store}: {data['stored']} trials are stored, {data['failed']} failed, "
        f"{data['died']} were ended by the machine, {data['faults']} records can't be used."
    )
    if not found:
        display.line("No trial is running.")
    for one in found:
        _show(one)
    return 0


def _show(one: Standing) -> None:
    name = f"{one.host}, process {one.pid} ({one.engine})"
    if one.silent:
        display.line(f"{name} ended without a report; the same command resumes.")
        return
    failed = f", {one.failed} failed" if one.failed else ""
    end = f", ends about {_clock(one.expected_end)}" if one.expected_end else ""
    display.line(
        f"{name}: {one.done} of {one.trials} runs, {len(one.running)} running{failed}{end}."
    )
    for each in one.running:
        display.line(f"  {each.name}, since {_clock(each.since)}")
    for sentence in one.changed:
        display.line(f"  {sentence}")


def _clock(text: str) -> str:
    """Return a local time, with the day unless it is today."""
    when = datetime.datetime.fromisoformat(text).astimezone()
    today = when.date() == datetime.datetime.now(when.tzinfo).date()
    return f"{when:%H:%M}" if today else f"{when:%d %b %H:%M}"
