"""What tests that run claims share: one thread, and a cache of their own."""

import pytest


@pytest.fixture
def one_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def boards_of_our_own(monkeypatch, tmp_path_factory):
    """Keep boards away from the user's cache, in one folder for the whole session."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "boards"))
