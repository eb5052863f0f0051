"""What the verbs of ``xmppctl pep`` have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from xmppctl import standins
from xmppctl.cli.params import BARE_JID, TEXT
from xmppctl.cli.texts import check_characters
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from xmppctl.protocol.pepvalues import Value
    from xmppctl.session import Session

F = TypeVar("F", bound=Callable[..., Any])
R_co = TypeVar("R_co", covariant=True)

contact = click.argument("jid", type=BARE_JID, required=False)
clear = click.option("--clear", is_flag=True, help="Tell it no longer.")
text = click.option("--text", type=TEXT, metavar="TEXT", help="A description or reason.")

_ACCESS = ("presence", "open", "whitelist", "roster")


def publishing(callback: F) -> F:
    """``--access`` and ``--reconfigure``."""
    for option in (
        click.option("--reconfigure", is_flag=True,
                     help="With --access: change who may read a node that is there already."),
        click.option("--access", type=click.Choice(_ACCESS),
                     help="Who may read it; the server's default without."),
    ):  # fmt: skip
        callback = option(callback)
    return callback


class Words:
    """Completion of a value from a list that is loaded only then."""

    def __init__(self, known: Callable[[], Sequence[str]]) -> None:
        self._known = known

    def __call__(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        """The words that begin so."""
        return [word for word in self._known() if word.startswith(incomplete)]


def check_word(word: str, known: Sequence[str], what: str, *, force: bool) -> None:
    """Raise UsageError for a ``word`` that is not ``known``; with ``force``, for no name at all."""
    import re

    if re.fullmatch("[A-Za-z_][A-Za-z0-9_.-]*", word, re.ASCII) is None or word == "text":
        raise UsageError(f"{word!r} is not {what}, and cannot be a name at all")
    if force or word in known:
        return
    close = standins.real("difflib").get_close_matches(word, known, 1)
    meant = f"did you mean {close[0]}? " if close else ""
    raise UsageError(
        f"{word!r} is not {what}",
        hint=f"{meant}completion (TAB) lists them; --force publishes it all the same",
    )


def check(
    options: Mapping[str, Any], *, given: bool, only_set: Sequence[str] = (), setting: str = "--set"
) -> None:
    """Raise UsageError for options that do not go together; ``given``: a value is to be set.

    ``only_set``: the names of options that need ``setting``.
    """
    jid, clearing = options["jid"], options["clear"]
    if given and clearing:
        raise UsageError(f"{setting} and --clear exclude each other")
    if jid is not None and (given or clearing):
        raise UsageError(
            f"JID and {setting if given else '--clear'} exclude each other",
            hint="only the own account can be changed, the one of --jid or --account",
        )
    for name in only_set:
        if options[name] not in (None, False, ()) and not given:
            raise UsageError(f"--{name.replace('_', '-')} is for {setting}")
    for name in ("access", "reconfigure"):
        if options[name] and not given and not clearing:
            raise UsageError(f"--{name} is for {setting} and --clear")
    if options["reconfigure"] and options["access"] is None:
        raise UsageError("--reconfigure needs --access")
    for param in click.get_current_context().command.params:
        value = options.get(param.name or "")
        if isinstance(value, str):
            option = isinstance(param, click.Option)
            check_characters(f"value of {param.opts[0]}" if option else f"{param.name}", value)


def want(options: Mapping[str, Any]) -> dict[str, str]:
    """What the node has to be, as ``pep.publish`` takes it."""
    access: str | None = options["access"]
    return {} if access is None else {"access_model": access}


class Kind(Protocol[R_co]):
    """A module of ``protocol.pepvalues`` for one kind of value."""

    NODE: str
    TAG: str

    def read(self, jid: str, value: Value) -> R_co: ...


async def tell(
    session: Session, kind: Kind[R_co], payload: Element | None, options: Mapping[str, Any]
) -> R_co:
    """Publish ``payload``, or with None show what ``jid`` tells."""
    from xmppctl.protocol import pepvalues

    jid: Jid | None = options["jid"]
    if payload is None:
        value = await pepvalues.fetch(session, kind.NODE, jid, kind.TAG)
    else:
        value = await pepvalues.publish(
            session, kind.NODE, payload, want(options), reconfigure=options["reconfigure"]
        )
    return kind.read(pepvalues.owner(session, jid), value)
