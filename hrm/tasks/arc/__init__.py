"""ARC-AGI-1 and -2: the task, its grids, their tokens, trivial baselines and the official score."""

from hrm.tasks.arc.task import Arc

__all__ = ["Arc"]
