"""XEP-0447 and XEP-0446: the message that shares a file, with the facts about it."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.file import SharedFile
from xmppctl.model.jid import Jid
from xmppctl.protocol import Xep, hashes, oob
from xmppctl.protocol.send import Outgoing, compose

XEPS = (
    Xep("0428", "0.2.1", "partial", "marks the URL in the body of a shared file"),
    Xep("0446", "0.2.0", "partial", "sends name, size, media type and SHA-256"),
    Xep("0447", "0.3.1", "partial", "sends files that were uploaded"),
)

NS = "urn:xmpp:sfs:0"
NS_FILE = "urn:xmpp:file:metadata:0"
NS_URL = "http://jabber.org/protocol/url-data"
NS_FALLBACK = "urn:xmpp:fallback:0"


def message(
    to: Jid, url: str, *, id: str, type: str = "chat", facts: SharedFile | None = None
) -> Outgoing:
    """A message that gives somebody the URL of a file.

    Body and out-of-band URL (XEP-0066) are the same, so that clients show the file in place; with
    ``facts`` the file is described too.
    """
    outgoing = compose(to, id=id, body=url, type=type)
    oob.attach(outgoing.stanza, url)
    if facts is not None:
        attach(outgoing.stanza, facts)
    return outgoing


def attach(stanza: Element, file: SharedFile) -> None:
    """Put the facts into a message whose whole body is the URL (XEP-0447 §3.1).

    The body is marked as a fallback, for those who understand the rest.
    """
    sharing = SubElement(stanza, f"{{{NS}}}file-sharing")
    described = SubElement(sharing, f"{{{NS_FILE}}}file")
    for name, text in (
        ("media-type", file.media_type),
        ("name", file.name),
        ("size", str(file.size)),
    ):
        SubElement(described, f"{{{NS_FILE}}}{name}").text = text
    described.append(hashes.element("sha-256", bytes.fromhex(file.sha256)))
    sources = SubElement(sharing, f"{{{NS}}}sources")
    SubElement(sources, f"{{{NS_URL}}}url-data", {"target": file.url})
    fallback = SubElement(stanza, f"{{{NS_FALLBACK}}}fallback", {"for": NS})
    SubElement(fallback, f"{{{NS_FALLBACK}}}body")
