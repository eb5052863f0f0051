"""Displayed markers (XEP-0333): asking for one, and giving one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.send.parts import Part, Values
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def _asks(values: Values) -> bool:
    return bool(values["markable"]) or values.get("wait") == "displayed"


def _check(values: Values) -> None:
    if values["markable"] and values.get("multicast"):
        raise UsageError("--multicast and --markable exclude each other")
    if values["displayed"] is None:
        return
    check_characters("id", values["displayed"])
    if _asks(values) or values.get("receipt") or values.get("wait") == "received":
        raise UsageError("--displayed is an answer itself: nothing can be asked for with it")
    for name in ("stdin_lines", "multicast"):
        if values.get(name):
            raise UsageError("--displayed is one message, to one person or room")
    if values.get("stanza") is not None:
        raise UsageError("--displayed and --stanza exclude each other")


def _attach(stanza: Element, values: Values) -> None:
    from xmppctl.protocol.payload import markers

    if _asks(values):
        markers.request(stanza)
    if values["displayed"] is not None:
        markers.tell_displayed(stanza, values["displayed"])


PARTS = (Part(
    heading="Delivery",
    options=(
        click.option("--markable", is_flag=True, help="Ask for a displayed marker (XEP-0333)."),
        click.option("--displayed", type=NONEMPTY, metavar="ID",
                     help="Say that the message with this id was displayed; needs no text. "
                     "In a room: the id that the room gave it."),
    ),
    check=_check,
    attach=_attach,
    speaks=lambda values: values["displayed"] is not None,
),)  # fmt: skip
