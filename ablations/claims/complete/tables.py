"""Document complete: whether its tables agree."""

from ablations.claims.ledger import figure
from ablations.specs.claim import exact

CLAIMS = (
    exact(
        "sizes-consistency",
        "ablations.claims.exact.tables:sizes",
        section="Performance Verified; Development Tools, Model Configurations",
        reading=(
            "One table verifies the core model over a range of sizes, another lists four sizes. "
            "The range's upper end and the largest listed size can hold together only if some "
            "number prints as both, by rounding or truncation. The range's lower end against the "
            "smallest listed size stands beside: a range that was tested needn't hold every size, "
            "but the upper end is where the model of the paper would be."
        ),
        figures=figure("sizes-consistency").printed
        + tuple(
            text
            for name in ("tiny", "small", "medium", "paper")
            for text in figure(f"sizes-{name}").printed
        ),
        consistency=True,
    ),
    exact(
        "domains-consistency",
        "ablations.claims.exact.tables:domains",
        section="All Features Completed; Reasoning Tasks Implemented; Mission Status",
        reading=(
            'The document says that five new reasoning domains are "implemented", under the '
            "heading that all features are completed, and its table gives each of seven tasks a "
            "status: original, working, or framework. Implemented is read as working, the table's "
            "own word for a new task that runs. Counting frameworks as implemented, and the sum of "
            "the table, stand beside."
        ),
        figures=figure("domains-consistency").printed,
        consistency=True,
    ),
)
