"""A bookmark as an element: read into a record, changed in place.

What is not understood stays: attributes, children, and above all ``<extensions/>`` (XEP-0402 §2),
in which are pinning (XEP-0469) and the setting for notifications (XEP-0492).
"""

from __future__ import annotations

from copy import deepcopy
from typing import cast, get_args
from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.bookmark import Bookmark, Notify, Store
from xmppctl.model.jid import Jid
from xmppctl.protocol import Xep, privatexml
from xmppctl.protocol.bookmarks import CONFERENCE, EXTENSIONS, NS, NS_LEGACY, PAGE, ROOM
from xmppctl.records import dataclass
from xmppctl.session.xml import serialise, split

XEPS = (
    Xep("0469", "0.1.0", "complete"),
    Xep("0492", "0.2.0", "partial", "of bookmarks; settings for kinds of clients are kept"),
)

_PINNED = "{urn:xmpp:bookmarks-pinning:0}pinned"
_NS_NOTIFY = "urn:xmpp:notification-settings:1"
_NOTIFY = f"{{{_NS_NOTIFY}}}notify"
_IDENTITY = ("identity-category", "identity-type")

Subject = Jid | str
"""What is bookmarked: a room, or the address of a web page."""


@dataclass(frozen=True)
class Wish:
    """What a bookmark is to say: None leaves a field as it is, empty text takes it away.

    ``extensions``: children of ``<extensions/>`` that it is to have, in place of those of the same
    name. A bookmark of XEP-0048 has neither them nor ``pinned`` and ``notify``.
    """

    name: str | None = None
    nick: str | None = None
    password: str | None = None
    autojoin: bool | None = None
    pinned: bool | None = None
    notify: Notify | str | None = None
    extensions: tuple[Element, ...] = ()

    @property
    def needs_pep(self) -> bool:
        """Whether it can be told in XEP-0402 alone."""
        return self.pinned is True or bool(self.notify)


def new(subject: Subject, *, legacy: bool) -> Element:
    """A bookmark that says nothing yet."""
    if isinstance(subject, str):
        return Element(PAGE, {"url": subject})
    return Element(ROOM, {"jid": str(subject)}) if legacy else Element(CONFERENCE)


def apply(element: Element, wish: Wish) -> bool:
    """Change a bookmark as wished; whether anything had to be."""
    before = deepcopy(element)
    ns, _ = split(element.tag)
    if wish.name:
        element.set("name", wish.name)
    elif wish.name is not None:
        element.attrib.pop("name", None)
    if element.tag != PAGE:
        if wish.autojoin is not None and wish.autojoin != _is_true(element.get("autojoin")):
            element.set("autojoin", "true" if wish.autojoin else "false")
        _set_text(element, f"{{{ns}}}nick", wish.nick, 0)
        place = int(element.find(f"{{{ns}}}nick") is not None)
        _set_text(element, f"{{{ns}}}password", wish.password, place)
    if ns == NS:
        _extend(element, wish)
    return not privatexml.same(before, element)


def wish_of(element: Element) -> Wish:
    """All that a bookmark says, to be said by another one."""
    ns, _ = split(element.tag)
    return Wish(
        name=element.get("name") or None,
        nick=element.findtext(f"{{{ns}}}nick") or None,
        password=element.findtext(f"{{{ns}}}password") or None,
        autojoin=_is_true(element.get("autojoin")) if element.tag != PAGE else None,
        extensions=tuple(deepcopy(each) for each in _kept(element)),
    )


def record(
    subject: Subject, element: Element, source: Store | None, *, password: bool = False
) -> Bookmark:
    """The record of a bookmark; its ``password`` only if wanted."""
    ns, _ = split(element.tag)
    if isinstance(subject, str):
        return Bookmark(None, element.get("name") or None, source=source, url=subject)
    secret = element.findtext(f"{{{ns}}}password") or None
    return Bookmark(
        jid=str(subject),
        name=element.get("name") or None,
        nick=element.findtext(f"{{{ns}}}nick") or None,
        autojoin=_is_true(element.get("autojoin")),
        password=secret if password else None,
        has_password=secret is not None,
        pinned=element.find(f"{EXTENSIONS}/{_PINNED}") is not None,
        notify=_notify(element),
        extensions=[_text(each) for each in _kept(element)],
        source=source,
    )


def _kept(element: Element) -> list[Element]:
    """What clients keep with it; those of XEP-0048 without a place of its own."""
    if element.tag == CONFERENCE:
        return [child for each in element.findall(EXTENSIONS) for child in each]
    known = {f"{{{NS_LEGACY}}}{name}" for name in ("nick", "password")}
    found = [child for child in element if child.tag not in known and child.tag != EXTENSIONS]
    return found + [child for each in element.findall(EXTENSIONS) for child in each]


def _text(element: Element) -> str:
    alone = deepcopy(element)
    alone.tail = None
    return serialise(alone, "")


def _is_true(text: str | None) -> bool:
    return (text or "").strip() in ("true", "1")


def _set_text(parent: Element, tag: str, text: str | None, place: int) -> None:
    if text is None:
        return
    found = parent.findall(tag)
    for each in found if not text else found[1:]:
        parent.remove(each)
    if not text:
        return
    if not found:
        found = [Element(tag)]
        parent.insert(place, found[0])
    if found[0].text != text:
        found[0].text = text


def _extend(element: Element, wish: Wish) -> None:
    holder = element.find(EXTENSIONS)
    if holder is None:
        holder = Element(EXTENSIONS)
    for wanted in wish.extensions:
        found = holder.find(wanted.tag)
        if found is None:
            holder.append(deepcopy(wanted))
        elif not privatexml.same(found, wanted):
            holder[list(holder).index(found)] = deepcopy(wanted)
    if wish.pinned is not None:
        pins = holder.findall(_PINNED)
        for each in pins[1:] if wish.pinned else pins:
            holder.remove(each)
        if wish.pinned and not pins:
            SubElement(holder, _PINNED)
    if wish.notify is not None:
        _set_notify(holder, wish.notify)
    there = element.find(EXTENSIONS) is not None
    if len(holder) and not there:
        element.append(holder)
    elif there and not len(holder) and not holder.attrib:
        element.remove(holder)


def _fallbacks(notify: Element) -> list[Element]:
    """The settings for all clients, whatever they are (XEP-0492 §2.1)."""
    names = {f"{{{_NS_NOTIFY}}}{name}" for name in get_args(Notify)}
    return [
        each
        for each in notify
        if each.tag in names and not any(each.get(name) for name in _IDENTITY)
    ]


def _notify(element: Element) -> Notify | None:
    found = element.find(f"{EXTENSIONS}/{_NOTIFY}")
    settings = [] if found is None else _fallbacks(found)
    return cast(Notify, split(settings[0].tag)[1]) if settings else None


def _set_notify(holder: Element, setting: str) -> None:
    found = holder.find(_NOTIFY)
    if found is None:
        if not setting:
            return
        found = SubElement(holder, _NOTIFY)
    settings = _fallbacks(found)
    for each in settings[1:] if setting else settings:
        found.remove(each)
    if setting and settings:
        # finer settings of other clients stay below it (§3)
        settings[0].tag = f"{{{_NS_NOTIFY}}}{setting}"
    elif setting:
        SubElement(found, f"{{{_NS_NOTIFY}}}{setting}")
    if not len(found):
        holder.remove(found)
