"""What a run did on the wire: the current step, facts for ``-v``, stanzas for ``--debug-xml``.

Credentials never pass: the elements that carry them are shown with their content replaced.
"""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Callable
from xml.etree.ElementTree import Element

from xmppctl.session.xml import XmlError, parse, serialise, split

REDACTED = "[redacted]"

_SECRET_ELEMENTS = {
    "auth", "response", "challenge", "success", "authenticate", "initial-response",
    "additional-data", "password", "token", "secret", "key", "digest", "secretkey",
}  # fmt: skip
_SECRET_ATTRIBUTES = {"password", "token", "secret"}
_SECRET_FIELDS = {
    "password", "old_password", "password-verify", "muc#roomconfig_roomsecret", "secret",
    "token", "pre-auth", "landing-url",
}  # fmt: skip
_IN_URI = re.compile(r"(preauth=)[^;&#\s]+")
"""The token of an invitation (XEP-0379, XEP-0445)."""

_TRANSPORTS = {"tcp": "TCP", "websocket": "WebSocket", "bosh": "BOSH"}

_SECRET_HEADERS = {"authorization", "cookie"}


class Trace:
    """Listens to a connection; every callback is optional.

    ``note(text)`` gets the facts that ``-v`` shows, ``xml(direction, text)`` every element
    ("out" or "in"), already redacted.
    """

    def __init__(
        self,
        note: Callable[[str], None] | None = None,
        xml: Callable[[str, str], None] | None = None,
    ) -> None:
        self.step = "start"
        self.round_trips = 0
        self.milliseconds: dict[str, float] = {}
        self.facts: dict[str, str] = {}
        self._note = note
        self._xml = xml
        self._since = time.perf_counter()
        self._waiting = False

    def enter(self, step: str) -> None:
        """The run goes on to ``step``; the time since the last call belongs to the one before."""
        now = time.perf_counter()
        spent = (now - self._since) * 1000
        self.milliseconds[self.step] = self.milliseconds.get(self.step, 0.0) + spent
        self.step, self._since = step, now

    def beside(self) -> Trace:
        """The trace of another connection of the same run, for the same listeners."""
        return Trace(self._note, self._xml)

    def note(self, text: str) -> None:
        """Tell a fact to whoever asked for ``-v``."""
        if self._note is not None:
            self._note(text)

    def fact(self, name: str, value: str) -> None:
        """Remember a fact of the connection (host, tls, mechanism, ...)."""
        self.facts[name] = value

    def way(self) -> str:
        """The way that the login took, in words; empty where there are no facts of it."""
        facts = {name: value for name, value in self.facts.items() if value}
        parts = [facts["peer"]] if "peer" in facts else []
        if "address" in facts:
            parts.append(f"({facts['address']})")
        if "transport" in facts:
            parts.append(f"by {_TRANSPORTS.get(facts['transport'], facts['transport'])}")
        if "tls" in facts:
            parts.append(f"over {facts['tls']}")
        if "mechanism" in facts:
            parts.append(f"with {facts['mechanism']}")
            if "channel_binding" in facts:
                parts.append(f"bound by {facts['channel_binding']}")
        if facts.get("sasl") == "sasl2":
            parts.append("(SASL2)")
        return " ".join(parts)

    def sent(self, element: Element | str) -> None:
        """Something went out; the first thing that comes in after it ends a round trip."""
        self._waiting = True
        if self._xml is not None:
            self._xml("out", redacted(element))

    def received(self, element: Element | str) -> None:
        """Something came in."""
        if self._waiting:
            self._waiting = False
            self.round_trips += 1
        if self._xml is not None:
            self._xml("in", redacted(element))


def redacted(element: Element | str) -> str:
    """The element as text without any credential, token or key.

    Text that is no element, such as the header of a stream, comes back as it is.
    """
    try:
        clean = parse(element, whole=False) if isinstance(element, str) else copy.deepcopy(element)
    except XmlError:
        return str(element)
    for node in clean.iter():
        _, name = split(node.tag)
        if name in _SECRET_ELEMENTS and (node.text or not len(node)):
            if node.text:
                node.text = REDACTED
        elif name == "field" and (
            node.get("var", "").lower() in _SECRET_FIELDS or node.get("type") == "text-private"
        ):
            for child in node:
                if split(child.tag)[1] == "value":
                    child.text = REDACTED
        elif name == "header" and node.get("name", "").lower() in _SECRET_HEADERS:
            node.text = REDACTED
        elif node.text and "preauth=" in node.text:
            node.text = _IN_URI.sub(rf"\1{REDACTED}", node.text)
        for key in node.keys():  # noqa: SIM118 - Element is not a mapping
            if split(key)[1] in _SECRET_ATTRIBUTES:
                node.set(key, REDACTED)
    return serialise(clean, "")
