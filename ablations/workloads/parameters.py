"""Sizes: parameters of a documented model beside the printed figure."""

from collections.abc import Mapping, Sequence

from ablations.checks import Check
from ablations.plain import Json
from ablations.rounding import parse, prints_as
from ablations.workloads.common import holds, systems
from hrm.model import HRM


def printed(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Count each arm's parameters.

    Settings: printed, the figure of each arm; bound, whether to show what the levels' layers hold
    by themselves.
    """
    metrics = []
    for system, figure in zip(systems(arms), settings["printed"], strict=True):
        model = HRM(system.model)
        count = _parameters(model)
        checks = [_figure("parameters of the model", count, figure)]
        if settings.get("bound"):
            layers = _parameters(model.low) + _parameters(model.high)
            checks.append(
                holds(
                    "whether other input and output sizes could yield the figure",
                    f"yes: the layers alone hold at most {figure}",
                    f"{layers:,} in the layers alone",
                    layers <= parse(figure)[0],
                    "a part is no larger than the whole",
                    primary=False,
                )
            )
        metrics.append({"parameters": count, "checks": checks})
    return metrics


def increase(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Compare the increase with the printed one, from the printed sizes and from the models.

    Settings: printed (two sizes), increase.
    """
    counts = [_parameters(HRM(system.model)) for system in systems(arms)]
    sizes = [parse(figure)[0] for figure in settings["printed"]]
    checks = [
        _figure(f"increase {source}, in percent", 100 * (b / a - 1), settings["increase"])
        for source, (a, b) in (("from the printed sizes", sizes), ("of the models", counts))
    ]
    return [{"parameters": counts[0]}, {"parameters": counts[1], "checks": checks}]


def _parameters(module: object) -> int:
    return sum(p.numel() for p in module.parameters())  # type: ignore[attr-defined]


def _figure(what: str, value: float, figure: str) -> Json:
    return Check(
        what=what,
        documented=figure,
        observed=f"{value:,}" if isinstance(value, int) else f"{value:.3f}",
        holds=prints_as(value, figure),
        rule="rounds or truncates to the printed figure",
    ).to_json()
