"""Document amulgent: ``HRMReasoning`` and its ``get_status``."""

from pathlib import Path
from typing import Any

from hrm.config.parts import require
from hrm.documented.agent import Agent, Options
from hrm.model import HRM


class HRMReasoning:
    """An agent (`hrm.documented.agent`) that a dictionary with the document's keys configures.

    With ``enable: false`` there is no agent: only the status is available, which says so.

    Args:
        config: The document's JSON, as a dictionary or the path of a file: either the whole
            document, which may have other sections, or the part under "hrm". Missing keys have the
            printed values.
        seed: Seed of weights and exploration.

    Raises:
        UserError: If a key is unknown, or a value impossible.

    Source: document amulgent, "Configuration Options" and "Usage Examples".
    """

    def __init__(self, config: Any | Path, *, seed: int = 0) -> None:
        read = Options.read(config)
        self._agent = Agent.of(read, seed=seed) if read.enable else None

    @property
    def agent(self) -> Agent:
        """The agent.

        Raises:
            UserError: If it is switched off.
        """
        allowed = "true for a system that thinks"
        require(self._agent is not None, "enable", False, allowed, "leave it out")
        assert self._agent is not None
        return self._agent

    @property
    def model(self) -> HRM:
        """The model of the agent.

        Raises:
            UserError: If it is switched off.
        """
        return self.agent.model

    def get_status(self) -> dict[str, Any]:
        """Return ``enabled`` and, if true, architecture, model_stats and learning_metrics.

        The learning metrics are present once something has been learnt.
        """
        if self._agent is None:
            return {"enabled": False}
        return {"enabled": True, **self._agent.status()}
