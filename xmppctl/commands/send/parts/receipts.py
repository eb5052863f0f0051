"""Delivery receipts (XEP-0184): asking for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl.commands.send.parts import Part, Values
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def _asks(values: Values) -> bool:
    return bool(values["receipt"]) or values.get("wait") in ("received", "displayed")


def _check(values: Values) -> None:
    if _asks(values) and (values.get("muc") or values.get("kind") == "groupchat"):
        raise UsageError("rooms give no receipts: every occupant would have to answer")
    if values["receipt"] and values.get("multicast"):
        raise UsageError("--multicast and --receipt exclude each other")


def _attach(stanza: Element, values: Values) -> None:
    if _asks(values):
        from xmppctl.protocol.payload import receipts

        receipts.request(stanza)


PARTS = (Part(
    heading="Delivery",
    options=(
        click.option("--receipt", is_flag=True, help="Ask for a delivery receipt (XEP-0184)."),
    ),
    check=_check,
    attach=_attach,
),)  # fmt: skip
