"""An agent's learning metrics, from its status."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from hrm.plots.style import DASHES, MARKERS, SERIES, grid, legend, styled, whole_numbers

METRICS = {
    "avg_recent_reward": "Mean reward of the latest 10 experiences",
    "completion_rate": "Share of the latest 20 that halted",
    "buffer_utilization": "Share of the replay buffer in use",
}


@styled
def learning(histories: Mapping[str, Sequence[Mapping[str, float]]]) -> Figure:
    """Draw an agent's learning metrics after each goal that it learned from.

    Args:
        histories: By the agent's name, its ``get_status()["learning_metrics"]`` after each goal.
    """
    figure, places = grid(1, len(METRICS), 3.7, 3.0)
    for axes, (metric, title) in zip(places, METRICS.items(), strict=True):
        for i, (name, history) in enumerate(histories.items()):
            axes.plot(
                range(1, len(history) + 1),
                [metrics[metric] for metrics in history],
                color=SERIES[i % len(SERIES)],
                ls=DASHES[i % len(DASHES)],
                marker=MARKERS[i % len(MARKERS)],
                ms=4,
                mfc="none",
                label=name,
            )
        axes.set(title=title, xlabel="goals learned from", ylim=(0, None))
        whole_numbers(axes)
    legend(places[0])
    return figure
