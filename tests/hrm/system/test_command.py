"""What both command lines share: how a process ends, whatever ends it."""

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hrm.errors import UserError
from hrm.system import command

ROOT = Path(command.__file__).parents[2]
PROGRAM = "import os, signal, sys, time\nfrom hrm.system.command import run\ndef job():\n    {}\n"
END = "run('tool', job, 'stopped; go on')\n"


def ended(body, *, shell=None, **environment):
    """Run a job in a process of its own: its status, what it printed, what it complained of."""
    script = PROGRAM.format(body.replace("\n", "\n    ")) + END
    line = ["bash", "-c", f'exec "$0" -c "$1" {shell}'] if shell else []
    arguments = [*line, sys.executable, *([script] if shell else ["-c", script])]
    done = subprocess.run(
        arguments,
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def run(job, capsys):
    """Run a job in this process."""
    with pytest.raises(SystemExit) as end:
        command.run("tool", job, "stopped; go on")
    said = capsys.readouterr()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    return end.value.code, said.out, said.err


@pytest.mark.parametrize("status", [0, 1])
def test_the_status_is_the_jobs(status, capsys):
    assert run(lambda: status, capsys) == (status, "", "")


def test_a_mistake_and_an_unusable_file_are_told_on_one_line(capsys, tmp_path):
    def mistaken():
        raise UserError("this is\nwrong")

    assert run(mistaken, capsys) == (2, "", "tool: this is wrong\n")
    status, out, err = run(lambda: len((tmp_path / "none").read_text()), capsys)
    assert (status, out) == (2, "")
    assert err.startswith(f"tool: {str(tmp_path / 'none')!r} can't be used (No such file or dir")
    assert err.count("\n") == 1


def test_a_package_that_is_missing_is_named_on_one_line(capsys):
    status, _, err = run(lambda: importlib.import_module("hardly.a_package"), capsys)
    assert status == 2
    assert err.startswith("tool: package 'hardly' can't be imported; allowed is")
    with pytest.raises(ModuleNotFoundError):
        command.run("tool", lambda: importlib.import_module("hrm.hardly"), "stopped")


def test_a_mistake_of_ours_keeps_its_traceback():
    def broken():
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        command.run("tool", broken, "stopped")


@pytest.fixture
def hangups():
    """Hangups end programs, even where these tests were started by nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hangups")
def test_a_program_that_is_terminated_cleans_up_as_after_an_interruption():
    body = "try: os.kill(os.getpid(), signal.{}); time.sleep(30)\nfinally: print('clean')"
    for name, status in (("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)):
        found = ended(
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n" + body.format(name)
        )
        assert found == (status, "clean\n", "tool: stopped; go on\n")


def test_under_torchrun_termination_stays_what_it_was():
    body = "os.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(30)"
    assert ended(body, TORCHELASTIC_RUN_ID="1")[0] == -signal.SIGTERM


def test_a_full_disk_behind_the_output_is_told_once():
    status, _, err = ended("print('x')\nreturn 0", shell="> /dev/full")
    assert status == 2
    assert err.startswith("tool: a file or the output can't be used (No space left on device)")
    assert err.count("\n") == 1


def test_a_hangup_that_nohup_ignores_stays_ignored():
    body = "os.kill(os.getpid(), signal.SIGHUP)\nprint('on')\nreturn 0"
    ignored = "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nrun('tool', job, 'stopped')\n"
    script = PROGRAM.format(body.replace("\n", "\n    ")) + ignored
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stdout) == (0, "on\n")


@pytest.mark.parametrize("shell", ["| true", ">&-", "2>&-"])
def test_an_output_that_nobody_reads_is_no_failure(shell):
    body = "time.sleep(0.3)\nprint('x' * 100000)\nprint('y', file=sys.stderr)\nreturn 0"
    status, _, err = ended(body, shell=shell)
    assert (status, err) in ((0, ""), (0, "y\n"))


def test_help_that_nobody_reads_is_no_failure():
    body = "time.sleep(0.3)\nprint('x')\nraise SystemExit(0)"
    script = PROGRAM.format(body.replace("\n", "\n    ")) + END
    program = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    program.stdout.close()
    err = program.stderr.read()
    program.stderr.close()
    assert (program.wait(), err) == (0, b"")


PRINTS = (
    "time.sleep(0.3)\nfrom hrm.system.console import console\nconsole().print('x' * {})\nreturn 0"
)


def test_a_table_that_nobody_reads_is_no_failure():
    script = PROGRAM.format(PRINTS.format(100_000).replace("\n", "\n    ")) + END
    program = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    program.stdout.close()
    err = program.stderr.read()
    program.stderr.close()
    assert (program.wait(), err) == (0, b"")


@pytest.mark.parametrize("columns", ["0", "", "00", "9"])
def test_a_width_that_isnt_known_prints_all(columns):
    status, out, err = ended(PRINTS.format(3), COLUMNS=columns)
    assert (status, out, err) == (0, "xxx\n", "")


def test_an_output_that_lacks_a_letter_gets_another():
    status, out, err = ended("print('1 → 2')\nreturn 0", PYTHONIOENCODING="ascii")
    assert (status, out, err) == (0, "1 ? 2\n", "")


def test_an_interruption_while_a_job_imports_is_told_on_one_line():
    for name, line in (("ablations", "list"), ("hrm", "train gru maze --output x")):
        script = (
            "import signal, sys\n"
            "class Impatient:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            "        if name in ('numpy', 'torch'): raise KeyboardInterrupt\n"
            "sys.meta_path.insert(0, Impatient())\n"
            f"from {name}.cli import main\n"
            f"main({line.split()})"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
        )
        assert done.returncode == 130, done.stderr
        assert done.stderr.count("\n") == 1
