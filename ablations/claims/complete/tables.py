"""Document complete: whether its tables agree."""

from ablations.claims.ledger import figure
from ablations.specs.claim import exact

CLAIMS = (
    exact(
        "sizes-consistency",
        "ablations.claims.exact.tables:sizes",
        reading=(
            "We compare two tables: one verifies the core model over a range of sizes, and the "
            "other lists four sizes. The upper end of the range agrees with the largest listed "
            "size only if some number prints as both, by rounding or truncation. The lower end of "
            "the range and the smallest listed size are also compared, without a verdict. A tested "
            "range needn't contain every size, but its upper end is where the model of the paper "
            "would be."
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
        reading=(
            'We read "implemented" as working, which is what the table calls a new task that runs, '
            "and compare the number of new domains with the number of new tasks that work. The "
            'document says that five new reasoning domains are "implemented", under the heading '
            "that all features are completed. Its table gives each of seven tasks a status: "
            "original, working, or framework. Two further checks are shown without a verdict: the "
            "count if frameworks are implemented too, and the sum of the table."
        ),
        figures=figure("domains-consistency").printed,
        consistency=True,
    ),
)
