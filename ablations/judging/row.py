"""Everything that a report shows of one claim, from its stored runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ablations.claims.ledger import Entry
from ablations.judging import checked_bytes, garden, statements
from ablations.judging import controls as guarding
from ablations.judging.case import Case, judged, noun
from ablations.judging.cells import Reader
from ablations.judging.exact import Checked, checked
from ablations.judging.pictures import Album
from ablations.records.checks import Check
from ablations.records.origins import Origin
from ablations.records.pictures import Picture
from ablations.records.rows import (
    Controlled,
    Difference,
    Failures,
    Row,
    Skill,
    Verdict,
)
from ablations.records.statements import Beside, Part
from ablations.records.trials import Result
from ablations.rule import Group, Table, Word, group_of
from ablations.runs import trials
from ablations.runs.fingerprints import sha256
from ablations.specs.claim import Claim, Exact, External, Statistical, Tier, differences


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Judges the claims of a report; each is judged once, by its id.

    Args:
        reader: Reader of the store.
        tier: The tier up to which pairs are read.
        table: Table of the family.
        device: Device of trained runs.
        album: Draws pictures; None for verdicts alone, without pictures and other readings, which
            read further arrays.
        mode: The requested mode of training, for the commands of claims.
    """

    reader: Reader
    tier: Tier
    table: Table
    device: str = "cpu"
    album: Album | None = None
    mode: str = "auto"
    _cases: dict[str, Case] = field(default_factory=dict, init=False, repr=False)

    def case(self, claim: Statistical) -> Case:
        """Return a statistical claim, judged by its own runs."""
        if claim.id not in self._cases:
            seeds = trials.seeds(claim, self.tier)
            self._cases[claim.id] = judged(claim, self.reader, seeds, self.table, self.device)
        return self._cases[claim.id]


@dataclass(kw_only=True)
class _Draft:
    """The part of a row that depends on the kind of the claim."""

    word: Word
    reason: str
    planned: int
    stored: int
    results: Sequence[Result] = ()
    faults: tuple[str, ...] = ()
    settled: bool = False
    n: int = 0
    look: int = 0
    sentence: str = ""
    parts: tuple[Part, ...] = ()
    checks: tuple[Check, ...] = ()
    pictures: tuple[Picture, ...] = ()
    beside: tuple[Beside, ...] = ()
    failures: tuple[Failures, ...] = ()
    skill: tuple[Skill, ...] = ()
    notes: tuple[str, ...] = ()


def row(
    claim: Claim,
    entry: Entry,
    desk: Desk,
    controls: Sequence[Controlled] = (),
    *,
    drawn: bool = True,
) -> Row:
    """Return the row of one claim, without its plan and the versions of its spec.

    Args:
        claim: The claim.
        entry: Its words in the ledger.
        desk: The desk that judges it.
        controls: The controls that guard it.
        drawn: Whether its pictures are drawn.
    """
    album = desk.album if drawn else None
    match claim:
        case Statistical():
            case = desk.case(claim)
            draft = _guarded(_of_case(case, desk, album), controls, case.look)
        case Exact():
            draft = _of_checks(claim, desk, album)
        case External():
            reason = f"it needs {claim.needs}; `{claim.command}` would run it"
            draft = _Draft(word=Word.NOT_RUN, reason=reason, planned=0, stored=0)
        case _:
            raise AssertionError(claim)
    return _row(claim, entry, desk, controls, draft)


def _of_case(case: Case, desk: Desk, album: Album | None) -> _Draft:
    """Return the draft of a statistical claim, from its pairs."""
    claim, gathered = case.claim, case.gathered
    seeds = case.n if case.settled and case.look else len(gathered.rows)
    planned = len(gathered.trials(seeds))
    reason = case.reason
    if case.word is Word.NOT_RUN:
        reason = f"no pair is complete; `ablations plan {claim.id}` estimates what its runs cost"
    return _Draft(
        word=case.word,
        reason=reason,
        planned=planned,
        stored=gathered.stored(seeds),
        results=gathered.results,
        faults=case.faults,
        settled=case.settled and not case.faults,
        n=case.n,
        look=case.look,
        sentence=case.sentence,
        parts=statements.parts(case, desk.table),
        pictures=() if album is None else album.of(case),
        beside=statements.beside(case, desk.reader, desk.table) if desk.album and case.n else (),
        failures=statements.failures(case),
        skill=case.skill,
        notes=tuple(_notes(case)),
    )


def _guarded(draft: _Draft, controls: Sequence[Controlled], look: int) -> _Draft:
    """Replace the word of a draft if a control failed or is undecided, once there is a look."""
    if not look:
        return draft
    failed = tuple(guarding.objections(controls))
    if failed:
        by_itself = "" if draft.faults else f"; by itself {draft.word}"
        draft.reason = f"{'; '.join(failed)}{by_itself}: {draft.reason}"
        draft.word, draft.settled = Word.INVALID, False
        draft.faults += failed
        return draft
    undecided = guarding.undecided(controls)
    if undecided and group_of(draft.word) is not Group.OPEN:
        draft.reason = f"{undecided}; by itself {draft.word}: {draft.reason}"
        draft.word, draft.settled = Word.INCONCLUSIVE, False
    return draft


