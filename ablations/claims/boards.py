"""The boards that trained claims share, how wide models are for them, and how levels learn them."""

from dataclasses import replace

from ablations.specs.protocols import Boards
from hrm.config.learning import Cosine, Training
from hrm.tasks.recall import Recall
from hrm.tasks.regression import Regression
from hrm.tasks.sudoku import Sudoku

# Every model here learns them in a time that two cores have, unlike mazes of 8×8 cells. They were
# fixed when nothing but their learning was known.
SUDOKU = Boards(task=Sudoku(size=4, clues=(5, 8, 11)), train=16_384)
SUDOKU_MIX = "equal thirds of 4×4 sudokus with 5, 8 and 11 clues"
SUDOKU_INPUTS = SUDOKU_OUTPUTS = 16 * 5  # cells times tokens: blank is a token, and a class

# Said of claims whose arms need nothing but training and answers (`ablations.protocols.adapter`).
ADAPTABLE = "An adapter can run other models as arms."

# For arms that see fewer boards.
QUICK_SUDOKU = replace(SUDOKU, train=8_192)

# Transformer levels: learning rates fall, so that scores are stable at the end of a run.
FALLING = Training(
    updates=300,
    batch=128,
    learning_rate=4e-3,
    weight_decay=0.01,
    warmup=50,
    schedule=Cosine(floor=0.05),
    clip=1.0,
    evaluate_every=50,
)

# One real number as the answer, in equal halves of one step and two. A cycle may pay there: the
# targets' variance is a third, and a price of 0.01 a cycle a thirtieth of that.
FOLDS = Boards(task=Regression(size=16, outputs=1, depth=2), train=4_000)
FOLDS_MIX = "folds (an iterated map, answered by one number), equal halves of one step and of two"
FOLDS_INPUTS, FOLDS_OUTPUTS = 16, 1

# Items that come one after the other, before it is said which of them counts.
STREAMED = Boards(task=Recall(items=4, symbols=10), train=8_192)
STREAMED_STEPS = 6  # four items, the question, and the asked cell
STREAMED_INPUTS, STREAMED_OUTPUTS = 6 * 15, 6 * 11  # cells times tokens; cells times classes
