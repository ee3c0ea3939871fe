"""Protocols that worker processes can import, and a separate lock of the machine."""

import sys
import tempfile
from pathlib import Path

import pytest

here = Path(__file__).parent
if str(here) not in sys.path:
    sys.path.insert(0, str(here))


@pytest.fixture(autouse=True)
def _a_machine_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
