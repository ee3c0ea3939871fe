import fcntl
import signal
import subprocess
import sys
import tempfile
import threading

import pytest

from ablations import locks
from hrm.errors import UserError


@pytest.fixture(autouse=True)
def _a_machine_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def is_free(kind):
    with locks.path().open("w") as file:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_those_who_share_let_others_share_and_keep_out_who_must_be_alone():
    with locks.shared(), locks.shared():
        assert is_free(fcntl.LOCK_SH)
        assert not is_free(fcntl.LOCK_EX)
    assert is_free(fcntl.LOCK_EX)


def test_who_is_alone_keeps_all_others_out():
    with locks.exclusive():
        assert not is_free(fcntl.LOCK_SH)
    assert is_free(fcntl.LOCK_EX)


def test_who_waits_is_told_and_gets_in_when_the_machine_is_free():
    waiting, order = threading.Event(), []

    def time_something():
        with locks.exclusive(on_wait=waiting.set):
            order.append("timed")

    with locks.shared():
        thread = threading.Thread(target=time_something)
        thread.start()
        assert waiting.wait(10)
        order.append("trained")
    thread.join(10)
    assert order == ["trained", "timed"]


def test_who_need_not_wait_is_told_nothing():
    with locks.exclusive(on_wait=lambda: pytest.fail("the machine is free")):
        pass


def test_a_killed_process_frees_the_machine():
    code = (
        "import sys, tempfile, time\n"
        "tempfile.tempdir = sys.argv[1]\n"
        "from ablations import locks\n"
        "locks.share_until_exit()\n"
        "print('held', flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, tempfile.gettempdir()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert is_free(fcntl.LOCK_SH)
        assert not is_free(fcntl.LOCK_EX)
        process.send_signal(signal.SIGKILL)
    assert is_free(fcntl.LOCK_EX)


def test_a_lock_that_cannot_be_opened_is_one_line():
    locks.path().mkdir()
    with (
        pytest.raises(UserError, match=r"^the machine's lock .* can't be opened .*TMPDIR") as found,
        locks.shared(),
    ):
        pass
    assert "\n" not in str(found.value)


def test_the_lock_is_not_followed_elsewhere(tmp_path):
    locks.path().symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError), locks.exclusive():
        pass
    assert not (tmp_path / "elsewhere").exists()
