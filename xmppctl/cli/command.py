"""Commands and groups of verbs: shared options, contract, examples, headings in ``--help``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import cache, cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, get_args, get_origin, get_type_hints

import click

from xmppctl import standins
from xmppctl.cli.app import PROGRAM, App
from xmppctl.cli.options import (
    OUTPUT,
    SharedOption,
    connection_names,
    output_options,
)
from xmppctl.cli.stdout import saying
from xmppctl.cli.verbs import Verbs
from xmppctl.output import Shape

if TYPE_CHECKING:
    from xmppctl.model.monitor import Check, Metric, Run

SECTIONS = (
    "Messages",
    "Contacts",
    "Rooms",
    "Data",
    "Services",
    "Account",
    "Encryption",
    "Tools",
)

HEADINGS = ("Target", "Content", "Files", "References", "State", "Encryption", "Delivery")
"""Headings of the options of a command that has many, in their order."""

Contract = tuple[type, Shape]
Monitor = Callable[[Sequence[Any], "Run"], "tuple[list[Check], list[Metric]]"]


class UnknownName(click.UsageError):
    """A command, verb or option that does not exist, with those that look like it."""

    def __init__(self, kind: str, name: str, names: Sequence[str], ctx: click.Context) -> None:
        near = standins.real("difflib").get_close_matches(name, names)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        super().__init__(f"No such {kind} {name!r}.{hint}", ctx)


Decorator = Callable[[Any], Any]


def under(heading: str, *options: Decorator) -> Decorator:
    """Give a command these ``options``, which its help shows under ``heading``."""
    if heading not in HEADINGS:
        raise ValueError(f"{heading!r} is not one of the headings {', '.join(HEADINGS)}")

    def decorate(callback: Any) -> Any:
        before = len(getattr(callback, "__click_params__", ()))
        for option in reversed(options):
            callback = option(callback)
        for param in callback.__click_params__[before:]:
            param.heading = heading
        return callback

    return decorate


_AFTER_DASHES = "xmppctl.after_dashes"


def words_after_dashes() -> int:
    """How many words stood behind ``--``: text, whatever they look like."""
    return int(click.get_current_context().meta.get(_AFTER_DASHES, 0))


class _Shared(click.Command):
    """What commands and groups have in common: output options, refusal of connection options."""

    section: str | None

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's own parameters, ``--help``, then the shared options."""
        return [*super().get_params(ctx), *self.shared_options()]

    def shared_options(self) -> Sequence[SharedOption]:
        """The options that are not the command's own."""
        return output_options()

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """``--help``, which fails as all other output does where it cannot be written."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = saying(click.Context.get_help)
        return option

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; a connection option at this place is told where it belongs."""
        ctx.ensure_object(App).behind = len(args)  # the verb's own are parsed last
        if "--" in args:
            ctx.meta[_AFTER_DASHES] = len(args) - args.index("--") - 1
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name in connection_names():
                self._refuse(error.option_name, ctx)
            names = [name for param in self.get_params(ctx) for name in param.opts]
            raise UnknownName("option", error.option_name, names, ctx) from None
        except click.UsageError as error:
            # Some of the parser's errors do not know where they happened.
            error.ctx = error.ctx or ctx
            raise

    def _refuse(self, name: str, ctx: click.Context) -> NoReturn:
        rest = ctx.command_path.removeprefix(PROGRAM).strip()
        raise click.UsageError(
            f"connection options stand before the command: {PROGRAM} {name} ... {rest} ...", ctx
        )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Own options first, the shared ones below; under their headings, where they have any."""
        own: dict[str, list[tuple[str, str]]] = {heading: [] for heading in HEADINGS}
        shared: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            row = None if isinstance(param, click.Argument) else param.get_help_record(ctx)
            if row is not None:
                heading = getattr(param, "heading", "Options")
                (shared if isinstance(param, SharedOption) else own).setdefault(heading, []).append(
                    row
                )
        for heading, rows in [*own.items(), *shared.items()]:
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)


class Command(_Shared):
    """A command or verb that does something.

    ``examples``: lines for a shell. ``section``: its heading in the list above it. ``monitor``:
    a function from the records and the ``Run`` to (checks, metrics) of ``model.monitor``, for
    ``-o nagios`` and ``-o prometheus``; metrics of a run that failed too. ``targets``: its records
    are the results of the targets that were given, so that it never finds nothing.
    """

    def __init__(
        self,
        *args: Any,
        examples: Sequence[str] = (),
        section: str | None = None,
        monitor: Monitor | None = None,
        targets: bool = False,
        **attrs: Any,
    ) -> None:
        super().__init__(*args, **attrs)
        self.examples = tuple(examples)
        self.section = section
        self.monitor = monitor
        self.targets = targets
        self._others: dict[str, Command] = {}

    def instead(self, flag: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Have the decorated callback run where ``flag``, a parameter's name, is given.

        For a flag that makes the verb print records of another kind, such as a number of them.
        """

        def decorate(callback: Callable[..., Any]) -> Callable[..., Any]:
            self._others[flag] = Command(self.name, callback=callback, params=self.params)
            return callback

        return decorate

    def contract(self) -> Contract | None:
        """Record type and shape of what it prints, from the callback's return annotation.

        ``list[R]`` is an array, ``R`` an object, ``AsyncIterator[R]`` a stream, ``None`` no
        records. Raises TypeError for any other annotation.
        """
        return self._contract

    @cached_property
    def _contract(self) -> Contract | None:
        callback: Any = self.callback
        while hasattr(callback, "__wrapped__"):
            callback = callback.__wrapped__
        # Only this annotation: those of the parameters may name types that no one imports.
        annotations = getattr(callback, "__annotations__", {})
        if "return" not in annotations:
            raise TypeError(f"the callback of {self.name!r} has no return annotation")
        holder = SimpleNamespace(__annotations__={"return": annotations["return"]})
        hint = get_type_hints(holder, globalns=getattr(callback, "__globals__", {}))["return"]
        if hint is type(None):
            return None
        if isinstance(hint, type) and hasattr(hint, "__dataclass_fields__"):
            return hint, "object"
        origin, inner = get_origin(hint), get_args(hint)
        if origin is list:
            return inner[0], "array"
        if origin is AsyncIterator:
            return inner[0], "stream"
        raise TypeError(f"{hint!r}, the return annotation of {self.name!r}, is no contract")

    @cached_property
    def connects(self) -> bool:
        """Whether the callback itself opens a session, so that connecting may begin before it."""
        callback: Any = self.callback
        while hasattr(callback, "__wrapped__"):
            callback = callback.__wrapped__
        return "session" in callback.__code__.co_names

    def shared_options(self) -> Sequence[SharedOption]:
        """The output options; with ``--fail-empty`` for a command that may find nothing."""
        contract = self.contract()
        if contract is None or contract[1] == "object" or self.targets:
            return output_options()
        return (_fail_empty(), *output_options())

    def invoke(self, ctx: click.Context) -> None:
        """Run the callback and print what it gives."""
        from xmppctl.cli.results import execute

        app = ctx.ensure_object(App)
        app.parsed, app.command, app.given = True, ctx.command_path, ctx.params
        chosen = next((other for flag, other in self._others.items() if ctx.params[flag]), self)
        execute(app, chosen, lambda: super(Command, chosen).invoke(ctx))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, as they are: a shell line must not be wrapped."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")
        super().format_epilog(ctx, formatter)


