"""Fixtures of all tests of the claims: one thread, and a separate cache of boards."""

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def boards_of_our_own(monkeypatch, tmp_path_factory):
    """Keep boards away from the user's cache, in one folder for the whole session."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "boards"))
