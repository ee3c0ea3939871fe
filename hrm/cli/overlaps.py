"""Warnings about boards of a user's own whose scores would mean little."""

import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `--help` is quick without numpy
    from hrm.data.own import OwnData

_log = logging.getLogger(__name__)


def say(folder: Path, split: str, boards: int, shared: int, copied: float) -> None:
    """Warn of test boards that are training boards, and of labels that equal their inputs.

    Args:
        folder: The folder, as the user named it.
        split: Name of the split.
        boards: Number of its boards.
        shared: Number of them that are in the other split as well, see `hrm.data.overlap`.
        copied: Share of its labelled cells whose label equals the input.
    """
    if split.startswith("test") and shared:
        _log.warning("%s: %d of %d test boards are training boards too", folder, shared, boards)
    if boards and copied == 1:
        _log.warning("%s: all labels of %s equal their inputs", folder, split)


@functools.lru_cache(maxsize=8)  # the trials of a sweep ask for the same boards again
def warn(named: Path, tests: "OwnData", trained: "OwnData | None") -> None:
    """Check test boards, and the training boards beside which they are scored, and warn.

    Args:
        named: The boards, as the user named them.
        tests: The folder of the test boards.
        trained: The folder of the training boards, if a model is trained on a folder.
    """
    from hrm.data import overlap

    test, train = tests.read("test"), None if trained is None else trained.read("train")
    shared = 0 if train is None else overlap.shared(test, train)
    say(named, "test", len(test), shared, overlap.copied(test))
    if train is not None and trained == tests:
        say(named, "train", len(train), 0, overlap.copied(train))