class Group(_Shared, Verbs):
    """A command with verbs; ``kind`` is what its members are called in errors."""

    kind = "verb"

    def __init__(
        self,
        name: str,
        section: str | None = None,
        subcommand_metavar: str = "VERB [ARGS]...",
        **attrs: Any,
    ) -> None:
        super().__init__(name, subcommand_metavar=subcommand_metavar, **attrs)
        self.section = section

    def command(  # type: ignore[override]
        self,
        name: str,
        *,
        examples: Sequence[str],
        section: str | None = None,
        help: str | None = None,
        hidden: bool = False,
        monitor: Monitor | None = None,
        targets: bool = False,
    ) -> Callable[[Callable[..., Any]], Command]:
        """Make the decorated callback the verb ``name``; its docstring is the help by default.

        ``section``: a heading in the list of verbs, for groups with many.
        """

        def decorate(callback: Callable[..., Any]) -> Command:
            made = _make(callback, name, examples, section, help, hidden, monitor, targets)
            self.add_command(made)
            return made

        return decorate

    def alias(self, name: str, verb: Command) -> None:
        """Let ``verb`` be called ``name`` as well: with help, examples and output of its own."""
        from copy import copy

        made = copy(verb)
        made.name = name
        made.examples = tuple(line.replace(f" {verb.name} ", f" {name} ") for line in verb.examples)
        self.add_command(made)

    def group(  # type: ignore[override]
        self, name: str, *, help: str, section: str | None = None
    ) -> Group:
        """Make the verb ``name`` a group with verbs of its own, such as ``roster meta``."""
        made = Group(name, section=section, help=help)
        self.add_command(made)
        return made

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that ``args`` begin with; an unknown one is answered with those near it."""
        name = args[0]
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            raise UnknownName(self.kind, name, self.list_commands(ctx), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs in the order of the module, under their headings if they have any."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, verb in self.commands.items():
            if not verb.hidden:
                heading = getattr(verb, "section", None) or "Verbs"
                sections.setdefault(heading, []).append((name, verb.get_short_help_str(60)))
        write_sections(formatter, sections)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs stand above the options."""
        self.format_commands(ctx, formatter)
        _Shared.format_options(self, ctx, formatter)


