"""How often the engine's own rule is wrong where the truth is known.

For every form, noise and number of pairs, samples are drawn at every place of the truth and judged
by `verdict.settle`: the rule itself, for many samples at once. A false verdict may come 1.25 times
as often as the claim's level says, 1 − level, by the upper Clopper-Pearson bound of 97.5 %; where
it may come more often, or too few samples were drawn to tell, verdicts are withheld (`flag`).

Which cell is a claim's? No sample shows the noise that it comes from: a long tail harms just where
it hasn't been seen (`statistics.skewed`). So a claim is held to all noises of the table. What sets
the cell apart is known beforehand: the form, the pairs (the most that the table has and the claim
reaches), and whether the contrasts are symmetric by construction (noise in all arms alike) or not
(noise in one arm).

The table is stored with the digest of the engine's sources, and shown in each report.
"""

import functools
import hashlib
import itertools
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from importlib import resources
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ablations import sequential, sources
from ablations.noise import ALL, ONE, shapes, worlds
from ablations.places import Place, places
from ablations.records import Word
from ablations.statistics import Array, clopper_pearson
from ablations.tables import Bounded, Calibrated, Calibration, Cell, Whole
from ablations.verdict import measure, settle, words
from hrm.errors import UserError

limit = 1.25  # times the nominal rate that a false verdict's upper bound may reach
most_wrong = 0.05  # of whole reports that may have a false CONFIRMED
sizes = (12, 16, 20, 32, 40)
sharp = 0.95  # level of the sharper check, without the family
sharp_replicates = {12: 4000, 16: 4000, 20: 4000, 32: 1000, 40: 1000}  # plenty at that level
batch = 25_000
reports_per_replicate, fewest_reports = 0.1, 1000
engine = ("flips", "forms", "noise", "places", "power", "sequential", "statistics", "verdict")

Progress = Callable[[int, int], None]
Key = tuple[str | int | float, ...]


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
        confirmed = 0
        for number, size in enumerate(_batches(self.replicates)):
            x = self._draw(number, size)
            # A lopsided noise has two sides: an edge is missed on one of them.
            for side, tail in ((x, ""), (-x, ", tail to the left"))[: 1 + self._lopsided]:
                for place, seen in self._judged(side, symmetric=self.varies == ALL):
                    for word in place.false:
                        hits.setdefault(word, Counter())[place.name + tail] += seen[word]
                    confirmed += seen[Word.CONFIRMED] if place.right and not tail else 0
                if self._lopsided:
                    for place, seen in self._judged(side, symmetric=True):
                        for word in place.false:
                            plain[f"{word} {place.name}{tail}"] += seen[word]
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
            confirmed=confirmed / self.replicates,
        )

    @property
    def _lopsided(self) -> bool:
        return self.varies == ONE

    def _judged(self, x: Array, symmetric: bool) -> Iterator[tuple[Place, Counter[Word]]]:
        """Yield how many samples came to each word, at every place of the truth."""
        samples = None if self.looks else measure(x, self.level)
        for place in places(self.form == "non-inferior"):
            if samples is not None:
                found = settle(samples, place.zones, symmetric=symmetric, shift=place.truth)
            else:
                found, _ = sequential.walk(
                    x + place.truth, place.zones, self.level, symmetric=symmetric
                )
            seen = np.bincount(found, minlength=len(words))
            yield place, Counter({word: int(k) for word, k in zip(words, seen, strict=True)})

    def _draw(self, number: int, size: int) -> Array:
        key = f"{self.form} {self.noise} {self.varies} {self.n} {self.looks} {self.level}"
        rng = np.random.default_rng([zlib.crc32(key.encode()), number])
        return worlds[self.form].draw(shapes[self.noise], self.varies, rng, (size, self.n))


