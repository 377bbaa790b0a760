"""What the command lines of all programs have in common."""

import argparse
import difflib
import pathlib
import shlex
import sys

from recipes import config as configs
from recipes.errors import readable_errors


class Parser(argparse.ArgumentParser):
    """Arguments of a program: `--name=value`, flags as `--name` and `--noname`, comma lists.

    A misspelt name is an error that says the nearest one.

    Args:
        task: Class of the task.
        program: Name of the program.
        doc: Its description.
    """

    def __init__(self, task, program, doc):
        super().__init__(
            prog=f"python -m recipes.{task.name}.{program}",
            description=doc.partition("\n")[0],
            allow_abbrev=False,
            epilog=f"Configs by name: {', '.join(configs.names(task.configs()))}.",
        )
        self.task = task
        self.add_flag("traceback", "Show where errors come from.")

    def add_flag(self, name, text, default=False):
        group = self.add_mutually_exclusive_group()
        group.add_argument(f"--{name}", action="store_true", default=default, help=text)
        group.add_argument(
            f"--no{name}", action="store_false", dest=name, default=default, help=argparse.SUPPRESS
        )

    def add_list(self, name, text, default="", kind=str):
        def items(given):
            return [kind(item.strip()) for item in given.split(",") if item.strip()]

        items.__name__ = f"list of {kind.__name__}"
        self.add_argument(f"--{name}", type=items, default=items(default), help=text)

    def add_run(self, checkpoint=True, required=True):
        self.add_argument("--workdir", required=required, help="Folder of the run.")
        if checkpoint:
            self.add_argument(
                "--checkpoint", default="best", choices=("best", "last"), help="Which checkpoint."
            )

    def add_config(self):
        self.add_argument("--config", required=True, help="Name or file of a config.")

    def parse(self, arguments):
        """The arguments, and those that change the config."""
        known, others = self.parse_known_args(arguments)
        changes = []
        while others:
            name = others.pop(0)
            if not hasattr(known, "config") or not name.startswith(configs.PREFIX):
                options = [option for option in self._option_string_actions if option[:4] != "--no"]
                close = difflib.get_close_matches(name.partition("=")[0], options, n=1)
                hint = f"; did you mean {close[0]}?" if close else ""
                self.error(f"unknown argument {name}{hint}")
            changes.append(name)
            if "=" not in name and others and not others[0].startswith("--"):
                changes.append(others.pop(0))
        return known, changes

    def task_of(self, arguments, changes):
        """The task of `--config` and of the settings that were changed."""
        config = configs.load(arguments.config, self.task.configs())
        configs.override(config, changes, self.task.default_config())
        return self.task(config)


def run(parser, program, argv=None):
    """Runs a program of the parsed arguments and of those that change the config."""
    given = sys.argv[1:] if argv is None else list(argv)
    arguments, changes = parser.parse(given)
    arguments.command = f"{parser.prog} {shlex.join(given)}"
    for name in ("workdir", "output", "images"):
        if getattr(arguments, name, None):
            setattr(arguments, name, pathlib.Path(getattr(arguments, name)).expanduser())
    with readable_errors(arguments.traceback):
        program(arguments, changes)
