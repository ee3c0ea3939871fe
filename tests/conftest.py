"""What holds for all tests: nothing is skipped in CI, Ctrl-C reaches who is to be interrupted."""

import os
import signal

import pytest


def pytest_configure():
    """Listen to Ctrl-C again where whoever started us in the background has it ignored.

    Processes that tests start inherit "ignored", and the Ctrl-C tests would wait for nothing.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Fail a session in CI that skipped a test: everything that tests need is installed there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        reporter.write_line("skipped tests fail in CI", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
