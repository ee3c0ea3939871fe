"""Settings of all tests: no skipped tests in CI, and processes that receive Ctrl-C.

Property tests draw the same few examples every time. With `--hypothesis-profile=fuzz` (`tox -e
fuzz`) they draw many more, from a printed seed; `--hypothesis-seed` repeats them.
"""

import gc
import os
import random
import signal

import pytest
from hypothesis import HealthCheck, settings

MORE = 20  # factor of the number of examples with the profile fuzz
SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("fuzz", derandomize=False, deadline=None, database=None)
settings.load_profile("repeatable")


def fuzzing(config):
    return config.getoption("--hypothesis-profile") == "fuzz"


def pytest_configure(config):
    """Enable Ctrl-C again if pytest was started in the background, which ignores it.

    Otherwise processes that tests start would ignore it as well, and tests of Ctrl-C would hang.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if fuzzing(config) and config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(random.SystemRandom().randrange(2**32))


def pytest_report_header(config):
    if fuzzing(config):
        return f"fuzz: --hypothesis-seed={config.option.hypothesis_seed} repeats this"
    return None


def settings_of(items):
    """Return where the settings of property tests are: objects and their attributes, each once."""
    name = "_hypothesis_internal_use_settings"  # there is no public name for it
    holders = {id(item.obj): (item.obj, name) for item in items if hasattr(item.obj, name)}
    machines = [item.cls for item in items if hasattr(item.obj, "_hypothesis_state_machine_class")]
    holders.update({id(machine): (machine, "settings") for machine in machines})
    return list(holders.values())


def pytest_collection_modifyitems(config, items):
    """Let all property tests draw more and random examples, whatever their own settings are."""
    if not fuzzing(config):
        return
    for holder, attribute in settings_of(items):
        given = getattr(holder, attribute)
        drawn = settings(
            given,
            max_examples=MORE * given.max_examples,
            derandomize=False,
            deadline=None,
            suppress_health_check={*given.suppress_health_check, *SLOW},
        )
        setattr(holder, attribute, drawn)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Leave what is collected and imported, which stays, out of every later search for garbage.

    Otherwise each search goes through all tests and torch again, which takes half a second.
    """
    if gc.get_freeze_count():  # a session within a session
        return (yield)
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Fail a session in CI with a skipped test, since everything that tests need is installed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        reporter.write_line("skipped tests fail in CI", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
