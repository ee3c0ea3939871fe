"""Document amulgent: a plan for a goal, learning from it, and the status."""

from hrm.documented.agent import Goal
from hrm.models.amulgent import HRMReasoning

config = {
    "hrm": {
        "use_rmsnorm": True,
        "use_swiglu": True,
        "use_iterative_refinement": True,
        "hidden_size": 32,
        "h_layers": 1,
        "l_layers": 1,
    }
}
hrm = HRMReasoning(config)
goal = Goal(text="Reduce the latency")
print("plan:", ", ".join(action.name for action in hrm.agent.plan(goal).actions))

for _ in range(5):
    hrm.agent.learn(goal)
status = hrm.get_status()
print(f"RMSNorm: {status['architecture']['use_rmsnorm']}")
print(f"Recent Reward: {status['learning_metrics']['avg_recent_reward']:.3f}")
print(f"Completion Rate: {status['learning_metrics']['completion_rate']:.3f}")