def write_sections(
    formatter: click.HelpFormatter, sections: dict[str, list[tuple[str, str]]]
) -> None:
    """Write name and help under each heading, all in columns of one width."""
    widest = max((len(name) for rows in sections.values() for name, _ in rows), default=0)
    for heading, rows in sections.items():
        with formatter.section(heading):
            formatter.write_dl([(name.ljust(widest), text) for name, text in rows])


def group(
    name: str,
    *,
    section: str,
    help: str,
    hidden: bool = False,
    home: str = "",
    modules: Sequence[str] = (),
) -> Group:
    """A top-level command with verbs, for a module to export as ``cmd``.

    ``home``, ``modules``: the package whose modules define them, see ``Verbs``.
    """
    known = _known(section)
    return Group(name, section=known, help=help, hidden=hidden, home=home, modules=modules)


def command(
    name: str,
    *,
    section: str,
    examples: Sequence[str],
    help: str | None = None,
    hidden: bool = False,
    monitor: Monitor | None = None,
    targets: bool = False,
) -> Callable[[Callable[..., Any]], Command]:
    """Make the decorated callback a top-level command, for a module to export as ``cmd``."""

    def decorate(callback: Callable[..., Any]) -> Command:
        return _make(callback, name, examples, _known(section), help, hidden, monitor, targets)

    return decorate


def _known(section: str) -> str:
    if section not in SECTIONS:
        raise ValueError(f"{section!r} is not one of the sections {', '.join(SECTIONS)}")
    return section


def _make(
    callback: Callable[..., Any],
    name: str,
    examples: Sequence[str],
    section: str | None,
    help: str | None,
    hidden: bool,
    monitor: Monitor | None,
    targets: bool,
) -> Command:
    make = click.command(
        name,
        cls=Command,
        examples=examples,
        section=section,
        help=help or callback.__doc__,
        hidden=hidden,
        monitor=monitor,
        targets=targets,
    )
    return make(callback)


@cache
def _fail_empty() -> SharedOption:
    return SharedOption(
        "--fail-empty",
        key="fail_empty",
        heading=OUTPUT,
        is_flag=True,
        help="Exit with 10 when nothing was found.",
    )
