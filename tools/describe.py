"""What the command tree says about itself, as plain data for the reference and the man pages.

Nothing here depends on the width of a terminal, on a locale or on the version of Python.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from datetime import datetime
from enum import Enum
from types import NoneType
from typing import Any, Literal, Protocol, get_args, get_origin

import click

from xmppctl.cli import Command, Group
from xmppctl.cli.command import SECTIONS
from xmppctl.cli.params import JidType
from xmppctl.cli.tree import Tree
from xmppctl.errors import Exit, SignalError, XmppctlError
from xmppctl.output import fields

Member = Command | Group


@dataclass(frozen=True)
class Item:
    """A parameter: the term as it is typed, and what it means."""

    term: str
    text: str


class Markup(Protocol):
    """How a format writes what is not prose."""

    def code(self, text: str) -> str:
        """Text that is typed or read literally."""

    def record(self, record: type) -> str:
        """The name of a record class, leading to its description."""


def sections(tree: Tree) -> dict[str, list[tuple[str, Member]]]:
    """The visible commands under their sections, both in the order of ``xmppctl --help``."""
    found: dict[str, list[tuple[str, Member]]] = {name: [] for name in SECTIONS}
    for name in tree.names:
        command = tree.load(name)
        if isinstance(command, (Command, Group)) and not command.hidden:
            found[command.section or SECTIONS[-1]].append((name, command))
    return {name: commands for name, commands in found.items() if commands}


def leaves(name: str, member: Member) -> Iterator[tuple[str, Command]]:
    """The command itself, or its visible verbs in the order of its help, by their paths."""
    if isinstance(member, Command):
        yield name, member
    else:
        for verb, inner in member.commands.items():
            if not inner.hidden and isinstance(inner, (Command, Group)):
                yield from leaves(f"{name} {verb}", inner)


LITERAL = re.compile(
    r"(?<![\w-])(?:"
    r"-o (?:table|jsonl|json|csv|tsv|plain|nagios|prometheus)\b"
    r"|--[a-z][\w-]*[a-z0-9]|-[a-zA-Z]\b|--?(?![\w-])"
    r"|XMPPCTL_\w+)"
)
"""What is typed literally in the midst of a sentence: options, ``-``, ``--``, variables."""


def synopsis(path: str, command: Command) -> str:
    """The command line in general: ``xmppctl roster add [OPTIONS] JID``."""
    context = click.Context(command, info_name=f"xmppctl {path}")
    return " ".join([f"xmppctl {path}", *command.collect_usage_pieces(context)])


def summary(member: Member) -> str:
    """The first sentence of the help, without its full stop."""
    return member.get_short_help_str(limit=1000).removesuffix(".")


def paragraphs(text: str | None) -> list[str]:
    """The paragraphs of a help text or docstring, each in one line.

    A paragraph that must keep its lines (``\\b`` in Click) keeps them, and begins with a newline.
    """
    result = []
    for block in re.split(r"\n\s*\n", inspect.cleandoc(text or "").partition("\f")[0].strip()):
        if block.startswith("\b\n"):
            result.append(block[1:])
        elif block:
            result.append(" ".join(block.split()))
    return result


def arguments(command: Command) -> list[Item]:
    """The arguments whose form is checked, and what that form is."""
    context = click.Context(command, info_name=command.name)
    found = []
    for param in command.params:
        if isinstance(param, click.Argument) and (phrase := _type_phrase(param.type)):
            if param.nargs == -1:
                phrase += "; one or several" if param.required else "; none or several"
            elif not param.required:
                phrase += "; optional"
            found.append(Item(param.make_metavar(context).strip("[]."), phrase))
    return found


def own_options(command: Command) -> list[Item]:
    """The options that the command alone has, and ``--fail-empty`` where it has that."""
    shared = [option for option in command.shared_options() if option.key == "fail_empty"]
    return options(command, [*command.params, *shared])


def options(command: click.Command, params: list[click.Parameter]) -> list[Item]:
    """Those of ``params`` that are options and not hidden."""
    context = click.Context(command, info_name=command.name)
    found = []
    for param in params:
        if isinstance(param, click.Option) and not param.hidden:
            term = ", ".join(param.opts)
            if param.secondary_opts:
                term += " / " + ", ".join(param.secondary_opts)
            if not param.is_flag and not param.count:
                term += f" {_metavar(param, context)}"
            found.append(Item(term, _option_text(param)))
    return found


def _metavar(option: click.Option, context: click.Context) -> str:
    number = isinstance(option.type, (click.types.IntParamType, click.types.FloatParamType))
    return "N" if number and option.metavar is None else option.make_metavar(context)


def _option_text(option: click.Option) -> str:
    text = " ".join((option.help or "").split())
    if option.multiple and "repeatable" not in text.lower():
        text += " Repeatable."
    notes = []
    if option.required:
        notes.append("required")
    if option.show_default and not option.is_flag and isinstance(option.default, (str, int, float)):
        notes.append(f"default: {option.default}")
    notes.extend(_range(option.type))
    return f"{text} ({'; '.join(notes)})" if notes else text


def _range(kind: click.ParamType[Any]) -> list[str]:
    if not isinstance(kind, (click.IntRange, click.FloatRange)):
        return []
    if kind.min is not None and kind.max is not None:
        return [f"{kind.min} to {kind.max}"]
    if kind.max is not None:
        return [f"at most {kind.max}"]
    # That a count is not negative goes without saying.
    return [f"at least {kind.min}"] if kind.min not in (0, 1) else []


_PHRASES = {
    "duration": "a duration",
    "when": "a moment",
    "size": "a size",
    "integer": "an integer",
    "file": "a file",
    "directory": "a directory",
    "path": "a file",
    "filename": "a file",
}


def _type_phrase(kind: click.ParamType[Any]) -> str | None:
    """What an argument of this type is; None where any text will do."""
    if isinstance(kind, JidType):
        return {"any": "a JID", "bare": "a bare JID", "full": "a full JID"}[kind.form]
    if isinstance(kind, click.Choice):
        return f"one of {', '.join(map(str, kind.choices))}"
    if isinstance(kind, click.IntRange):
        return ", ".join(["an integer", *_range(kind)])
    return _PHRASES.get(kind.name)


def special_exits(command: Command) -> list[tuple[str, str]]:
    """The exit codes with a meaning of their own for this command: code and when."""
    found = []
    if command.targets:
        found.append(("9", "some of the targets failed; if all failed, the code is theirs"))
    if any(option.key == "fail_empty" for option in command.shared_options()):
        found.append(("10", "with --fail-empty: nothing was found"))
    if command.monitor is not None:
        found.append(("0 to 3", "with -o nagios: OK, WARNING, CRITICAL, UNKNOWN"))
    return found


def prints(command: Command, markup: Markup) -> list[str]:
    """In sentences what the command prints; nothing where it prints no records."""
    contract = command.contract()
    if contract is None:
        return []
    record, shape = contract
    name = markup.record(record)
    sentences = [
        {
            "object": f"Prints one {name} record.",
            "array": f"Prints an array of {name} records.",
            "stream": f"Prints {name} records, each as soon as it is there.",
        }[shape],
        f"{markup.code('-o plain')} prints {markup.code(fields.identifying(record).key)}.",
    ]
    if command.monitor is not None:
        formats = f"{markup.code('-o nagios')} and {markup.code('-o prometheus')}"
        sentences.append(f"It has {formats}, too.")
    return sentences


def record_fields(record: type, markup: Markup) -> list[tuple[str, str, str]]:
    """Key, type in words and description of each field of a record class."""
    return [
        (field.key, type_text(field.type, markup), field.doc or "") for field in fields.of(record)
    ]


def is_sparse(record: type) -> bool:
    """Whether fields that are null or empty are left out."""
    return bool(getattr(record, "SPARSE", False))


def records(*roots: type) -> list[type]:
    """The record classes ``roots`` and all inside them, each once, in the order of use."""
    found: list[type] = []

    def visit(hint: Any) -> None:
        for member in fields.members(hint):
            if is_dataclass(member) and isinstance(member, type):
                if member not in found:
                    found.append(member)
                    for field in fields.of(member):
                        visit(field.type)
            else:
                for inner in get_args(member):
                    visit(inner)

    for root in roots:
        visit(root)
    return found


_SCALARS: dict[Any, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    NoneType: "null",
    datetime: "time",
}


def type_text(hint: Any, markup: Markup) -> str:
    """The type of a field as its reader knows it from JSON."""
    return _listed([word for member in fields.members(hint) for word in _words(member, markup)])


def _words(hint: Any, markup: Markup) -> list[str]:
    """What a type that is no union may be: several words for one of several values."""
    if hint in _SCALARS:
        return [_SCALARS[hint]]
    arguments = get_args(hint)
    origin = get_origin(hint)
    if origin is Literal:
        return [markup.code(str(value) or '""') for value in arguments]
    if origin in (list, tuple):
        return [f"array of {type_text(arguments[0], markup)}"]
    if origin is dict:
        return [f"object, each value {type_text(arguments[1], markup)}"]
    if isinstance(hint, type) and is_dataclass(hint):
        return [markup.record(hint)]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [markup.code(str(member.value)) for member in hint]
    return ["any value"]


def _listed(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


_WITHOUT_CLASS = {
    Exit.OK: "Done, and proven by the server's answer.",
    Exit.SIGINT: "Ended by SIGINT; the stream was closed cleanly.",
    Exit.PIPE: "The reader of standard output has gone.",
    Exit.SIGTERM: "Ended by SIGTERM; the stream was closed cleanly.",
}


def exit_codes() -> list[tuple[Exit, str]]:
    """Every exit code and its meaning: the docstring of the error that has it."""
    meanings = dict(_WITHOUT_CLASS)
    for kind in XmppctlError.__subclasses__():
        if kind is not SignalError:
            meanings[kind.code] = paragraphs(kind.__doc__)[0]
    return [(code, meanings[code]) for code in Exit]
