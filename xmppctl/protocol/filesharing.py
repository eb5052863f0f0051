"""XEP-0447 and XEP-0446: the message that shares a file that was uploaded."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from xmppctl.model.file import SharedFile
from xmppctl.model.jid import Jid
from xmppctl.model.payload.file import MessageFile
from xmppctl.protocol.payload import files, oob
from xmppctl.protocol.send import Outgoing, compose


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


def attach(stanza: Element, file: SharedFile, *, is_body: bool = True) -> None:
    """Put the facts into a message; ``is_body``: its whole body is the URL (XEP-0447 §3.1)."""
    described = MessageFile(
        source="sfs",
        name=file.name,
        size=file.size,
        media_type=file.media_type,
        hashes={"sha-256": file.sha256},
        urls=[file.url],
    )
    files.attach(stanza, described, is_body=is_body)
