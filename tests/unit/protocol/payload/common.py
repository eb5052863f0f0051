"""Messages as the stream brings them, read into records."""

from collections.abc import Callable

from xmppctl.model.message import Message
from xmppctl.protocol import message
from xmppctl.protocol.payload import Context
from xmppctl.session.xml import parse

OWN = "romeo@montague.example"
SENDER = "juliet@capulet.example/balcony"
ROOM = "coven@chat.shakespeare.example"


def read(
    inside: str,
    *,
    sender: str = SENDER,
    kind: str = "chat",
    room: str | None = None,
    features: frozenset[str] = frozenset(),
    note: Callable[[str], None] = lambda text: None,
    raw: bool = False,
) -> Message:
    """The record of a message of ``sender`` with these children; ``room`` vouches for it."""
    stanza = parse(
        f"<message xmlns='jabber:client' from='{sender}' to='{OWN}' type='{kind}' id='m1'>"
        f"{inside}</message>"
    )
    return message.read(stanza, Context(OWN, room, features, note=note), raw=raw)
