"""Random command lines of a program, and a check of how it ends."""

import argparse
import contextlib
import io

from hypothesis import strategies as st

# Without path separators and dots, so that nothing is written outside of the test's folder.
TEXT = st.text(alphabet="ab05=,:{}[]\"' é-\n", max_size=4)
ODD = st.sampled_from(
    ["0", "-1", "1", "3", "0.5", "nan", "inf", "1e999", "99999999999999999999", "", "--", "-x"]
)
KNOWN = st.sampled_from(
    ["v2", "gru", "act-v1", "maze", "sudoku", "{}", "[1]", '{"size": 4}', "a=b"]
)


def leaves(parser, path=()):
    """Yield every command without subcommands, with its parser."""
    below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not below:
        yield path, parser
    for action in below:
        for name, other in action.choices.items():
            yield from leaves(other, (*path, name))


@st.composite
def lines(draw, path, parser, known=KNOWN):
    """A command with a random selection of its options and arguments."""
    found = list(path)
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        if draw(st.integers(0, 5)) > (4 if not action.option_strings else 1):
            continue
        if action.option_strings:
            found.append(draw(st.sampled_from(action.option_strings)))
        if action.nargs == 0:
            continue
        choices = (
            [] if action.choices is None else [st.sampled_from(list(map(str, action.choices)))]
        )
        value = st.one_of(*choices, *choices, known, known, ODD, TEXT)
        found += draw(st.lists(value, min_size=1, max_size=2 if action.nargs else 1))
    return found


def ended(program, line):
    """Run a program in this process; return its status, output and error output."""
    out, err = io.StringIO(), io.StringIO()
    status = None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            program(line)
        except SystemExit as error:
            status = error.code
    return status, out.getvalue(), err.getvalue()


def hold(status, err):
    """Check that a command succeeded, or reported a failure or mistake without a traceback."""
    assert status in (0, 1, 2), (status, err)
    assert "Traceback" not in err
    if status == 2:
        assert err.strip() and err.count("\n") == 1, err
