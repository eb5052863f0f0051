"""XEP-0115: what this client says about itself, in its presence and when it is asked.

Answers go to those who may see the presence: contacts with a subscription, the own account and
server, and rooms that the client is in. For everybody else there is nobody here (XEP-0030 §8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement

from xmppctl import __version__
from xmppctl.errors import RefusedError
from xmppctl.model.jid import lenient
from xmppctl.protocol import Xep, caps
from xmppctl.protocol.dates import format_datetime
from xmppctl.session.stream import Session

XEPS = (
    Xep("0115", "1.6.0", "partial", "in the presence of listeners, to contacts and in rooms"),
    Xep("0153", "1.1.1", "partial", "presence says that nothing is known of the avatar"),
    Xep("0092", "1.1", "partial", "listeners answer their contacts"),
    Xep("0202", "2.0", "partial", "listeners answer their contacts"),
)

NS = caps.NS
NODE = "https://github.com/xmppctl/xmppctl"

_NS_INFO = "http://jabber.org/protocol/disco#info"
_NS_TIME = "urn:xmpp:time"
_NS_VERSION = "jabber:iq:version"
_NS_PING = "urn:xmpp:ping"
_NS_AVATAR = "vcard-temp:x:update"

_CATEGORY, _TYPE, _NAME = "client", "console", "xmppctl"

_PAYLOADS = frozenset(
    {
        "http://jabber.org/protocol/address",
        "http://jabber.org/protocol/nick",
        "http://jabber.org/protocol/xhtml-im",
        "jabber:x:conference",
        "jabber:x:oob",
        "urn:xmpp:eme:0",
        "urn:xmpp:fallback:0",
        "urn:xmpp:forward:0",
        "urn:xmpp:json-msg:0",
        "urn:xmpp:markup:0",
        "urn:xmpp:mentions:0",
        "urn:xmpp:message-correct:0",
        "urn:xmpp:message-retract:1",
        "urn:xmpp:reactions:0",
        "urn:xmpp:reference:0",
        "urn:xmpp:reply:0",
        "urn:xmpp:sec-label:0",
        "urn:xmpp:sfs:0",
        "urn:xmpp:spoiler:0",
        "urn:xmpp:styling:0",
    }
)
"""What is understood and shown in messages."""

FEATURES = frozenset({_NS_INFO, _NS_TIME, _NS_VERSION, _NS_PING, NS}) | _PAYLOADS
"""What every listening client can do."""


def verification(features: Iterable[str]) -> str:
    """The ``ver`` of the one identity of this client with these features (§5.1)."""
    return caps.verification(_info(features))


def _info(features: Iterable[str], node: str | None = None) -> Element:
    query = Element(f"{{{_NS_INFO}}}query", {} if node is None else {"node": node})
    identity = {"category": _CATEGORY, "type": _TYPE, "name": _NAME}
    SubElement(query, f"{{{_NS_INFO}}}identity", identity)
    for feature in sorted(features):
        SubElement(query, f"{{{_NS_INFO}}}feature", {"var": feature})
    return query


def decorate(presence: Element, features: Iterable[str]) -> None:
    """Put ``<c/>`` into a presence, and that the avatar is not known."""
    SubElement(
        presence, f"{{{NS}}}c", {"hash": "sha-1", "node": NODE, "ver": verification(features)}
    )
    leave_avatar(presence)


def leave_avatar(presence: Element) -> None:
    """Say in a presence that the avatar is not known (XEP-0153 §4.1); in a join too.

    Without that other clients of the account would have to stop showing theirs (§4.3).
    """
    SubElement(presence, f"{{{_NS_AVATAR}}}x")


def _nobody_asks(iq: Element) -> None:
    """Nobody wants to know."""


def answer_questions(
    session: Session,
    features: Iterable[str],
    trusted: Callable[[str], bool],
    asked: Callable[[Element], None] = _nobody_asks,
) -> None:
    """From now on answer disco#info, version, time and ping.

    ``trusted`` says of a bare JID whether it may know that somebody is here. ``asked`` is told of
    each disco#info that is about to be answered.
    """
    features = sorted(features)
    nodes = (None, "", f"{NODE}#{verification(features)}")

    def check(iq: Element) -> Element:
        sender = iq.get("from")
        own = (session.bare, session.domain)
        bare = session.bare if sender is None else str(lenient(sender).bare)
        if iq.get("type") != "get" or not (bare in own or trusted(bare)):
            raise RefusedError("", condition="service-unavailable")
        return iq[0]

    def info(iq: Element) -> Element:
        node = check(iq).get("node")
        if node not in nodes:
            raise RefusedError("", condition="item-not-found")
        asked(iq)
        return _info(features, node)

    def version(iq: Element) -> Element:
        check(iq)
        query = Element(f"{{{_NS_VERSION}}}query")
        SubElement(query, f"{{{_NS_VERSION}}}name").text = _NAME
        SubElement(query, f"{{{_NS_VERSION}}}version").text = __version__
        return query

    def time(iq: Element) -> Element:
        check(iq)
        now = datetime.now().astimezone().replace(microsecond=0)
        answer = Element(f"{{{_NS_TIME}}}time")
        SubElement(answer, f"{{{_NS_TIME}}}tzo").text = now.isoformat()[-6:]
        SubElement(answer, f"{{{_NS_TIME}}}utc").text = format_datetime(now)
        return answer

    def ping(iq: Element) -> None:
        check(iq)

    session.handle_iq(f"{{{_NS_INFO}}}query", info)
    session.handle_iq(f"{{{_NS_VERSION}}}query", version)
    session.handle_iq(f"{{{_NS_TIME}}}time", time)
    session.handle_iq(f"{{{_NS_PING}}}ping", ping)