@dataclass(frozen=True, kw_only=True)
class WholeTask:
    """Whole reports, every member false; fields as in `Whole`.

    Members take turns among noises, arms, forms, and the places where CONFIRMED is false.
    """

    looks: bool
    members: int
    reports: int
    level: float
    n: int = 20

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
            if self.looks:
                x = x + place.truth
                symmetric = varies == ALL
                found = sequential.walk(x, place.zones, self.level, symmetric=symmetric)[0]
            else:
                samples = measure(x, self.level)
                found = settle(samples, place.zones, symmetric=varies == ALL, shift=place.truth)
            confirmed |= found == words.index(Word.CONFIRMED)
            wrong |= np.isin(found, [words.index(w) for w in place.false])
        return Whole(
            looks=self.looks,
            members=self.members,
            reports=self.reports,
            confirmed=int(confirmed.sum()),
            wrong=int(wrong.sum()),
        )


def calibrate(
    replicates: int,
    members: int,
    *,
    jobs: int = 1,
    path: Path | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Fill the table; each cell is kept as it is done, and what is kept isn't drawn again.

    Args:
        replicates: Samples at each place, at the family's level; a tenth as many whole reports.
        members: Of the family.
        jobs: Processes. progress: Told how many cells are done.
        path: Where the whole table goes; until then it grows in a file beside it.
    """
    level = 1 - 0.05 / members
    made = Calibration(digest=digest(), level=level, replicates=replicates, cells=(), wholes=())
    growing = path and path.with_name(f"{path.name}.part")
    stored: list[Cell | Whole] = []
    for file in (path, growing):
        before = load(file) if file and file.exists() else made
        if (before.digest, before.level, before.replicates) == (made.digest, level, replicates):
            stored += [*before.cells, *before.wholes]
    tasks: list[Task | WholeTask] = [*_tasks(replicates, level)]
    tasks += _wholes(replicates, members, level)
    found = {_key(row): row for row in stored}
    left = [task for task in tasks if _key(task) not in found]
    for fresh in _run(left, jobs):
        found[_key(fresh)] = fresh
        if progress is not None:
            progress(len(found), len(tasks))
        if growing is not None:
            save(_table(made, tasks, found), growing)
    made = _table(made, tasks, found)
    if path is not None and growing is not None:
        save(made, path)
        growing.unlink(missing_ok=True)
    return made


def _table(
    made: Calibration, tasks: Sequence[Task | WholeTask], found: Mapping[Key, Cell | Whole]
) -> Calibration:
    rows = [found[_key(task)] for task in tasks if _key(task) in found]
    return replace(
        made,
        cells=tuple(row for row in rows if isinstance(row, Cell)),
        wholes=tuple(row for row in rows if isinstance(row, Whole)),
    )


def digest() -> str:
    """Return the SHA-256 over what the engine's sources compute."""
    modules = {
        name: sha
        for name, sha in sources.closure([f"ablations.{name}" for name in engine]).items()
        if name.split(".")[1:2] and name.split(".")[1] in engine
    }
    text = "".join(f"{name} {sha}\n" for name, sha in sorted(modules.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def load(path: Path) -> Calibration:
    """Return a stored table.

    Raises:
        UserError: If the file isn't one.
    """
    try:
        return Calibration.from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{str(path)!r} holds no calibration ({' '.join(str(error).split())}); a file made by "
            "`ablations calibrate` is needed; remove it, and it is made anew"
        ) from error


def save(made: Calibration, path: Path) -> None:
    """Write a table, whole or not at all; a line a cell."""
    data = made.to_json()
    lists = {name: data.pop(name) for name in ("cells", "wholes")}
    head = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in data.items())
    body = ",\n".join(
        f"{json.dumps(name)}: [\n" + ",\n".join(map(json.dumps, rows)) + "\n]"
        for name, rows in lists.items()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(f"{{\n{head},\n{body}\n}}\n", "utf-8")
    temporary.replace(path)


@functools.cache
def committed() -> Calibration | None:
    """Return the table that was committed with the engine, None if there is none."""
    path = resources.files("ablations").joinpath("calibration.json")
    return Calibration.from_json(json.loads(path.read_text("utf-8"))) if path.is_file() else None


def flag(made: Calibration | None, form: str, n: int, symmetric: bool) -> str:
    """Return why verdicts of such claims are withheld, "" if they aren't.

    Args:
        made: The table.
        form: The form's name. n: Pairs. symmetric: Whether by construction.
    """
    if made is None:
        return "nothing is calibrated yet"
    varies = ALL if symmetric else ONE
    cells = [c for c in made.cells if (c.form, c.varies, c.looks) == (form, varies, False)]
    cells = [c for c in cells if c.level == made.level and c.n <= n]
    most = max((cell.n for cell in cells), default=0)
    here = {cell.noise: cell for cell in cells if cell.n == most}
    if set(here) != set(shapes):
        return f"{form} claims with noise in {varies} aren't calibrated at {n} pairs"
    beyond = " and ".join(name for name, cell in here.items() if not bounded(cell).within)
    if beyond:
        return (
            f"at {most} pairs with {beyond} noise in {varies}, false verdicts aren't in their bound"
        )
    return ""


def bounded(cell: Cell) -> Bounded:
    """Return a cell's worst false verdict as multiples of what its level allows."""
    nominal = 1 - cell.level
    hits = max(cell.wrong.values())
    bound = clopper_pearson(hits, cell.replicates)[1] / nominal
    return Bounded(
        form=cell.form,
        noise=cell.noise,
        varies=cell.varies,
        n=cell.n,
        looks=cell.looks,
        rate=hits / cell.replicates / nominal,
        bound=bound,
        plain=None if cell.plain is None else cell.plain / cell.replicates / nominal,
        within=bound <= limit,
    )


def shown(made: Calibration | None, members: int) -> Calibrated | None:
    """Return what a report shows of a table."""
    if made is None:
        return None
    cells = [bounded(cell) for cell in made.cells if cell.level == made.level]
    worst = max(made.wholes, key=lambda w: w.confirmed / w.reports)
    level = 1 - 0.05 / members
    return Calibrated(
        current=made.digest == digest() and made.level == level,
        replicates=made.replicates,
        level=made.level,
        limit=limit,
        cells=tuple(cells),
        whole=worst.confirmed / worst.reports,
        whole_bound=clopper_pearson(worst.confirmed, worst.reports)[1],
    )


def _tasks(replicates: int, level: float) -> Iterator[Task]:
    draws = dict.fromkeys(sizes, replicates)
    few = {n: min(replicates, most) for n, most in sharp_replicates.items()}
    for at, number in ((level, draws), (sharp, few)):
        for name, world in worlds.items():
            for varies in (ONE, ALL)[: 1 + (world.arms > 1)]:
                for shape, n in itertools.product(shapes, sizes):
                    yield Task(
                        form=name, noise=shape, varies=varies, n=n, level=at, replicates=number[n]
                    )
    for varies, shape in itertools.product((ONE, ALL), shapes):
        yield Task(
            form="quality",
            noise=shape,
            varies=varies,
            n=sequential.looks[-1],
            level=level,
            replicates=replicates,
            looks=True,
        )


def _wholes(replicates: int, members: int, level: float) -> Iterator[WholeTask]:
    number = max(fewest_reports, int(replicates * reports_per_replicate))
    for looks in (False, True):
        yield WholeTask(looks=looks, members=members, reports=number, level=level)


def _false() -> Iterator[tuple[str, str, str, Place]]:
    """Yield forms, noises, arms and places at which CONFIRMED is false, in turns, for ever."""
    turns = {
        margin: itertools.cycle([p for p in places(margin) if Word.CONFIRMED in p.false])
        for margin in (False, True)
    }
    for shape, varies, form in itertools.cycle(itertools.product(shapes, (ONE, ALL), worlds)):
        if varies == ONE or worlds[form].arms > 1:
            yield form, shape, varies, next(turns[form == "non-inferior"])


def _key(row: Task | WholeTask | Cell | Whole) -> Key:
    """Return what a task and what came of it share."""
    if isinstance(row, Task | Cell):
        return (row.form, row.noise, row.varies, row.n, row.looks, row.level, row.replicates)
    return (row.looks, row.members, row.reports)


def _run(tasks: Sequence[Task | WholeTask], jobs: int) -> Iterator[Cell | Whole]:
    if jobs == 1 or len(tasks) < 2:
        yield from (task.run() for task in tasks)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_one, tasks)


def _one(task: Task | WholeTask) -> Cell | Whole:
    return task.run()


def _batches(replicates: int) -> Iterator[int]:
    whole, rest = divmod(replicates, batch)
    yield from [batch] * whole + [rest] * bool(rest)
