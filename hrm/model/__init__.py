"""The model: the recursion, and each part that a configuration chooses. It needs only torch.

model          two levels on two timescales; `HRM`, `Output`
cores, layers  how a level updates its state; the layers of cores
embedding      embedded inputs, initial states
puzzles        the table of puzzle embeddings
coupling       the order of both levels' updates
summary        what the high level reads of the low states
halting        when a sample stops
execution      how a batch is executed once samples have halted
state          both levels' states
cost           counts of operations and memory
probe          recorded states, update by update
"""

from hrm.model.coupling import Thought
from hrm.model.model import HRM, Output

__all__ = ["HRM", "Output", "Thought"]
