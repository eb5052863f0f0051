"""An entity that answers an operation's requests, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from xml.etree.ElementTree import Element, fromstring

from tests.unit.session.streams import come, make_session
from xmppctl.model.disco import DiscoInfo
from xmppctl.protocol import disco
from xmppctl.session.stream import Session

INFO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"

Handler = Callable[[Element], str | tuple[str, str] | None]


def error(condition: str, kind: str = "cancel") -> tuple[str, str]:
    """What a handler gives to refuse a request."""
    return "error", f"<error type='{kind}'><{condition} xmlns='{STANZAS}'/></error>"


def info(*features: str, forms: str = "", identities: str = "") -> str:
    """A ``<query/>`` of disco#info."""
    rows = "".join(f"<feature var='{feature}'/>" for feature in features)
    return f"<query xmlns='{INFO}'>{identities}{rows}{forms}</query>"


def form(form_type: str, *fields: tuple[str, list[str]], kind: str = "result") -> str:
    """A form with fields of these values."""
    rows = "".join(
        f"<field var='{var}'>{''.join(f'<value>{value}</value>' for value in values)}</field>"
        for var, values in (("FORM_TYPE", [form_type]), *fields)
    )
    return f"<x xmlns='jabber:x:data' type='{kind}'>{rows}</x>"


def read_info(query: str) -> DiscoInfo:
    """The record of such a ``<query/>`` of shakespeare.lit."""
    return disco.read_info(fromstring(query), "shakespeare.lit", None)


class Serving:
    """``handler`` takes each iq, and gives the payload of a result, or type and payload.

    None leaves it unanswered. ``asked``: the iqs so far.
    """

    def __init__(self, handler: Handler, features: str = "<f/>") -> None:
        self.session, self.wire, self.transport = make_session(features)
        self._handler = handler
        self.asked: list[Element] = []

    def run(self, operation: Callable[[Session], Coroutine[Any, Any, Any]]) -> Any:
        """The result of an operation on the session."""

        async def both() -> Any:
            task = asyncio.ensure_future(operation(self.session))
            while not task.done():
                await asyncio.sleep(0)
                text = self.transport.text
                for stanza in fromstring(f"<s xmlns='jabber:client'>{text}</s>") if text else ():
                    self._take(stanza)
            return task.result()

        return asyncio.run(both())

    def _take(self, iq: Element) -> None:
        self.asked.append(iq)
        answer = self._handler(iq)
        if answer is None:
            return
        kind, payload = ("result", answer) if isinstance(answer, str) else answer
        to = iq.get("to")
        sender = "" if to is None else f" from='{to}'"
        come(self.wire, f"<iq type='{kind}' id='{iq.get('id')}'{sender}>{payload}</iq>")
