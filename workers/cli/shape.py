"""What every command of ours has: an example in its help, `--json`, and no import before it is needed."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple

import click

_JSON: Final = "hashi.json"


class Part(NamedTuple):
    """One command of the main group: where it lies (`module:name`) and the first line of its help."""

    place: str
    help: str


def wants_json() -> bool:
    """Whether the running command was given `--json`."""
    return bool(click.get_current_context().meta.get(_JSON))


def _json_option() -> click.Option:
    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        context.meta[_JSON] = value

    words = "One JSON document (or JSON Lines) on stdout; logs on stderr."
    return click.Option(["--json"], is_flag=True, expose_value=False, callback=remember, help=words)


class _WithExample(click.Command):
    """Adds the example to the help."""

    def __init__(self, *words: Any, example: str, **more: Any) -> None:
        super().__init__(*words, **more)
        self.example: Final = example
        if self.help and not self.short_help:
            self.short_help = self.help.splitlines()[0]  # click alone would stop at the first full stop

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example as it is typed."""
        with formatter.section("Example"):
            for line in self.example.splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class Command(_WithExample):
    """A command with an example and `--json`."""

    def __init__(self, *words: Any, example: str, **more: Any) -> None:
        super().__init__(*words, example=example, **more)
        self.params.append(_json_option())


class Group(_WithExample, click.Group):
    """A group whose commands are `Command`s."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which they are written."""
        return list(self.commands)


class MainGroup(Group):
    """The group of all commands, each imported when it is called."""

    def __init__(self, *words: Any, parts: Mapping[str, Part], **more: Any) -> None:
        super().__init__(*words, **more)
        self.parts: Final = parts

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(self.parts)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command *cmd_name*, imported now; None when there is none."""
        part = self.parts.get(cmd_name)
        if part is None:
            return None
        module, _, name = part.place.partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, part.help) for name, part in self.parts.items()])
