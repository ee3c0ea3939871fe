"""Detect claims that change their group during a run."""

from collections.abc import Callable, Sequence

from ablations.cli.session import Session
from ablations.judging.cells import Reader
from ablations.judging.exact import checked
from ablations.planning.next import Due
from ablations.rule import Group, Word, group_of
from ablations.runs.fingerprints import fingerprint
from ablations.runs.store import Store
from ablations.runs.trials import seeds
from ablations.specs.claim import Claim, Exact, Statistical


class Changes:
    """Judges a claim once all its due trials are stored, and reports if its group has changed.

    Args:
        session: The session of the command.
        store: The store.
        due: The due trials of each claim.
        reader: Reader of the store before the run.
        tell: Called with a sentence about each change.
    """

    def __init__(
        self,
        session: Session,
        store: Store,
        due: Sequence[Due],
        reader: Reader,
        tell: Callable[[str], None],
    ) -> None:
        self._session, self._store, self._tell = session, store, tell
        self._missing: dict[str, set[str]] = {}  # fingerprints by claim
        self._claims: dict[str, list[Claim]] = {}  # by fingerprint
        self._before: dict[str, Group] = {}
        for one in due:
            if one.trials:
                name = one.claim.id
                self._before[name] = group_of(self._word(one.claim, reader))
                self._missing[name] = {fingerprint(trial) for trial in one.trials}
                for each in self._missing[name]:
                    self._claims.setdefault(each, []).append(one.claim)

    def over(self, fingerprint: str) -> None:
        """Record that a trial has ended."""
        for claim in self._claims.pop(fingerprint, ()):
            missing = self._missing[claim.id]
            missing.discard(fingerprint)
            if missing:
                continue
            word = self._word(claim, Reader(self._store))
            before, self._before[claim.id] = self._before[claim.id], group_of(word)
            if group_of(word) is not before:
                self._tell(f"{claim.id}: {before.value}, now {group_of(word).value} ({word.value})")

    def _word(self, claim: Claim, reader: Reader) -> Word:
        """Return the word of a claim by its own runs, regardless of its controls."""
        session = self._session
        match claim:
            case Statistical():
                return session.desk(reader).case(claim).word
            case Exact():
                return checked(claim, reader, seeds(claim, session.tier), session.device).word
        return Word.NOT_RUN