def _of_checks(claim: Exact, desk: Desk, album: Album | None) -> _Draft:
    found: Checked = checked(claim, desk.reader, trials.seeds(claim, desk.tier), desk.device)
    results = {run.result.fingerprint: run.result for run in found.runs if run.result is not None}
    over = len({id(run.trial) for run in found.runs if run.over})
    return _Draft(
        word=found.word,
        reason=found.reason,
        planned=len({id(run.trial) for run in found.runs}),
        stored=over,
        results=list(results.values()),
        faults=found.faults,
        settled=found.word in (Word.EXACT, Word.MISMATCH),
        n=over,
        checks=found.checks,
        pictures=() if album is None else checked_bytes.pictures(found.checks),
    )


def _row(
    claim: Claim, entry: Entry, desk: Desk, controls: Sequence[Controlled], draft: _Draft
) -> Row:
    first = draft.parts[0] if draft.parts else None
    options = f" --device {desk.device}" if desk.device != "cpu" else ""
    options += f" --mode {desk.mode}" if desk.mode != "auto" else ""
    command = f"ablations run {claim.id} --tier {desk.tier.value}{options}"
    return Row(
        verdict=Verdict(
            id=claim.id,
            document=entry.document,
            section=entry.section,
            form=claim.form,
            documented=entry.documented,
            estimate=None if first is None else first.estimate,
            low=None if first is None else first.low,
            high=None if first is None else first.high,
            n=draft.n,
            tier=desk.tier.value,
            verdict=draft.word,
            reason=draft.reason,
            group=group_of(draft.word),
            look=draft.look,
            exceptions=() if first is None else first.exceptions,
            sentence=draft.sentence,
            settled=draft.settled,
        ),
        statement=entry.claim,
        reading=claim.reading,
        labels=labels(claim),
        differences=tuple(
            Difference(path=path, values=values) for path, values in differences(claim).items()
        ),
        noun=noun(claim) if isinstance(claim, Statistical) else "runs",
        parts=draft.parts,
        checks=draft.checks,
        beside=draft.beside,
        failures=draft.failures,
        skill=draft.skill,
        controls=tuple(control.row.verdict.id for control in controls),
        garden=(),
        faults=draft.faults,
        notes=(
            *draft.notes,
            *_attempts(draft.results),
            *desk.reader.marks(draft.results),
        ),
        planned=draft.planned,
        stored=draft.stored,
        command=claim.command if isinstance(claim, External) else command,
        cost_seconds=sum(sorted(result.cpu_seconds for result in draft.results)),
        machine="; ".join(sorted({machine(result) for result in draft.results})) or None,
        pictures=draft.pictures,
        origin=None if isinstance(claim, External) else _origin(claim, draft.results),
    )


def _origin(claim: Claim, results: Sequence[Result]) -> Origin:
    """Return the inputs of a claim's runs."""
    assert isinstance(claim, Statistical | Exact)
    first, last = span(results)
    return Origin(
        spec=garden.digest(claim) if isinstance(claim, Statistical) else _digest(claim),
        sources=tuple(sorted({result.sources[:12] for result in results})),
        commits=tuple(sorted({result.commit for result in results if result.commit})),
        machines=tuple(sorted({machine(result) for result in results})),
        versions=versions(results),
        first=first,
        last=last,
    )


def _digest(claim: Exact) -> str:
    data = [claim.check.to_json(), *(arm.part.to_json() for arm in claim.arms)]
    return sha256(data)


def versions(results: Iterable[Result]) -> Mapping[str, str]:
    """Return the versions of libraries; several versions of one are joined by a comma."""
    found: dict[str, set[str]] = {}
    for result in results:
        for name, version in result.versions.items():
            found.setdefault(name, set()).add(version)
    return {name: ", ".join(sorted(all_)) for name, all_ in sorted(found.items())}


def span(results: Iterable[Result]) -> tuple[str, str]:
    """Return the days on which the first and the last run began, "" if there are none."""
    days = sorted(result.started[:10] for result in results)
    return (days[0], days[-1]) if days else ("", "")


def _notes(case: Case) -> Iterable[str]:
    """Yield remarks on pairs that are unknown, and why."""
    for pair in case.gathered.pairs:
        for note in pair.notes:
            yield f"Seed {pair.seed}: {note}"
    first = case.n
    if first < len(case.gathered.rows):
        later = case.gathered.rows[first + 1 :]
        over = sum(all(run.over for run in row) for row in later)
        if over:
            seed = case.gathered.rows[first][0].trial.seed
            yield f"{over} later {noun(case.claim)} wait for seed {seed}, and aren't read"


def _attempts(results: Iterable[Result]) -> Iterable[str]:
    deaths = sum(result.deaths for result in results)
    if deaths:
        attempts = "1 attempt" if deaths == 1 else f"{deaths} attempts"
        yield f"The machine ended {attempts} that were made again"


def labels(claim: Claim) -> tuple[str, ...]:
    """Return the names of a claim's cells, or of an exact claim's arms."""
    match claim:
        case Statistical():
            return tuple(cell.label for cell in claim.compared)
        case Exact():
            return tuple(arm.label for arm in claim.arms)
    return ()


def machine(result: Result) -> str:
    """Return a description of the machine of a result, for readers."""
    found = result.machine
    where = found.accelerator or found.cpu
    threads = "1 thread" if found.threads == 1 else f"{found.threads} threads"
    return f"{where}, {found.cores} cores, {threads} a run, {found.system}"
