"""The model: the recursion, and each part that a configuration chooses. Needs torch alone.

model          two levels on two timescales; `HRM`, `Output`
cores, layers  what a level computes, and of what
embedding      inputs to positions, initial states
puzzles        the table of puzzle embeddings
summary        what the high level sees of the low one
halting        when a sample stops; `execution`: how a batch goes on without it
state          both levels' states
cost           operations and memory, counted
probe          states, update by update
"""

from hrm.model.coupling import Thought
from hrm.model.model import HRM, Output

__all__ = ["HRM", "Output", "Thought"]
