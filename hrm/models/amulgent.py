"""The name of document amulgent: reasoning with a status."""

from hrm.documented.amulgent import HRMReasoning

__all__ = ["HRMReasoning"]
