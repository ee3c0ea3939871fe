"""A repository whose benchmarks are tiny: one timed by a loop, one counted."""

import os
import subprocess
import textwrap

import pytest

from ablations.records.history import Commit, Conditions, Measured

AUTHOR = {
    **{f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def git(root, *arguments):
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        env=os.environ | AUTHOR,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


class Repository:
    """A repository with commits of a package `hrm` of a given running time, and its benchmarks."""

    def __init__(self, root):
        self.root = root
        root.mkdir()
        git(root, "init", "--quiet", "--initial-branch=main")

    def commit(self, *, loops=1, size=100, version="1"):
        work = f"""\
        LOOPS, SIZE = {loops}, {size}

        def work():
            return sum(i * i for i in range(20_000 * LOOPS))
        """
        suites = f"""\
        from hrm import work

        class Suite:
            params = (("a", "b"),)
            version = "{version}"

            def setup(self, which):
                self.call = work.work

            def time_work(self, which):
                self.call()

        def track_size():
            return work.SIZE

        track_size.version, track_size.unit = "1", "bytes"

        def track_broken():
            raise OSError("no disk")

        def peakmem_all():
            pass
        """
        for name, text in {"hrm/__init__.py": "", "hrm/work.py": work, "bench/__init__.py": "",
                           "bench/suite.py": suites}.items():  # fmt: skip
            path = self.root / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(text))
        git(self.root, "add", "-A")
        git(self.root, "commit", "--quiet", "--allow-empty", "-m", f"Take {loops} loops")
        return git(self.root, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "project")


CONDITIONS = Conditions(machine="c, 2 cores", load=0.4, quick=True)


def record(number, *, seconds=None, claims=None, **more):
    """Return a commit with a given number, which is also its minute."""
    benchmarks = {}
    if seconds is not None:
        benchmarks["steps.time_x"] = Measured(unit="seconds", version="1", values={"gru": seconds})
    return Commit(
        commit=f"{number:02x}" * 20,
        date=f"2026-01-01T00:{number:02}:00+00:00",
        place=number,
        subject=f"Change {number}",
        sources=f"{number:02x}" * 32,
        conditions=CONDITIONS if benchmarks else None,
        benchmarks=benchmarks,
        tier="quick" if claims else "",
        claims=claims or {},
        **more,
    )
