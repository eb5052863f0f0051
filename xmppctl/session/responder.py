"""RFC 6120 §8: answers to what others ask; every request gets one."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError
from xmppctl.session.conditions import NS_STANZAS
from xmppctl.session.xml import NS_CLIENT

IqHandler = Callable[[Element], Element | None]
"""Gets the whole iq of type get or set; gives the payload of the result (None: an empty one), or
raises RefusedError whose condition goes into the error."""

PING = "{urn:xmpp:ping}ping"
"""The payload of a ping (XEP-0199)."""

_IQ = f"{{{NS_CLIENT}}}iq"


class Responder:
    """The handlers of one session, by the ``{namespace}name`` of the payload."""

    def __init__(self) -> None:
        self._handlers: dict[str, IqHandler] = {PING: lambda iq: None}

    def handle(self, tag: str, handler: IqHandler) -> None:
        """From now on requests with this payload go to ``handler``."""
        self._handlers[tag] = handler

    def reply(self, iq: Element) -> Element:
        """The answer to a request, an error where nobody handles it (§8.4)."""
        payload = next(iter(iq), None)
        handler = self._handlers.get(payload.tag) if payload is not None else None
        reply = Element(_IQ, {"id": iq.get("id", "")})
        if iq.get("from") is not None:
            reply.set("to", iq.get("from", ""))
        try:
            if handler is None:
                raise RefusedError("", condition="service-unavailable")
            result = handler(iq)
            reply.set("type", "result")
            if result is not None:
                reply.append(result)
        except RefusedError as error:
            reply.set("type", "error")
            child = SubElement(reply, f"{{{NS_CLIENT}}}error", {"type": error.type or "cancel"})
            SubElement(child, f"{{{NS_STANZAS}}}{error.condition}")
        return reply
