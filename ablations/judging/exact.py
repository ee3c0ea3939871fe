"""Exact and consistency claims: EXACT or MISMATCH, with both values; no p-value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablations.judging.cells import Reader, Run, loss
from ablations.records.checks import Check
from ablations.records.trials import Status
from ablations.rule import Word
from ablations.runs.trials import plan
from ablations.specs.claim import Exact
from hrm.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Checked:
    """An exact claim, decided by its checks.

    Args:
        word: EXACT, MISMATCH, INVALID or NOT RUN.
        reason: Why.
        checks: All checks.
        runs: The runs that they come from.
        faults: Reasons why it is INVALID.
    """

    word: Word
    reason: str
    checks: tuple[Check, ...]
    runs: tuple[Run, ...]
    faults: tuple[str, ...] = ()


def checked(claim: Exact, reader: Reader, seeds: Sequence[int], device: str = "cpu") -> Checked:
    """Return an exact claim as its stored runs decide it.

    Args:
        claim: The claim.
        reader: Reader of the store.
        seeds: Usually one.
        device: Device of trained runs.
    """
    runs = tuple(reader.run(slot) for row in plan(claim, seeds, device).rows for slot in row)
    absent = [run for run in runs if not run.over and run.status is not Status.FAILED]
    if absent or not runs:
        died = " (the machine ended an attempt)" if any(run.status for run in absent) else ""
        return Checked(word=Word.NOT_RUN, reason=f"no run is stored{died}", checks=(), runs=runs)
    found: list[Check] = []
    for run in runs:
        try:
            found += _checks(run, reader)
        except (UserError, OSError, LookupError, TypeError, ValueError) as error:
            said = _fault(run) or f"its checks can't be read ({type(error).__name__}: {error})"
            return Checked(
                word=Word.INVALID, reason=said, checks=tuple(found), runs=runs, faults=(said,)
            )
    word, reason = decided(found)
    faults = (reason,) if word is Word.INVALID else ()
    return Checked(word=word, reason=reason, checks=tuple(found), runs=runs, faults=faults)


def decided(checks: Sequence[Check]) -> tuple[Word, str]:
    """Return the word that checks give, and the reason with both values."""
    primary = [check for check in checks if check.primary]
    if not primary:
        return Word.INVALID, "nothing was compared"
    wrong = [check for check in primary if not check.holds]
    if wrong:
        said = "; ".join(map(_said, wrong[:3]))
        more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return Word.MISMATCH, f"{len(wrong)} of {len(primary)} checks differ: {said}{more}"
    if len(primary) == 1:
        return Word.EXACT, _said(primary[0])
    return Word.EXACT, f"{len(primary)} of {len(primary)} checks agree; {_said(primary[0])}"


def _said(check: Check) -> str:
    rule = f" ({check.rule})" if check.rule else ""
    return f"{check.what}: documented {check.documented}, observed {check.observed}{rule}"


def _checks(run: Run, reader: Reader) -> list[Check]:
    if fault := _fault(run):
        raise ValueError(fault)
    observed = reader.observed(run)
    given = observed["checks"]
    if not isinstance(given, list | tuple):
        raise TypeError("they are no list")
    return [c if isinstance(c, Check) else Check.from_json(_plain(c)) for c in given]


def _plain(data: object) -> dict[str, object]:
    if not isinstance(data, Mapping):
        raise TypeError(f"{data!r:.40} is no check")
    return dict(data)


def _fault(run: Run) -> str:
    if run.lost:
        return loss(run, "its run")
    if run.status is Status.OK:
        return ""
    assert run.status is not None
    error = "" if run.result is None else f": {run.result.error}"
    return f"its run ended as {run.status.value}{error}"
