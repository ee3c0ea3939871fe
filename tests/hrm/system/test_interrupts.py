"""Interruptions that wait."""

import signal

import pytest

from hrm.system.interrupts import ENDING, postponed


class Ended(BaseException):
    """What the process's own handler raises here."""


@pytest.fixture(params=ENDING, ids=[number.name for number in ENDING])
def number(request):
    def end(number, frame):
        raise Ended

    before = signal.signal(request.param, end)
    yield request.param
    signal.signal(request.param, before)


def test_the_first_one_waits_for_the_end_of_the_block(number):
    seen = []

    def block():
        with postponed() as interrupted:
            seen.append(interrupted())
            signal.raise_signal(number)
            seen.append(interrupted())

    with pytest.raises(Ended):
        block()
    assert seen == [False, True]


def test_the_second_one_does_not(number):
    seen = []

    def block():
        with postponed():
            for _ in range(3):
                signal.raise_signal(number)
                seen.append("the rest")

    with pytest.raises(Ended):
        block()
    assert seen == ["the rest"]


def test_all_is_as_before_afterwards(number):
    handler = signal.getsignal(number)
    with postponed():
        assert signal.getsignal(number) is not handler
    assert signal.getsignal(number) is handler
    with pytest.raises(ZeroDivisionError), postponed():
        raise ZeroDivisionError
    assert signal.getsignal(number) is handler


def test_a_handler_that_does_not_raise_still_interrupts(number):
    came = []
    signal.signal(number, lambda *_: came.append("here"))

    def block():
        with postponed():
            signal.raise_signal(number)
            came.append("the rest")

    with pytest.raises(KeyboardInterrupt):
        block()
    assert came == ["the rest", "here"]


def test_a_signal_that_is_ignored_stays_so(number):
    signal.signal(number, signal.SIG_IGN)
    with postponed() as interrupted:
        signal.raise_signal(number)
        assert not interrupted()
