"""XEP-0166 §7: the ``<jingle/>`` element, to and from what it says."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol.jingle import JINGLE, NS, NS_FILE_ERRORS
from xmppctl.records import dataclass
from xmppctl.session.xml import split

ACTIONS = frozenset(
    {
        "content-accept", "content-add", "content-modify", "content-reject", "content-remove",
        "description-info", "security-info", "session-accept", "session-info",
        "session-initiate", "session-terminate", "transport-accept", "transport-info",
        "transport-reject", "transport-replace",
    }
)  # fmt: skip

_LONGEST = 500
"""Characters of ids, names and explanations that are taken from the network."""

_NAMED = frozenset(
    {
        "content-accept", "content-add", "content-reject", "content-remove", "session-accept",
        "session-initiate", "transport-accept", "transport-reject", "transport-replace",
    }
)  # fmt: skip
"""Actions that are about contents."""


@dataclass(frozen=True)
class Content:
    """A ``<content/>`` (§7.3); creator and name together say which."""

    creator: str
    name: str
    senders: str = "both"
    disposition: str = "session"
    description: Element | None = None
    transport: Element | None = None


@dataclass(frozen=True)
class Reason:
    """Why a session ended (§7.4): a defined condition, a text, an element of the application."""

    condition: str
    text: str | None = None
    detail: str | None = None

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.condition}{detail}" + (f": {self.text}" if self.text else "")


@dataclass(frozen=True)
class Jingle:
    """One action; ``info`` is what a session-info tells."""

    action: str
    sid: str
    initiator: str | None = None
    responder: str | None = None
    contents: tuple[Content, ...] = ()
    reason: Reason | None = None
    info: tuple[Element, ...] = ()

    @property
    def content(self) -> Content | None:
        """The first content."""
        return self.contents[0] if self.contents else None


def read(element: Element) -> Jingle:
    """What it says. Raises ValueError where that cannot be understood."""
    action, sid = element.get("action", ""), element.get("sid", "")
    if action not in ACTIONS:
        raise ValueError(f"no action {action[:40]!r}")
    if not 0 < len(sid) <= _LONGEST:
        raise ValueError("no session id")
    contents = tuple(_content(each) for each in element.findall(f"{{{NS}}}content"))
    if action in _NAMED and not contents:
        raise ValueError(f"{action} without a content")
    info = tuple(each for each in element if split(each.tag)[0] != NS)
    return Jingle(
        action=action,
        sid=sid,
        initiator=element.get("initiator"),
        responder=element.get("responder"),
        contents=contents,
        reason=read_reason(element.find(f"{{{NS}}}reason")),
        info=info,
    )


def _content(element: Element) -> Content:
    name = element.get("name", "")
    creator = element.get("creator", "initiator")
    senders = element.get("senders", "both")
    if not 0 < len(name) <= _LONGEST:
        raise ValueError("a content without a name")
    if creator not in ("initiator", "responder"):
        raise ValueError("a content by nobody")
    if senders not in ("initiator", "responder", "both", "none"):
        raise ValueError("a content with odd senders")
    return Content(
        creator=creator,
        name=name,
        senders=senders,
        disposition=element.get("disposition", "session"),
        description=next((e for e in element if split(e.tag)[1] == "description"), None),
        transport=next((e for e in element if split(e.tag)[1] == "transport"), None),
    )


def read_reason(element: Element | None) -> Reason | None:
    """The reason in a ``<reason/>``, None where there is none."""
    if element is None:
        return None
    condition, text, detail = "", None, None
    for child in element:
        namespace, name = split(child.tag)
        if namespace != NS:
            detail = detail or name[:_LONGEST]
        elif name == "text":
            text = (child.text or "").strip()[:_LONGEST] or None
        else:
            condition = condition or name[:_LONGEST]
    return Reason(condition or "general-error", text, detail)


def write(jingle: Jingle) -> Element:
    """The element."""
    element = Element(JINGLE, {"action": jingle.action, "sid": jingle.sid})
    for name in ("initiator", "responder"):
        value = getattr(jingle, name)
        if value is not None:
            element.set(name, value)
    for content in jingle.contents:
        attributes = {"creator": content.creator, "name": content.name}
        if content.senders != "both":
            attributes["senders"] = content.senders
        child = SubElement(element, f"{{{NS}}}content", attributes)
        child.extend(e for e in (content.description, content.transport) if e is not None)
    if jingle.reason is not None:
        element.append(write_reason(jingle.reason))
    element.extend(jingle.info)
    return element


def write_reason(reason: Reason) -> Element:
    """The ``<reason/>``; a detail is one of file transfers (XEP-0234 §9)."""
    element = Element(f"{{{NS}}}reason")
    SubElement(element, f"{{{NS}}}{reason.condition}")
    if reason.text is not None:
        SubElement(element, f"{{{NS}}}text").text = reason.text
    if reason.detail is not None:
        SubElement(element, f"{{{NS_FILE_ERRORS}}}{reason.detail}")
    return element


def same(one: Content, other: Content) -> bool:
    """Whether both are about the same content."""
    return (one.creator, one.name) == (other.creator, other.name)


def children(element: Element | None, *names: str) -> Iterable[Element]:
    """Those of the same namespace with one of these names."""
    if element is None:
        return
    namespace = split(element.tag)[0]
    for child in element:
        if split(child.tag) in [(namespace, name) for name in names]:
            yield child
