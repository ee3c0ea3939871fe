"""The cost of rendering a report: synthetic claims of 60 pairs, alternately ratios and differences.

- `Page.time_page`: seconds to render the HTML page with its pictures, by the number of claims.
- `Twins.time_twins`: seconds of the table, JUnit XML, summary and badge.
- `Size.track_page`: bytes of the page; exact.
"""

import math
from collections import Counter
from typing import Any

from bench.timed import Suite, Timed

claims, pairs = (10, 50), 60


class Page(Suite):
    """Rendering of the page, by the number of claims."""

    params = (claims,)
    param_names = ("claims",)
    rounds = 1

    @classmethod
    def make(cls, number: int) -> Timed:
        import reports

        made = report(number)
        return lambda: reports.page(made)

    def time_page(self, number: int) -> None:
        """Render the page."""
        self.call()


class Twins(Suite):
    """Rendering of the other files, by the number of claims."""

    params = (claims,)
    param_names = ("claims",)
    rounds = 1

    @classmethod
    def make(cls, number: int) -> Timed:
        from reports import twins

        made, files = report(number), (twins.table, twins.junit, twins.summary, twins.badge)
        return lambda: [file(made) for file in files]

    def time_twins(self, number: int) -> None:
        """Write the table, JUnit XML, summary and badge."""
        self.call()


class Size:
    """Size of the page, by the number of claims."""

    params = (claims,)
    param_names = ("claims",)
    unit = "bytes"
    version = "1"

    def track_page(self, number: int) -> int:
        """Return the size of the page in bytes."""
        import reports

        return len(reports.page(report(number)).encode())


def report(number: int) -> Any:
    """Return a report of a number of claims, half of which hold."""
    from ablations.records.rows import Report
    from ablations.rule import Group

    rows = tuple(row(i) for i in range(number))
    return Report(
        tier="full",
        looks={"16": 0, "26": 3, "40": 8, "60": 15},
        shares={"40": 0, "60": 3},
        tally=Counter(r.verdict.verdict.value for r in rows),
        groups={g.value: sum(r.verdict.group is g for r in rows) for g in Group},
        commits=("0" * 40,),
        dirty=False,
        machines=("made up",),
        versions={"torch": "2.13.0"},
        runs=number * pairs,
        cpu_seconds=1.0,
        rows=rows,
    )


def row(number: int) -> Any:
    """Return a claim with its pairs."""
    from ablations.records.rows import Row, Verdict
    from ablations.rule import Word, group_of

    word = Word.CONFIRMED if number % 2 else Word.NO_EFFECT
    said = f"in 58 of {pairs} seeds it is as claimed"
    verdict = Verdict(
        id=f"claim-{number}",
        document=("gru", "v2", "amulgent", "act-v1", "complete")[number % 5],
        section="What is timed",
        form="ratio",
        documented="20–40 %",
        estimate=0.7,
        low=0.68,
        high=0.72,
        n=pairs,
        tier="full",
        verdict=word,
        reason=said,
        group=group_of(word),
        look=pairs,
        sentence=said,
        settled=True,
    )
    nothing: dict[str, Any] = dict.fromkeys(
        (*("differences", "checks", "beside", "failures", "skill"), "controls", "garden", "faults"),
        (),
    )
    return Row(
        verdict=verdict,
        statement=f"Claim {number} takes less than its baseline.",
        reading="Counted operations are taken.",
        labels=("lockstep", "compacted"),
        noun="seeds",
        parts=(part(word, said, log=number % 3 > 0),),
        notes=(),
        planned=pairs,
        stored=pairs,
        command="ablations run",
        cost_seconds=1.0,
        machine=None,
        **nothing,
    )


def part(word: Any, said: str, *, log: bool) -> Any:
    """Return pairs that scatter around 0.7."""
    from ablations.records.statements import Part, Point, Scale

    values = [0.7 * math.exp(0.05 * math.sin(2.4 * seed)) for seed in range(pairs)]
    return Part(
        verdict=word,
        sentence=said,
        estimate=0.7,
        low=0.68,
        high=0.72,
        mean=0.7,
        look=pairs,
        exceptions=(),
        scale=Scale(
            unit="operations",
            log=log,
            neutral=1.0 if log else 0.0,
            sign=-1,
            two_sided=False,
            null=(0.95, 1.05) if log else (-0.05, 0.05),
            because="it is made up",
        ),
        points=tuple(
            Point(seed=i, values={"lockstep": 1.0, "compacted": x}, low=x, high=x)
            for i, x in enumerate(values)
        ),
        settled_at=26,
        needed=None,
    )
