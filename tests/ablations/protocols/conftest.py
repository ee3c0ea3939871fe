"""Fixtures of the tests of protocols: one thread, a separate cache, tiny systems and boards."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def boards_of_our_own(monkeypatch, tmp_path_factory):
    """Keep boards away from the user's cache, in one folder for the whole session."""
    folder = tmp_path_factory.getbasetemp() / "boards"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
