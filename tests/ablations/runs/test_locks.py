import fcntl
import signal
import subprocess
import sys
import threading

import pytest

from ablations.runs import locks
from hrm.errors import UserError


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


def test_a_process_that_inherits_the_lock_holds_it_until_it_is_killed():
    command = [sys.executable, "-c", "import time; print('runs', flush=True); time.sleep(60)"]
    with locks.shared() as handle:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, pass_fds=[handle])
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"runs\n"
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
