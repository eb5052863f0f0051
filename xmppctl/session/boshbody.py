"""The <body/> of BOSH (XEP-0124, XEP-0206): what is written, what is read, how a session ends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from xmppctl.errors import ConnectError, XmppctlError
from xmppctl.session.httpreply import Reply
from xmppctl.session.weblink import SeeOtherUriError
from xmppctl.session.xml import NS_CLIENT, XmlError, parse, quote

NS = "http://jabber.org/protocol/httpbind"
NS_XBOSH = "urn:xmpp:xbosh"

WAIT = 60
"""Longest time that a request may wait for something to tell, in seconds."""

_ATTRIBUTE = r"""\s+[^\s=/>]+\s*=\s*(?:"[^"]*"|'[^']*')"""
_TAG = re.compile(rf"<[^\s/>]+((?:{_ATTRIBUTE})*)")
_NAMESPACE = re.compile(r"\sxmlns\s*=")

# the deprecated codes of connection managers that know no conditions (§17.1)
_BY_STATUS = {400: "bad-request", 403: "policy-violation", 404: "item-not-found"}

_WORDS = {
    "bad-request": "it does not understand the request",
    "host-gone": "the domain is no longer served",
    "host-unknown": "it does not know the domain",
    "improper-addressing": "it misses the domain",
    "internal-server-error": "it failed",
    "item-not-found": "it does not know the session, or knows it no longer",
    "other-request": "another request ended the session",
    "policy-violation": "the session broke a rule of it",
    "remote-connection-failed": "it cannot reach the XMPP server",
    "remote-stream-error": "the XMPP server ended the stream",
    "system-shutdown": "it is being shut down",
    "undefined-condition": "it ended the session",
}


def creation(to: str, sender: str | None) -> str:
    """The body that asks for a session, without ``rid``."""
    by = f" from={quote(sender)}" if sender else ""
    return (
        f"<body xmlns='{NS}' xmlns:xmpp='{NS_XBOSH}' content='text/xml; charset=utf-8' hold='1'"
        f" wait='{WAIT}' ver='1.6' xmpp:version='1.0' to={quote(to)}{by}/>"
    )


def restart(to: str, sender: str | None) -> str:
    """The body that opens the stream anew behind SASL (XEP-0206 §5)."""
    by = f" from={quote(sender)}" if sender else ""
    return f"<body xmlns='{NS}' xmlns:xmpp='{NS_XBOSH}' xmpp:restart='true' to={quote(to)}{by}/>"


PLAIN = f"<body xmlns='{NS}'/>"
TERMINATE = f"<body xmlns='{NS}' type='terminate'/>"


def written(frame: str, rid: int, sid: str | None, payload: Sequence[str]) -> bytes:
    """One of the bodies above with its number, its session and what it carries."""
    session = f" sid={quote(sid)}" if sid is not None else ""
    head = f"{frame[:-2]} rid='{rid}'{session}"
    inside = "".join(map(qualified, payload))
    return (f"{head}>{inside}</body>" if inside else f"{head}/>").encode()


def qualified(text: str) -> str:
    """An element as text with its namespace, which elements of a stream inherit."""
    match = _TAG.match(text)
    if match is None or _NAMESPACE.search(_without_values(match[1])):
        return text
    name_end = match.start(1)
    return f"{text[:name_end]} xmlns='{NS_CLIENT}'{text[name_end:]}"


def _without_values(attributes: str) -> str:
    return re.sub(r"""=\s*(?:"[^"]*"|'[^']*')""", "= ", attributes)


class Body(NamedTuple):
    """A body that came: attributes (those of XEP-0206 without namespace), and elements."""

    attributes: dict[str, str]
    elements: list[Element]

    @property
    def kind(self) -> str:
        """'terminate', 'error' (the request is to be repeated), or ''."""
        return self.attributes.get("type", "")

    def number(self, name: str, default: int) -> int:
        """A number of the session's creation."""
        text = self.attributes.get(name, "")
        return int(text) if text.isdecimal() and len(text) < 10 else default


def read(reply: Reply, peer: str, step: str) -> Body:
    """The body in an HTTP response; the deprecated statuses become the conditions they mean.

    Raises ConnectError for any other status and for what is no body.
    """
    if reply.status in _BY_STATUS:
        condition = _BY_STATUS[reply.status]
        return Body({"type": "terminate", "condition": condition, "status": str(reply.status)}, [])
    if reply.status != 200:
        raise ConnectError(
            f"{peer}: HTTP status {reply.status} {reply.reason[:100]}".rstrip(),
            step=step,
            condition="http-error",
            by=peer,
        )
    try:
        root = parse(reply.body, whole=False)
    except XmlError as error:
        raise _no_bosh(peer, step, str(error)) from None
    if root.tag != f"{{{NS}}}body":
        raise _no_bosh(peer, step, "its answer is no BOSH body")
    attributes = {name.rpartition("}")[2]: value for name, value in root.items()}
    return Body(attributes, list(root))


def _no_bosh(peer: str, step: str, why: str) -> ConnectError:
    return ConnectError(
        f"{peer} does not speak BOSH as it should ({why})",
        step=step,
        condition="not-well-formed",
        by=peer,
    )


def ended(body: Body, peer: str, step: str) -> XmppctlError | None:
    """Why a body of type 'terminate' ends the session, None where it just does (§17.2)."""
    condition = body.attributes.get("condition")
    if condition is None:
        return None
    if condition == "see-other-uri":
        uri = next((each.text for each in body.elements if each.tag == f"{{{NS}}}uri"), None)
        return SeeOtherUriError(uri or "", step=step, by=peer)
    words = _WORDS.get(condition, _WORDS["undefined-condition"])
    status = body.attributes.get("status")
    said = f" (HTTP status {status})" if status else ""
    return ConnectError(
        f"{peer} ended the BOSH session: {words}{said}",
        step=step,
        condition=condition if condition in _WORDS else "undefined-condition",
        by=peer,
    )
