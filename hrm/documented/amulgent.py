"""Document amulgent: ``HRMReasoning`` and its ``get_status``."""

from typing import Any

from hrm.documented.agent import Agent
from hrm.model import HRM


class HRMReasoning:
    """An agent (`hrm.documented.agent`) that a dictionary with the document's keys configures.

    Args:
        config: The document's JSON as a dictionary, whole or what is under "hrm"; keys left out
            have its values.
        seed: Of weights and exploration.

    Raises:
        UserError: If a key is unknown, a value impossible, or `enable` off.

    Source: document amulgent, "Usage Examples".
    """

    def __init__(self, config: Any, *, seed: int = 0) -> None:
        self.agent = Agent.from_options(config, seed=seed)

    @property
    def model(self) -> HRM:
        """The model that the agent thinks with."""
        return self.agent.model

    def get_status(self) -> dict[str, dict[str, Any]]:
        """Return architecture, model_stats and, once something was learnt, learning_metrics."""
        return self.agent.status()
