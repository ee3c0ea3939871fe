"""Sizes a recipe for a task: the task determines the shapes at both ends of the model."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hrm import recipes
from hrm.config import HRMConfig
from hrm.config.learning import SquaredError, Supervised, System
from hrm.config.parts import require

if TYPE_CHECKING:
    from hrm.tasks import Boards, Task


def sizes(model: HRMConfig) -> dict[str, int]:
    """Return those shapes of a model that depend on its task, by the recipes' argument names."""
    embedding: Any = model.embedding
    places = {} if embedding.answered is None else {"positions": embedding.answered}
    if embedding.reads != "tokens":
        return {"inputs": embedding.size, **places, "outputs": model.readout.size}
    puzzles = getattr(embedding, "puzzles", None)
    known = {} if puzzles is None else {"identities": puzzles.identities}
    return {
        "vocabulary": embedding.vocabulary,
        **places,
        "classes": model.readout.size,
        **known,
    }


def wanted(
    recipe: str,
    model: HRMConfig,
    task: "Task",
    boards: "Boards",
    identities: int | None = None,
) -> dict[str, int]:
    """Return the shapes that a model needs for a task, by the same names.

    Args:
        recipe: Name of the recipe, for error messages.
        model: A model of that recipe.
        task: The task.
        boards: Boards of the task, at least one.
        identities: Number of puzzle identities of these boards; None for that of the task.

    Raises:
        UserError: If the model answers with classes, and the task with real numbers.
    """
    vectors = [n for n in recipes.named if configuration(n).embedding.reads == "one-hot"]
    require(
        task.classes > 0 or model.embedding.reads == "one-hot",
        "recipe",
        recipe,
        f"one that answers {type(task).__name__}'s real numbers: {', '.join(vectors)}",
        "take one of them, or another task",
    )
    match model.embedding.reads:
        case "tokens":
            puzzles = getattr(model.embedding, "puzzles", None)
            found = {"vocabulary": task.vocabulary, "positions": task.cells}
            found["classes"] = task.classes
            if puzzles is not None:
                own = getattr(task, "identities", 1) if identities is None else identities
                found["identities"] = own
            return found
        case "numbers":
            return {"inputs": 1, "positions": task.cells, "outputs": task.classes}
        case _:
            per_cell = task.classes if task.classes > 2 else 1
            inputs = task.one_hot(boards.inputs[:1]).shape[1]
            return {"inputs": inputs, "outputs": boards.targets.shape[1] * per_cell}


def sized(
    recipe: str,
    settings: Mapping[str, Any],
    task: "Task",
    boards: "Boards",
    identities: int | None = None,
) -> System:
    """Return the system of a recipe, with the shapes that a task needs.

    Real-valued answers are learned by squared error.

    Args:
        recipe: A name in `recipes.named`.
        settings: Keyword arguments of the recipe.
        task: The task.
        boards: Boards of the task, at least one.
        identities: Number of puzzle identities of these boards; None for that of the task.

    Raises:
        UserError: If they don't go together, or the recipe refuses a setting.
    """
    shapes = wanted(recipe, configuration(recipe), task, boards, identities)
    system = recipes.named[recipe].make(**settings, **shapes)
    if task.classes == 0 and isinstance(system.objective, Supervised):
        system = replace(system, objective=replace(system.objective, answer=SquaredError()))
    return system


def configuration(recipe: str) -> HRMConfig:
    """Return the model of a recipe at its documented size."""
    return recipes.named[recipe].make().model
