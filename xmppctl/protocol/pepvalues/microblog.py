"""XEP-0277 and XEP-0472: a microblog: entries of Atom (RFC 4287) in a node of the account."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from xmppctl.model.jid import Jid
from xmppctl.model.pep import Post
from xmppctl.protocol import Xep, pepvalues, xhtml
from xmppctl.protocol.dates import parse_datetime
from xmppctl.protocol.pubsub import Item
from xmppctl.protocol.pubsub.atom import ENTRY, NS
from xmppctl.session.stream import Session

XEPS = (
    Xep("0277", "0.6.5", "partial", "posts are published and listed; no comments, no repeating"),
    Xep(
        "0472", "0.2.1", "partial", "posts of the own microblog are published, those of any listed"
    ),
)

NODE = "urn:xmpp:microblog:0"

WANT: Mapping[str, str] = {
    "persist_items": "1",
    "max_items": "max",
    "notify_retract": "1",
    "send_last_published_item": "never",
}
"""What the node has to be (XEP-0472 §5.1), as ``pep.publish`` takes it."""


async def fetch(session: Session, jid: Jid | None, last: int) -> list[Post]:
    """The newest posts of the microblog of ``jid``, oldest first. Raises as ``pepvalues.fetch``."""
    by = pepvalues.owner(session, jid)
    found = await pepvalues.of(session, NODE, jid, last=last)
    posts = [read(by, item) for item in found if item.payload.tag == ENTRY]
    # as they were published; a service may have them by their last change, or backwards
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(posts, key=lambda post: post.published or post.updated or never)


def read(jid: str, item: Item) -> Post:
    """An entry; what it lacks is null."""
    entry = item.payload
    author = entry.find(f"{{{NS}}}author")
    links = (each.get("href", "").strip() for each in entry.findall(f"{{{NS}}}link"))
    tags = (each.get("term", "").strip() for each in entry.findall(f"{{{NS}}}category"))
    content = _text(entry, "content")
    return Post(
        jid=jid,
        id=item.id,
        title=_text(entry, "title"),
        text=content if content is not None else _text(entry, "summary"),
        author=None if author is None else _text(author, "name"),
        author_uri=None if author is None else _text(author, "uri"),
        published=_date(entry, "published"),
        updated=_date(entry, "updated"),
        atom_id=_text(entry, "id"),
        links=[each for each in links if each],
        tags=[each for each in tags if each],
        publisher=item.publisher,
    )


def _text(parent: Element, name: str) -> str | None:
    """The plain text of the element; of several, of the one that is plain (XEP-0472 §4.2)."""
    found = parent.findall(f"{{{NS}}}{name}")
    chosen = next((each for each in found if each.get("type", "text") == "text"), None)
    if chosen is None:
        chosen = next(iter(found), None)
    if chosen is None:
        return None
    markup = chosen.find(f"{{{xhtml.NS}}}div")
    told = "".join(chosen.itertext()) if markup is None else xhtml.plain(markup)
    return told.strip() or None


def _date(parent: Element, name: str) -> datetime | None:
    with suppress(ValueError):
        return parse_datetime(_text(parent, name) or "")
    return None
