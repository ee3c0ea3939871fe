"""What the calibration draws and counts: samples with a known truth, judged by the engine's rule.

A task says what is to be drawn; what comes of it is a record of `tables`. Equal tasks give equal
records: each seeds its own generator.
"""

import itertools
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ablations import sequential
from ablations.noise import ALL, ONE, shapes, worlds
from ablations.places import Place, hair, on_edge, places
from ablations.power import minimum_detectable
from ablations.records import Word
from ablations.statistics import Array
from ablations.tables import Cell, Power, Whole
from ablations.verdict import measure, settle, words

promised = 0.8  # power at the distance at which it is measured
batch = 25_000


@dataclass(frozen=True, kw_only=True)
class Task:
    """A cell to be filled; fields as in `Cell`."""

    form: str
    noise: str
    varies: str
    n: int
    level: float
    replicates: int
    looks: bool = False

    def run(self) -> Cell:
        """Draw, judge and count."""
        hits: dict[Word, Counter[str]] = {}  # by false word and place
        plain: Counter[str] = Counter()
        for number, size in enumerate(_batches(self.replicates)):
            x = self._draw(number, size)
            # A lopsided noise has two sides: an edge is missed on one of them.
            for side, tail in ((x, ""), (-x, ", tail to the left"))[: 1 + self._lopsided]:
                judge = _judge(side, self.level, self.looks)
                for place in places(self.form == "non-inferior"):
                    for word, times in _false_words(judge(place, self.varies == ALL), place):
                        hits.setdefault(word, Counter())[place.name + tail] += times
                    for word, times in (
                        _false_words(judge(place, True), place) if self._compared else ()
                    ):
                        plain[f"{word} {place.name}{tail}"] += times
        worst = {
            word: max(hits[word].items(), key=lambda x: x[1]) for word in words if word in hits
        }
        return Cell(
            form=self.form,
            noise=self.noise,
            varies=self.varies,
            n=self.n,
            looks=self.looks,
            level=self.level,
            replicates=self.replicates,
            wrong={word.value: number for word, (_, number) in worst.items()},
            place={word.value: name for word, (name, _) in worst.items()},
            plain=max(plain.values(), default=None),
        )

    @property
    def work(self) -> float:
        """Return what it costs, in samples judged at every place."""
        return self.replicates * (1 + self._lopsided) * (1 + self._compared) * (1 + self.looks)

    @property
    def _lopsided(self) -> bool:
        return self.varies == ONE

    @property
    def _compared(self) -> bool:
        """Whether such contrasts are taken for symmetric too: once, and not in looks."""
        return self._lopsided and not self.looks

    def _draw(self, number: int, size: int) -> Array:
        key = f"{self.form} {self.noise} {self.varies} {self.n} {self.looks} {self.level}"
        rng = np.random.default_rng([zlib.crc32(key.encode()), number])
        return worlds[self.form].draw(shapes[self.noise], self.varies, rng, (size, self.n))


@dataclass(frozen=True, kw_only=True)
class WholeTask:
    """Whole reports, every member false; fields as in `Whole`.

    Members take turns among noises, arms, forms, and the edges of CONFIRMED: where it is false by
    a hair, and said most often.
    """

    looks: bool
    members: int
    reports: int
    level: float
    n: int = 20

    @property
    def work(self) -> float:
        """Return what it costs, in samples judged at every place."""
        return self.reports * self.members / len(places(margin=False))

    def run(self) -> Whole:
        """Draw, judge and count."""
        confirmed = np.zeros(self.reports, dtype=bool)
        wrong = np.zeros(self.reports, dtype=bool)
        for member, (form, shape, varies, place) in zip(
            range(self.members), _false(), strict=False
        ):
            rng = np.random.default_rng([zlib.crc32(b"whole"), int(self.looks), member])
            n = sequential.looks[-1] if self.looks else self.n
            x = worlds[form].draw(shapes[shape], varies, rng, (self.reports, n))
            found = _judge(x, self.level, self.looks)(place, varies == ALL)
            confirmed |= found == words.index(Word.CONFIRMED)
            wrong |= np.isin(found, [words.index(w) for w in place.false])
        return Whole(
            looks=self.looks,
            members=self.members,
            reports=self.reports,
            confirmed=int(confirmed.sum()),
            wrong=int(wrong.sum()),
        )


@dataclass(frozen=True, kw_only=True)
class PowerTask:
    """The power of a plan, to be measured; fields as in `Power`.

    The edge is zero, where the sign flips ask for most.
    """

    symmetric: bool
    n: int
    level: float
    samples: int

    @property
    def work(self) -> float:
        """Return what it costs, in samples judged at every place: flips are counted for most."""
        return self.samples * (self.n / 8 if self.symmetric else 1)

    def run(self) -> Power:
        """Draw, judge and count."""
        distance = minimum_detectable(1.0, self.n, self.level, promised, symmetric=self.symmetric)
        rng = np.random.default_rng([zlib.crc32(b"power"), self.n])
        samples = measure(rng.standard_normal((self.samples, self.n)) + distance, self.level)
        found = settle(samples, hair, symmetric=self.symmetric)
        return Power(
            symmetric=self.symmetric,
            n=self.n,
            level=self.level,
            distance=distance,
            promised=promised,
            samples=self.samples,
            confirmed=int((found == words.index(Word.CONFIRMED)).sum()),
        )


def _judge(x: Array, level: float, looks: bool) -> Callable[[Place, bool], npt.NDArray[np.int8]]:
    """Return what judges samples at a place, taken for symmetric or not, at once or in looks."""
    if looks:
        seen = sequential.see(x, level)
        return lambda place, symmetric: sequential.walk(
            seen, place.zones, symmetric=symmetric, shift=place.truth
        )[0]
    samples = measure(x, level)
    return lambda place, symmetric: settle(
        samples, place.zones, symmetric=symmetric, shift=place.truth
    )


def _false_words(found: npt.NDArray[np.int8], place: Place) -> Iterator[tuple[Word, int]]:
    for word in place.false:
        yield word, int((found == words.index(word)).sum())


def _false() -> Iterator[tuple[str, str, str, Place]]:
    """Yield forms, noises, arms and edges of CONFIRMED, in turns, for ever."""
    turns = {
        margin: itertools.cycle([p for p in places(margin) if on_edge(p, Word.CONFIRMED)])
        for margin in (False, True)
    }
    for shape, varies, form in itertools.cycle(itertools.product(shapes, (ONE, ALL), worlds)):
        if varies == ONE or worlds[form].arms > 1:
            yield form, shape, varies, next(turns[form == "non-inferior"])


def _batches(replicates: int) -> Iterator[int]:
    whole, rest = divmod(replicates, batch)
    yield from [batch] * whole + [rest] * bool(rest)


Open = Task | WholeTask | PowerTask
Filled = Cell | Whole | Power
