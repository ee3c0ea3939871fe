"""What each command does; its docstring says what it prints as JSON. These keys are stable."""

import argparse
from pathlib import Path

from ablations import claims, family
from ablations.cli import display, running
from ablations.cli.progress import Share
from ablations.costs import Costs, Forecast, forecast
from ablations.forms import Statistical
from ablations.plain import Json
from ablations.plan import plan
from ablations.planning import planning
from ablations.records import Report, Tier
from ablations.specs import Claim, differences
from ablations.store import Store

QUICK_REPLICATES = 20_000


def list_(asked: argparse.Namespace) -> int:
    """JSON: [{id, document, section, form, documented, trained, claim}]."""
    rows = [_entry(claim) for claim in claims.specs()]
    if asked.json:
        return display.data(rows)
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
        return display.data(data)
    display.claim(data)
    return 0


def plan_(asked: argparse.Namespace) -> int:
    """JSON: {tier, jobs, trials, stored, cpu_seconds, wall_seconds, cost_cpus, claims}.

    Claims, and the controls that share their measurements, are [{id, trials, stored, cpu_seconds,
    cpu_minutes, cost_source, decides, plan}]: cpu_seconds are of what isn't stored, cpu_minutes of
    everything; cost_cpus are the processors of the committed pilots that costs are from. A plan is
    null for claims without statistics, else {sd, source, pairs, detectable, effect, power,
    pairs_80, pairs_90, refusal, could}; sd is that of the contrast (a logarithm for ratios),
    detectable and effect are in the reader's unit, could counts seeds.
    """
    running.pilots(asked)
    plans, store = running.plans_of(asked), _existing(asked.store)
    costs, rows = Costs(plans, store), []
    for planned in plans:
        claim = planned.claim
        found = forecast([planned], store, 1)
        told = planning(claim, len(planned.trials), store, asked.device)
        rows.append(
            {
                "id": claim.id,
                "trials": found.trials,
                "stored": found.stored,
                "cpu_seconds": found.cpu_seconds,
                "cpu_minutes": sum(map(costs.of, planned.flat)) / 60,
                "cost_source": costs.source(planned.flat),
                "decides": _decides(claim, asked.tier) and not (told and told.refusal),
                "plan": told and told.to_json(),
            }
        )
    data = {
        "tier": asked.tier,
        "jobs": asked.jobs,
        **_forecast(forecast(plans, store, asked.jobs)),
        "cost_cpus": list(costs.cpus(t for planned in plans for t in planned.flat)),
        "claims": rows,
    }
    if asked.json:
        return display.data(data)
    display.plan(data)
    return 0


def verdicts(asked: argparse.Namespace) -> int:
    """JSON: a list of verdicts.

    Their keys are id, document, section, form, documented, estimate, low, high, n, tier, verdict
    and reason.
    """
    made = _report(asked)
    if asked.json:
        return display.data([row.verdict.to_json() for row in made.rows])
    display.verdicts(made)
    return 0


def report(asked: argparse.Namespace) -> int:
    """JSON: {path, tier, tally {verdict: number}}."""
    import reports

    made = _report(asked)
    path = reports.render(made, Path(asked.output))
    if asked.json:
        return display.data({"path": str(path), "tier": made.tier, "tally": dict(made.tally)})
    display.rendered(made, path)
    return 0


def calibrate(asked: argparse.Namespace) -> int:
    """JSON: {replicates, level, limit, digest, reach, cells, wholes, powers}.

    Reach is the bound, as a multiple of what the level allows, that so many replicates show where
    nothing is wrong. Cells are [{form, noise, varies, n, looks, level,
    replicates, wrong {verdict: number}, place {verdict: where}, plain, rate, bound, within}],
    wholes [{looks, members, reports, confirmed, wrong, rate, bound}], powers [{symmetric, n, level,
    distance, promised, samples, confirmed}]. The exit status is 1 if more than 5 % of whole reports
    have a false CONFIRMED.
    """
    from ablations import calibration, locks
    from ablations.cli import calibrated

    if asked.docs:
        calibration.writable(Path(asked.docs))
    with locks.shared(_say_waiting), Share("calibrating") as progress:
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
        display.data(data)
    else:
        display.calibration(data, asked.output)
    return int(any(whole["rate"] > calibration.most_wrong for whole in data["wholes"]))


def _say_waiting() -> None:
    display.say("timings are being taken, which want the machine for themselves; waiting for them")


def _report(asked: argparse.Namespace) -> Report:
    from ablations import decide

    chosen = running.chosen_of(asked)
    return decide.report(chosen, Store.open(asked.store), Tier(asked.tier), asked.device)


def _existing(folder: str) -> Store | None:
    return Store.open(folder) if Path(folder).exists() else None


def _entry(claim: Claim) -> dict[str, Json]:
    entry = claims.entry(claim.id)
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
