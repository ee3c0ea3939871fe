"""The commands and their arguments, by what they are about."""

import argparse
import functools
import importlib

from hrm.system.command import Parser


class Commands:
    """Commands of a parser; the module of each is imported when it is called.

    Args:
        parser: The parser.
        dest: Attribute of the parsed arguments that names the command.
    """

    def __init__(self, parser: argparse.ArgumentParser, dest: str) -> None:
        self._added = parser.add_subparsers(dest=dest, required=True, metavar=dest.upper())

    def add(self, name: str, function: str, text: str, *taken: Parser) -> Parser:
        """Add a command and return its parser.

        Args:
            name: Its name.
            function: "module:function" within `ablations.cli`.
            text: What it does, for help.
            taken: Options that it shares with other commands.
        """
        made = self._added.add_parser(name, help=text, description=text, parents=taken)
        made.set_defaults(function=functools.partial(_call, function))
        assert isinstance(made, Parser)
        return made

    def group(self, name: str, text: str) -> "Commands":
        """Add a command that has commands of its own, and return these."""
        return Commands(self._added.add_parser(name, help=text, description=text), "action")


def _call(function: str, asked: argparse.Namespace) -> int:
    """Call a command by its module and name."""
    module, _, name = function.partition(":")
    return int(getattr(importlib.import_module(f"ablations.cli.{module}"), name)(asked))
