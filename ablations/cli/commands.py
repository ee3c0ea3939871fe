"""What each command does; its docstring says what it prints as JSON. These keys are stable."""

import argparse
import json
import sys
from pathlib import Path

from ablations import claims
from ablations.cli import display
from ablations.forms import Statistical
from ablations.plain import Json
from ablations.plan import Costs, Forecast, Planned, forecast, plan
from ablations.records import Report, Status, Tier
from ablations.specs import Claim, differences
from ablations.store import Store

QUICK_REPLICATES = 20_000


def list_(asked: argparse.Namespace) -> int:
    """JSON: [{id, document, section, form, documented, trained, claim}]."""
    rows = [_entry(claim) for claim in claims.specs()]
    if asked.json:
        return _print(rows)
    display.claims(rows, len(claims.ledger()))
    return 0


def show(asked: argparse.Namespace) -> int:
    """JSON: as `list`, and more.

    That is: reading, workload, arms {label: configuration}, differences [{path, values}],
    settings, seeds {tier: number}, zones, cpu_seconds {tier: seconds}.
    """
    (claim,) = claims.choose([asked.claim])
    store = _existing(asked.store)
    costs = {tier.value: forecast([plan(claim, tier)], store, 1).cpu_seconds for tier in Tier}
    data = {
        **_entry(claim),
        "reading": claim.reading,
        "workload": claim.workload,
        "arms": {arm.label: arm.part.to_json() for arm in claim.arms},
        "differences": [d.to_json() for d in differences(claim)],
        "settings": dict(claim.settings),
        "seeds": {tier.value: number for tier, number in claim.seeds.items()},
        "zones": claim.form.zones.to_json() if isinstance(claim.form, Statistical) else None,
        "cpu_seconds": costs,
    }
    if asked.json:
        return _print(data)
    display.claim(data)
    return 0


def plan_(asked: argparse.Namespace) -> int:
    """JSON: {tier, jobs, trials, stored, cpu_seconds, wall_seconds, claims}.

    Claims are [{id, trials, stored, cpu_seconds, decides}].
    """
    plans, store = _plans(asked), _existing(asked.store)
    total = forecast(plans, store, asked.jobs)
    rows = []
    for planned in plans:
        found = forecast([planned], store, 1)
        rows.append(
            {
                "id": planned.claim.id,
                "trials": found.trials,
                "stored": found.stored,
                "cpu_seconds": found.cpu_seconds,
                "decides": _decides(planned.claim, asked.tier),
            }
        )
    if asked.json:
        return _print({"tier": asked.tier, "jobs": asked.jobs, **_forecast(total), "claims": rows})
    display.plan(rows, total, asked.tier, asked.jobs)
    return 0


def run(asked: argparse.Namespace) -> int:
    """JSON: {tier, trials, stored_before, run, failed: [error]}."""
    from ablations import engine, runner

    plans = _plans(asked)
    store = Store.open(asked.store, create=True)
    trials = [trial for planned in plans for trial in planned.flat]
    costs, before = Costs(plans, store), forecast(plans, store, asked.jobs)
    where = engine.Serial() if asked.jobs == 1 else engine.Processes(asked.jobs)
    with display.Progress(before, asked.jobs, costs.of) as progress:
        runner.run(trials, store, where, on_event=progress, cost=costs.of)
    failed = [
        f"{r.trial.workload} seed {r.trial.seed}: {r.error}"
        for planned in plans
        for seed in planned.collect(store)
        for r in seed
        if r is not None and r.status in (Status.FAILED, Status.DIED)
    ]
    failed = list(dict.fromkeys(failed))
    summary = {
        "tier": asked.tier,
        "trials": before.trials,
        "stored_before": before.stored,
        "run": before.trials - before.stored,
        "failed": failed,
    }
    if asked.json:
        _print(summary)
    else:
        display.ran(summary, asked.store)
    return 1 if failed else 0


def verdicts(asked: argparse.Namespace) -> int:
    """JSON: a list of verdicts.

    Their keys are id, document, section, form, documented, estimate, low, high, n, tier, verdict
    and reason.
    """
    made = _report(asked)
    if asked.json:
        return _print([row.verdict.to_json() for row in made.rows])
    display.verdicts(made)
    return 0


def report(asked: argparse.Namespace) -> int:
    """JSON: {path, tier, tally {verdict: number}}."""
    import reports

    made = _report(asked)
    path = reports.render(made, Path(asked.output))
    if asked.json:
        return _print({"path": str(path), "tier": made.tier, "tally": dict(made.tally)})
    display.rendered(made, path)
    return 0


def calibrate(asked: argparse.Namespace) -> int:
    """JSON: {replicates, level, limit, digest, reach, cells, wholes}.

    Reach is the bound, as a multiple of what the level allows, that so many replicates show where
    nothing is wrong. Cells are [{form, noise, varies, n, looks, level,
    replicates, wrong {verdict: number}, place {verdict: where}, plain, power, rate, bound,
    within}], wholes [{looks, members, reports, confirmed, wrong, rate, bound}]. The exit status is
    1 if more than 5 % of whole reports have a false CONFIRMED.
    """
    from ablations import calibration, family
    from ablations.cli import calibrated

    with display.Share("calibrating") as progress:
        made = calibration.calibrate(
            asked.replicates,
            len(family.members()),
            jobs=asked.jobs,
            path=Path(asked.output),
            progress=progress,
        )
    if asked.docs:
        calibration.write(Path(asked.docs), calibrated.markdown(made))
    data = calibrated.data(made)
    if asked.json:
        _print(data)
    else:
        display.calibration(data, asked.output)
    return int(any(whole["rate"] > calibration.most_wrong for whole in data["wholes"]))


def _report(asked: argparse.Namespace) -> Report:
    from ablations import decide

    chosen = claims.choose(asked.claims)
    return decide.report(chosen, Store.open(asked.store), Tier(asked.tier), asked.device)


def _plans(asked: argparse.Namespace) -> list[Planned]:
    return [plan(claim, Tier(asked.tier), asked.device) for claim in claims.choose(asked.claims)]


def _existing(folder: str) -> Store | None:
    return Store.open(folder) if Path(folder).exists() else None


def _entry(claim: Claim) -> dict[str, Json]:
    entry = claims.ledger()[claim.id]
    return {
        "id": claim.id,
        "document": entry["document"],
        "section": claim.section,
        "form": claim.form.name,
        "documented": entry["documented"],
        "trained": claim.trained,
        "claim": entry["claim"],
    }


def _decides(claim: Claim, tier: str) -> bool:
    return not (claim.trained and tier == Tier.QUICK)


def _forecast(found: Forecast) -> dict[str, Json]:
    return {
        "trials": found.trials,
        "stored": found.stored,
        "cpu_seconds": found.cpu_seconds,
        "wall_seconds": found.wall_seconds,
    }


def _print(data: Json) -> int:
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return 0
