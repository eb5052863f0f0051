"""RFC 6121 §5: messages as they go out, made here or written elsewhere."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import ErrorInfo
from xmppctl.model.jid import Jid
from xmppctl.model.sent import SendResult
from xmppctl.records import dataclass
from xmppctl.session.stream import MESSAGE
from xmppctl.session.xml import LANG, NS_CLIENT

NS_STANZA_ID = "urn:xmpp:sid:0"
_ORIGIN_ID = f"{{{NS_STANZA_ID}}}origin-id"


@dataclass(frozen=True)
class Outgoing:
    """A message to be sent: ``stanza`` as it goes out, with ``to`` and ``id`` filled in."""

    to: Jid
    stanza: Element

    @property
    def id(self) -> str:
        """The id of the stanza."""
        return self.stanza.get("id", "")

    @property
    def result(self) -> SendResult:
        """The result as long as nothing is known."""
        return self.outcome()

    def outcome(
        self, *, acked: bool = False, confirmed: bool = False, error: ErrorInfo | None = None
    ) -> SendResult:
        """The result when that much is known."""
        origin = self.stanza.find(_ORIGIN_ID)
        return SendResult(
            to=str(self.to),
            id=self.id,
            origin_id=origin.get("id") if origin is not None else None,
            acked=acked,
            confirmed=confirmed,
            error=error,
        )

    def refused(self, error: ErrorInfo) -> SendResult:
        """The result of a message that was not sent."""
        return self.outcome(error=error)


def compose(
    to: Jid,
    *,
    id: str,
    body: str | None = None,
    type: str = "chat",
    subject: str | None = None,
    thread: str | None = None,
    parent: str | None = None,
    lang: str | None = None,
) -> Outgoing:
    """A message stanza with an origin id equal to its id (XEP-0359 §3.2).

    ``parent``: the thread that ``thread`` is a branch of (RFC 6121 §5.2.5).
    """
    stanza = Element(MESSAGE, {"to": str(to), "id": id, "type": type})
    if lang is not None:
        stanza.set(LANG, lang)
    for name, text in (("subject", subject), ("body", body), ("thread", thread)):
        if text is not None:
            child = SubElement(stanza, f"{{{NS_CLIENT}}}{name}")
            child.text = text
            if name == "thread" and parent is not None:
                child.set("parent", parent)
    SubElement(stanza, _ORIGIN_ID, {"id": id})
    return Outgoing(to, stanza)


def add_body(stanza: Element, lang: str, text: str) -> None:
    """The same text in one more language (RFC 6121 §5.2.3)."""
    SubElement(stanza, f"{{{NS_CLIENT}}}body", {LANG: lang}).text = text


def adopt(stanza: Element, to: Jid, *, id: str) -> Outgoing:
    """A stanza that was written elsewhere: addressed to ``to``, with ``id`` where it has none."""
    stanza.set("to", str(to))
    stanza.attrib.pop("from", None)
    if not stanza.get("id"):
        stanza.set("id", id)
    return Outgoing(to, stanza)
