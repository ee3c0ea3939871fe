"""`external`: needs compute or data beyond this machine."""

from dataclasses import dataclass
from typing import ClassVar

from ablations.forms.base import Form, Statistical


@dataclass(frozen=True, kw_only=True)
class External(Form):
    """NOT RUN with its cost and its command, unless records of such a run are in the store.

    >>> from ablations.forms import OneSample
    >>> from ablations.records import Zones
    >>> zones = Zones(null=0.05, null_reason="5 points", band=(0.38, 0.43))
    >>> form = External(cost="8 GPUs for a day", inner=OneSample(metric="accuracy", zones=zones))
    >>> f"{form.name}: {form.cost}, then decided as {form.inner.name}"
    'external: 8 GPUs for a day, then decided as one-sample'

    Args:
        cost: What it takes, for a reader.
        inner: How it is decided once records are there.
    """

    name: ClassVar[str] = "external"
    cost: str
    inner: Statistical
