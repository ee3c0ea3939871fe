"""No command line of `ablations` ends in a traceback, whatever is selected and given."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ablations import cli
from hrm.system import extensions
from tests import commands
from tests.ablations.cli.conftest import COINS

COMMANDS = dict(commands.leaves(cli.parser()))
# These run or measure for long if a line happens to be right: it is read, and nothing is done.
READ_ALONE = {("run",), ("calibrate",), ("bench-compare",), ("history", "add"), ("findings",)}
KNOWN = st.sampled_from(["store", "bent-coin", "quick", "v2", "csv", "numbers.csv", "{}", "a=b"])


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch, ran):
    """Beside the store of a whole run, and a file of numbers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(extensions, "_included", {})  # a line may include a folder that it made
    (tmp_path / "numbers.csv").write_text("baseline,treatment\n1,2\n2,3\n1.5,x\n")


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_line_is_answered_or_refused(path, data):
    line = data.draw(commands.lines(path, COMMANDS[path], KNOWN))
    if any("--claims" in action.option_strings for action in COMMANDS[path]._actions):
        line += COINS
    program = cli.parser().parse_args if path in READ_ALONE else cli.main
    status, _, err = commands.ended(program, line)
    if path in READ_ALONE and status is None:
        return
    commands.hold(status, err)


@settings(max_examples=50)
@given(line=st.lists(st.one_of(KNOWN, commands.ODD, commands.TEXT), max_size=3))
def test_what_is_no_command_is_refused(line):
    status, _, err = commands.ended(cli.main, line)
    assert status in (0, 2)
    assert "Traceback" not in err
