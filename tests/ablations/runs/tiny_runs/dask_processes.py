"""A real Dask scheduler and its workers, each in a separate process on loopback."""

import os
import signal
import subprocess
import sys
import time


class Dask:
    """Processes that end with the test.

    Args:
        folder: Folder for the scheduler file and the output of processes.

    Attributes:
        tls: Options of the command for certificates.
        settings: Dask's settings, as environment variables.
    """

    def __init__(self, folder):
        self.folder, self.tls, self.settings = folder, [], {}
        self.file = folder / "scheduler.json"
        self.processes = []
        self.scheduler = None

    def start(self):
        """Start the scheduler, and wait for its file."""
        self.file.unlink(missing_ok=True)
        protocol = ["--protocol", "tls"] if self.tls else []
        options = ("--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(self.file))
        self.scheduler = self._start("scheduler", *options, *protocol)
        until = time.monotonic() + 60
        while not self.file.exists() or not self.file.read_text().strip():
            assert self.scheduler.poll() is None, self.said()
            assert time.monotonic() < until, self.said()
            time.sleep(0.02)

    def worker(self, *options):
        """Start a worker of one thread."""
        return self._start(
            "worker",
            *("--scheduler-file", str(self.file), "--host", "127.0.0.1", "--nthreads", "1"),
            *("--memory-limit", "0", "--local-directory", str(self.folder / "scratch")),
            *options,
        )

    def said(self):
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.said")))

    def stop(self):
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _start(self, kind, *options):
        path = self.folder / f"{kind}-{len(self.processes)}.said"
        with path.open("w") as output:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "dask", kind, "--no-dashboard"),
                    *("--dashboard-address", ":0", *options, *self.tls),
                ],
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
                    "DASK_DISTRIBUTED__SCHEDULER__WORK_STEALING": "False",
                    **self.settings,
                },
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.processes.append(process)
        return process
