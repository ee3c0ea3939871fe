"""Forms: how a claim's runs become one contrast per pair, and what a plan for them must tell apart.

Every statistical form estimates θ, the mean over pairs of a log-ratio or of a difference; the
interval and the verdict are the same for all of them (`statistics`, `verdict`). A form is given the
metrics of one seed, one mapping per arm, baseline first. One module a form.
"""

from ablations.forms.base import Contrast, Form, Metrics, Statistical, difference
from ablations.forms.consistency import Consistency
from ablations.forms.exact import Exact
from ablations.forms.external import External
from ablations.forms.factorial import Factorial, interaction, main_effect
from ablations.forms.non_inferior import NonInferior
from ablations.forms.one_sample import OneSample
from ablations.forms.paired import Paired
from ablations.forms.quality import Quality
from ablations.forms.ratio import Ratio
from ablations.forms.readings import Reading, about, between
from ablations.forms.time_to_target import TimeToTarget
from ablations.forms.timing import Timing
from ablations.forms.trend import Trend

__all__ = [
    "Consistency",
    "Contrast",
    "Exact",
    "External",
    "Factorial",
    "Form",
    "Metrics",
    "NonInferior",
    "OneSample",
    "Paired",
    "Quality",
    "Ratio",
    "Reading",
    "Statistical",
    "TimeToTarget",
    "Timing",
    "Trend",
    "about",
    "between",
    "difference",
    "interaction",
    "main_effect",
]
