"""The root command: finds commands by scanning a package, imports only the one that is called.

``--help`` and the completion of command names use the generated index (``_index.py``). What
the index does not know is imported; what it knows but does not exist is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from xmppctl import __version__
from xmppctl.cli.app import PROGRAM, App
from xmppctl.cli.command import SECTIONS, Group, write_sections
from xmppctl.cli.modules import modules
from xmppctl.cli.options import SharedOption, connection_options, output_options
from xmppctl.cli.stdout import saying

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Entry = tuple[str, str, bool]

COMMANDS = "xmppctl.commands"
SHORT_HELP = 60


class Tree(Group):
    """The command ``xmppctl`` over all that ``package`` contains.

    ``index``: name to (section, short help, hidden); the generated one by default.
    """

    kind = "command"

    def __init__(self, package: str = COMMANDS, index: Mapping[str, Entry] | None = None) -> None:
        super().__init__(
            PROGRAM,
            help="Single-shot XMPP utilities: one command, one operation, an honest exit code.",
            options_metavar="[CONNECTION OPTIONS]",
            context_settings={"help_option_names": ["-h", "--help"]},
            subcommand_metavar="COMMAND [VERB] [ARGS] [OPTIONS]",
            params=[_version_option()],
        )
        self.package = package
        self._given_index = index

    @cached_property
    def _index(self) -> Mapping[str, Entry]:
        if self._given_index is not None:
            return self._given_index
        if self.package != COMMANDS:
            return {}
        from xmppctl.cli._index import INDEX

        return INDEX

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all commands, sorted."""
        found = modules(import_module(self.package).__path__)
        return tuple(sorted(name.replace("_", "-") for name in found if name[0] != "_"))

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """The root context, with an App of its own where none is given."""
        if extra.get("obj") is None:
            extra["obj"] = App()
        return super().make_context(info_name, args, parent, **extra)

    def shared_options(self) -> Sequence[SharedOption]:
        """Connection options stand here and nowhere else."""
        return (*connection_options(), *output_options())

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, hidden ones too."""
        return list(self.names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of ``cmd_name``; None where there is no such command."""
        if cmd_name in self._index:
            try:
                return self.load(cmd_name)
            except ModuleNotFoundError as error:
                if error.name != self._module(cmd_name):
                    raise
        return self.load(cmd_name) if cmd_name in self.names else None

    def load(self, name: str) -> click.Command:
        """The command ``name``, which must exist."""
        module = import_module(self._module(name))
        found = module.cmd
        if not isinstance(found, click.Command):
            raise TypeError(f"{module.__name__}.cmd is not a command")
        return found

    def _module(self, name: str) -> str:
        return f"{self.package}.{name.replace('-', '_')}"

    def entry(self, name: str) -> Entry:
        """Section, short help and hidden of ``name``: from the index, else from the command."""
        return self._index.get(name) or entry_of(self.load(name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands under their sections."""
        sections: dict[str, list[tuple[str, str]]] = {name: [] for name in SECTIONS}
        for name in self.names:
            section, text, hidden = self.entry(name)
            if not hidden:
                sections[section].append((name, text))
        write_sections(formatter, {name: rows for name, rows in sections.items() if rows})

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names of commands without importing them, and options."""
        from click.shell_completion import CompletionItem

        items = [
            CompletionItem(name, help=self.entry(name)[1])
            for name in self.names
            if name.startswith(incomplete) and not self.entry(name)[2]
        ]
        return items + click.Command.shell_complete(self, ctx, incomplete)


def entry_of(command: click.Command) -> Entry:
    """The index entry of ``command``."""
    section = getattr(command, "section", None) or SECTIONS[-1]
    return section, command.get_short_help_str(SHORT_HELP), command.hidden


def build_index(package: str = COMMANDS) -> str:
    """The text of ``_index.py`` for the commands of ``package``."""
    import json

    tree = Tree(package, index={})
    lines = [
        '"""Generated: name to (section, short help, hidden); package to verb to module."""',
        "",
        "INDEX: dict[str, tuple[str, str, bool]] = {",
    ]
    for name in tree.names:
        section, text, hidden = tree.entry(name)
        quoted = ", ".join(json.dumps(part, ensure_ascii=False) for part in (section, text))
        lines.append(f'    "{name}": ({quoted}, {hidden}),')
    lines += ["}", "", "VERBS: dict[str, dict[str, str]] = {"]
    for name in tree.names:
        command = tree.load(name)
        homes = command.homes() if isinstance(command, Group) else {}
        if isinstance(command, Group) and homes:
            lines.append(f'    "{command.home}": {{')
            lines += [f'        "{verb}": "{module}",' for verb, module in homes.items()]
            lines.append("    },")
    return "\n".join([*lines, "}", ""])


def _version_option() -> click.Option:
    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=saying(lambda _: f"{PROGRAM} {__version__}"),
        help="Show the version and exit.",
    )
