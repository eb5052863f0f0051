"""Whose nodes a verb of ``pubsub`` is about, and which of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from xmppctl.cli.params import JidType, TextType
from xmppctl.cli.texts import check_characters
from xmppctl.errors import UsageError
from xmppctl.model.jid import Jid
from xmppctl.records import dataclass

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    _Type = click.ParamType[Any]
else:
    # Not every Click that will do can be subscripted here.
    _Type = click.ParamType

SELF = "self"


@dataclass(frozen=True)
class Service:
    """A service or an account; ``jid`` None is the own account, as operations want it."""

    jid: Jid | None

    def __str__(self) -> str:
        """As it was given."""
        return SELF if self.jid is None else str(self.jid)


class ServiceType(_Type):
    """The bare JID of a service or of an account, or ``self``; the value is a ``Service``."""

    name = "service"

    def __init__(self) -> None:
        self._jid = JidType("bare")

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Service:
        """The service; fails on text that is no bare JID."""
        if isinstance(value, Service):
            return value
        return Service(None if value == SELF else self._jid.convert(value, param, ctx))

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The word for the own account."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(SELF)] if SELF.startswith(incomplete) else []


class NodeType(TextType):
    """The name of a node: any text that XMPP can carry."""

    name = "node"

    def __init__(self) -> None:
        super().__init__(empty=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name itself."""
        text = super().convert(value, param, ctx)
        check_characters("name of the node", text)
        return text


def place(first: str, second: str | None) -> tuple[Service, str]:
    """The service and the node of ``[SVC] NODE``: without SVC the node is the own account's.

    Raises UsageError.
    """
    if second is None:
        if first == SELF:
            raise UsageError("which node of the own account?", hint="xmppctl pubsub nodes self")
        return Service(None), first
    try:
        return SERVICE.convert(first, None, None), second
    except click.BadParameter as error:
        raise UsageError(f"SVC: {error.message}") from None


def pairs(flag: str, given: Sequence[str]) -> dict[str, list[str]]:
    """The values by name of ``flag NAME=VALUE``, which may be repeated. Raises UsageError."""
    found: dict[str, list[str]] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UsageError(f"{flag} {each!r} is not NAME=VALUE")
        check_characters(f"{flag} {name}", name, value)
        found.setdefault(name, []).append(value)
    return found


SERVICE = ServiceType()
NODE = NodeType()

service = click.argument("service", metavar="SVC", type=SERVICE)
node = click.argument("node", metavar="NODE", type=NODE)
optional_node = click.argument("node", metavar="[NODE]", type=NODE, required=False)
service_or_node = click.argument("first", metavar="[SVC]", type=NODE)
node_behind = click.argument("second", metavar="NODE", type=NODE, required=False)
if_exists = click.option("--if-exists", is_flag=True, help="What is not there is no error.")
