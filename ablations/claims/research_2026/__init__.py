"""Later papers on recursive reasoning: cheaper training, and several answers to a board.

Their figures are of models with 7 to 27 million parameters on full-size boards. They don't
transfer, so that the direction carries a verdict and the figure stands beside.
"""

from ablations.claims.research_2026 import answers, cost, training

CLAIMS = (*cost.CLAIMS, *training.CLAIMS, *answers.CLAIMS)
