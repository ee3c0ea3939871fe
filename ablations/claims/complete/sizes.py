"""Document complete: its four sizes."""

from ablations.claims.ledger import figure
from ablations.specs.arms import Arm
from ablations.specs.claim import Exact, exact
from hrm import recipes


def _size(id_: str, name: str, widths: str) -> Exact:
    return exact(
        id_,
        "ablations.claims.exact.parameters:printed",
        reading=(
            f"We compare the printed figure with the number of parameters of the {name} "
            f"configuration as coded, with the widths that the document prints ({widths}). The "
            "document doesn't print layers and heads; they are those of the published "
            "configuration of this name. Inputs of one number and outputs of ten classes are those "
            "of the document's usage example. The figure holds if the count rounds or truncates to "
            'it; a figure that ends in "+" holds if the count reaches it.'
        ),
        arms=(Arm(f"{name}, as coded", recipes.named[f"complete-{name}"].make()),),
        figures=figure(id_).printed,
    )


CLAIMS = (
    _size("sizes-tiny", "tiny", "32 and 16"),
    _size("sizes-small", "small", "64 and 32"),
    _size("sizes-medium", "medium", "128 and 64"),
    _size("sizes-paper", "paper", "512 and 256"),
)
