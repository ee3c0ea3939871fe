"""An own claim: wider models answer more sudokus right. See docs/your-own-claim.md."""

from ablations.metrics.scores import Accuracy
from ablations.specs.arms import vary
from ablations.specs.claim import Statistical
from ablations.specs.protocols import Boards, Train
from ablations.specs.tests import Difference
from hrm import recipes
from hrm.config.learning import Training
from hrm.tasks.sudoku import Sudoku

CELLS = 16 * 5  # a board of 4 × 4 as one vector: blank and four digits a cell
SMALL = recipes.amulgent(inputs=CELLS, outputs=CELLS, width=16, h_layers=1, l_layers=1, max_steps=1)

LEDGER = {
    "wider-is-better": {
        "claim": "A model four times as wide answers more cells right after equal updates.",
        "document": "our notes",
        "section": "Sizes",
    },
}
CLAIMS = [
    Statistical(
        id="wider-is-better",
        reading="Right answers are read as accuracy on unknown cells of boards held out.",
        arms=vary(
            SMALL,
            {
                "width 16": {},
                "width 64": recipes.amulgent(
                    inputs=CELLS, outputs=CELLS, width=64, h_layers=1, l_layers=1, max_steps=1
                ),
            },
        ),
        protocol=Train(
            boards=Boards(task=Sudoku(size=4, clues=11), train=512, validation=64, test=128),
            training=Training(updates=20, batch=32, learning_rate=3e-3, evaluate_every=10),
        ),
        metric=Accuracy(cells="unknown"),
        test=Difference(null=0.02, because="two points are what a reader would notice"),
        unskilled=("width 16", "width 64"),  # twenty updates teach no width the game
    ),
]
