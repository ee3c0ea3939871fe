"""Document amulgent's examples: ``HRMReasoning`` from `hrm.documented.amulgent`."""

import json

import pytest

from hrm.documented.agent import Goal
from hrm.documented.amulgent import HRMReasoning
from hrm.errors import UserError

OTHERS = {"hidden_size": 16, "h_layers": 1, "l_layers": 1, "max_steps": 4}  # its "other options"
FULL = {
    "use_rmsnorm": True,
    "use_swiglu": True,
    "use_iterative_refinement": True,
    "refinement_segments": 3,
}


@pytest.mark.promise(
    "amulgent",
    "RMSNorm and SwiGLU by switches",
    'HRMReasoning({"use_rmsnorm": True, "use_swiglu": True})',
)
def test_basic_enhanced_configuration():
    """As printed, other options and all: those that are left out have the printed values."""
    config = {"use_rmsnorm": True, "use_swiglu": True}
    hrm = HRMReasoning(config)
    status = hrm.get_status()
    assert status["architecture"]["use_rmsnorm"] and status["architecture"]["use_swiglu"]
    assert not status["architecture"]["use_iterative_refinement"]
    stats = status["model_stats"]
    assert (stats["hidden_size"], stats["h_layers"], stats["l_layers"]) == (256, 2, 4)


@pytest.mark.promise(
    "amulgent",
    "refinement in several segments",
    'HRMReasoning({"use_iterative_refinement": True, "refinement_segments": 3})',
)
def test_full_enhanced_configuration():
    hrm = HRMReasoning({**FULL, **OTHERS})
    architecture = hrm.get_status()["architecture"]
    assert {key: architecture[key] for key in FULL} == FULL
    assert hrm.model.config.segments.count == 3


@pytest.mark.promise(
    "amulgent", "a status with architecture and learning metrics", "hrm.get_status()"
)
def test_monitoring_enhanced_features(capsys):
    """The second part prints nothing before the first experience, as its ``if`` allows for."""
    hrm = HRMReasoning({**FULL, **OTHERS})
    assert "learning_metrics" not in hrm.get_status()
    hrm.agent.learn(Goal(text="Find a shorter way"))
    status = hrm.get_status()
    if "architecture" in status:
        print(f"RMSNorm: {status['architecture']['use_rmsnorm']}")
        print(f"SwiGLU: {status['architecture']['use_swiglu']}")
        print(f"Iterative Refinement: {status['architecture']['use_iterative_refinement']}")
    if "learning_metrics" in status:
        metrics = status["learning_metrics"]
        print(f"Recent Reward: {metrics['avg_recent_reward']:.3f}")
        print(f"Completion Rate: {metrics['completion_rate']:.3f}")
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition(": ")[2] for line in lines[:3]] == ["True"] * 3
    steps = status["learning_metrics"]["experiences"]  # all but the last earn 0.1, the last 1
    assert float(lines[3].split()[-1]) == pytest.approx((1 + 0.1 * (steps - 1)) / steps, abs=5e-4)
    assert float(lines[4].split()[-1]) == pytest.approx(1 / steps, abs=5e-4)


@pytest.mark.promise(
    "amulgent",
    "all options of the printed configuration",
    'HRMReasoning({"hidden_size": 256, "h_layers": 2, ...})',
)
def test_configuration_options_are_read_whole():
    """The JSON, whose comments JSON doesn't allow: without them it loads, nested as printed."""
    printed = """{"hrm": {"enable": true, "use_rmsnorm": false, "use_swiglu": false,
        "use_iterative_refinement": false, "refinement_segments": 2, "hidden_size": 256,
        "h_layers": 2, "l_layers": 4, "max_steps": 10, "learning_rate": 0.0001,
        "exploration_prob": 0.1}}"""
    stats = HRMReasoning(json.loads(printed)).get_status()["model_stats"]
    default = HRMReasoning({}).get_status()["model_stats"]
    assert stats == default and stats["max_steps"] == 10


def test_mistakes_are_named():
    with pytest.raises(UserError, match=r"option is 'use_rms_norm'; .* did you mean 'use_rmsnorm'"):
        HRMReasoning({"use_rms_norm": True})
    with pytest.raises(UserError, match="enable is False; allowed is true for a system"):
        _ = HRMReasoning({"enable": False, **OTHERS}).agent
