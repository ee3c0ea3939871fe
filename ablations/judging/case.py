"""The rule, applied to a claim: from the pairs that a store holds to a word and its reason."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ablations import rule
from ablations.judging import faults as objections
from ablations.judging.cells import Gathered, Pair, Reader, gather, parts_of
from ablations.records.rows import Skill
from ablations.rule import Group, Joint, Pairs, Table, Verdict, Word, Zones, group_of
from ablations.specs.claim import Statistical
from ablations.specs.tests import Contrast, Test
from hrm.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Case:
    """A statistical claim, judged by its own runs only, without controls.

    Args:
        claim: The claim.
        gathered: The stored runs of the claim.
        zones: The zones of each statement of the claim.
        verdicts: The verdicts by counts only, one for each statement; none if the zones are
            impossible.
        faults: Reasons why the claim is INVALID.
        skill: The margin of each trained cell over trivial methods.
        last: Whether there is no further look.
    """

    claim: Statistical
    gathered: Gathered
    zones: tuple[Zones, ...]
    verdicts: tuple[Verdict, ...]
    faults: tuple[str, ...]
    skill: tuple[Skill, ...]
    last: bool = False

    @property
    def counted(self) -> Verdict | Joint | None:
        """The verdict by counts only, without faults."""
        if not self.verdicts:
            return None
        return self.verdicts[0] if len(self.verdicts) == 1 else rule.conjunction(self.verdicts)

    @property
    def word(self) -> Word:
        """The word, which faults replace."""
        counted = self.counted
        if self.faults or counted is None:
            return Word.INVALID
        return counted.word

    @property
    def group(self) -> Group:
        """The group of the word."""
        return group_of(self.word)

    @property
    def n(self) -> int:
        """The number of pairs."""
        return len(self.gathered.pairs)

    @property
    def look(self) -> int:
        """The last look reached, 0 before the first."""
        return min((verdict.look for verdict in self.verdicts), default=0)

    @property
    def read(self) -> int:
        """The number of pairs that count: those of the last look, or all before the first look."""
        return self.look or self.n

    @property
    def settled(self) -> bool:
        """Whether further pairs can't change the group, or can't be judged."""
        counted = self.counted
        return counted is None or self.last or (counted.settled and not self.faults)

    @property
    def sentence(self) -> str:
        """The sentence of the verdict by counts only, without faults."""
        counted = self.counted
        return "" if counted is None else counted.sentence

    @property
    def reason(self) -> str:
        """The reason for the word, in a sentence."""
        if not self.faults:
            return self.sentence
        by_itself = self.counted
        said = "; ".join(self.faults)
        if by_itself is None or by_itself.word in (Word.NOT_RUN, Word.INVALID):
            return said
        return f"{said}; by itself {by_itself.word}: {by_itself.sentence}"


def judged(
    claim: Statistical,
    reader: Reader,
    seeds: Sequence[int],
    table: Table,
    device: str = "cpu",
) -> Case:
    """Return a claim as its stored runs at these seeds decide it.

    Args:
        claim: The claim.
        reader: Reader of the store.
        seeds: In the order in which pairs are read; pairs count up to the first seed that lacks a
            run.
        table: Table of the claim's family.
        device: Device of trained runs.
    """
    gathered = gather(claim, reader, seeds, device)
    pairs = gathered.pairs
    try:
        zones = tuple(test.zones for test, _ in parts_of(claim))
    except UserError as error:  # a band on the wrong side, or inside the null zone
        return Case(
            claim=claim, gathered=gathered, zones=(), verdicts=(), faults=(str(error),), skill=()
        )
    verdicts = tuple(
        rule.judge(of_part(pairs, part, test, found), found, table, noun=noun(claim))
        for part, ((test, _), found) in enumerate(zip(parts_of(claim), zones, strict=True))
    )
    counting = pairs[: verdicts[0].look or len(pairs)]
    skill = objections.skills(claim, counting, reader)
    faults = [*gathered.faults]
    if verdicts[0].look:  # before the first look nothing is decided, nor refused
        faults += objections.unskilled(skill)
        faults += objections.extra_faults(claim, counting, reader, table)
    return Case(
        claim=claim,
        gathered=gathered,
        zones=zones,
        verdicts=verdicts,
        faults=tuple(faults),
        skill=skill,
        last=verdicts[0].look == table.looks[-1],
    )


def of_part(pairs: Sequence[Pair], part: int, test: Test, zones: Zones) -> Pairs:
    """Return the contrasts of one statement of a claim, with the claimed direction positive."""
    return oriented([pair.contrasts[part] for pair in pairs], test, zones)


def oriented(contrasts: Sequence[Contrast], test: Test, zones: Zones) -> Pairs:
    """Return contrasts with the claimed direction positive.

    A failed run counts for the claim if it moves the contrast in the claimed direction, and
    otherwise against it. For example, treated runs that never reach the target support the claim
    that the treatment takes longer.
    """
    ends = [sorted((x.low * zones.sign, x.high * zones.sign)) for x in contrasts]
    return Pairs.within(
        [low for low, _ in ends],
        [high for _, high in ends],
        mean_value=[x.mean * zones.sign for x in contrasts],
        failed=[_sides(x, test, zones) for x in contrasts] if contrasts else None,
    )


def noun(claim: Statistical) -> str:
    """Return what one of the claim's pairs is, in the plural."""
    return "processes" if any(cell.protocol.alone for cell in claim.cells) else "seeds"


def _sides(contrast: Contrast, test: Test, zones: Zones) -> tuple[bool, bool]:
    """Return whether a run failed that counts for the claim, and one that counts against it.

    A value that failed lies at the worst end of its metric, or beyond a limit on that side. Where
    no cell is a baseline, a failure always counts against the claim (`contrasts.opposed`).
    """
    weights = getattr(test, "weights", (1.0,))
    if min(weights) >= 0:
        return False, any(contrast.failed)
    pushes = [
        weight * zones.sign * (1 if value.high == math.inf else -1)
        for weight, value in zip(weights, contrast.values, strict=True)
        if value.failed
    ]
    return any(p > 0 for p in pushes), any(p < 0 for p in pushes)
