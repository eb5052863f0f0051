"""A component that answers requests as a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from tests.peers.rawxml import RawComponent
from tests.peers.stream import StreamClosed
from tests.servers.base import Server

INFO = "{http://jabber.org/protocol/disco#info}query"

Handler = Callable[[Element], str | tuple[str, str] | None]


def info(*features: str, forms: str = "", identities: str = "") -> str:
    """What such an entity says of itself."""
    rows = "".join(f"<feature var='{feature}'/>" for feature in features)
    return f"<query xmlns='{INFO[1:-6]}'>{identities}{rows}{forms}</query>"


def form(form_type: str, *fields: tuple[str, list[str]], kind: str = "result") -> str:
    """A form with fields of these values."""
    rows = "".join(
        f"<field var='{var}'>{''.join(f'<value>{value}</value>' for value in values)}</field>"
        for var, values in (("FORM_TYPE", [form_type]), *fields)
    )
    return f"<x xmlns='jabber:x:data' type='{kind}'>{rows}</x>"


def error(condition: str, kind: str = "cancel", more: str = "") -> tuple[str, str]:
    """What a handler gives to refuse a request."""
    ns = "urn:ietf:params:xml:ns:xmpp-stanzas"
    return "error", f"<error type='{kind}'><{condition} xmlns='{ns}'/>{more}</error>"


class Service:
    """The component; ``asked``: the payloads of its requests so far, but those of disco#info."""

    def __init__(self, component: RawComponent, handler: Handler) -> None:
        self.jid = component.domain
        self.asked: list[Element] = []
        self._component = component
        self._handler = handler
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                stanza = self._component.recv(60)
            except (StreamClosed, OSError, TimeoutError):
                return
            if not stanza.tag.endswith("}iq") or stanza.get("type") not in ("get", "set"):
                continue
            if stanza[0].tag != INFO:
                self.asked.append(stanza[0])
            answer = self._handler(stanza)
            if answer is None:
                continue
            kind, payload = ("result", answer) if isinstance(answer, str) else answer
            sender, to = quoteattr(stanza.get("to", "")), quoteattr(stanza.get("from", ""))
            self._component.send(
                f"<iq type='{kind}' id='{stanza.get('id')}' from={sender} to={to}>{payload}</iq>"
            )


@contextmanager
def serving(server: Server, handler: Handler) -> Iterator[Service]:
    """A component at ``server.component``; ``handler`` gives the payload of a result, or type and
    payload, or None for silence."""
    with RawComponent.attach(server) as component:
        yield Service(component, handler)
