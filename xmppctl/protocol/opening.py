"""Encrypted messages that come in: opened before they are read.

What a method of encryption made of a message is a message again, with what was hidden in the place
of what was seen. It carries what became of it in an element of a class that nothing from the
network ever has (``Told``), which the reader of XEP-0380 believes. A message that could not be
opened is told of, and never ends a run.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from xml.etree.ElementTree import Element

from xmppctl.errors import ConnectError, XmppctlError
from xmppctl.model.openpgp import KeyStore
from xmppctl.model.payload.content import Encryption
from xmppctl.protocol import carbons, openpgp
from xmppctl.protocol.dates import parse_datetime
from xmppctl.protocol.encrypting import BODY, OUTSIDE, namespace
from xmppctl.protocol.payload.encryption import NAMES, Told
from xmppctl.records import dataclass
from xmppctl.session.stream import MESSAGE, PRESENCE, Session

if TYPE_CHECKING:
    from xmppctl.model.omemostate import State

METHODS: Mapping[str, str] = {
    "{eu.siacs.conversations.axolotl}encrypted": "xmppctl.protocol.omemo.opening",
    "{urn:xmpp:omemo:2}encrypted": "xmppctl.protocol.omemo.opening",
    "{urn:xmpp:openpgp:0}openpgp": "xmppctl.protocol.openpgp",
}
"""Payloads that can be opened, and the module that has a function ``method`` (a ``Method``)."""

_ITEM = "{http://jabber.org/protocol/muc#user}x/{http://jabber.org/protocol/muc#user}item"
_DELAY = "{urn:xmpp:delay}delay"


@dataclass(frozen=True)
class Opened:
    """What became of a message.

    ``content`` is what was hidden, None where it may not be seen. With ``whole`` that is all that
    the message says; without, other elements that came in clear stay beside it. ``silent``: it is
    no news for who listens, such as one that was read before.
    """

    encryption: Encryption
    content: Sequence[Element] | None = None
    whole: bool = True
    silent: bool = False


class Opening(Protocol):
    """Opens the messages of one method, for one run.

    One that has a method ``handed_on(payload, *, wanted)`` too is told by it of a message that came
    live: its record was handed on, or was not wanted, and the message comes again in another run.
    One that has ``hides(stanza)`` is asked for messages that are about its own doing.
    """

    async def open(self, stanza: Element, payload: Element) -> Opened:
        """``payload`` is the child of ``stanza`` that is to be opened.

        Messages come in their order, live or out of an archive, and may come again. Does not fail,
        but for the end of the stream (ConnectError).
        """


Method = Callable[[Session, "Opener"], Opening]
"""Makes what opens. Raises UsageError where something is to be installed for that."""


class Opener:
    """Opens what is encrypted for the account of a session.

    ``state`` gives the directory of the program's state, ``keys`` the OpenPGP keys of the account,
    ``omemo_state`` what its OMEMO device on this machine knows, if it has one; ``tell`` is called
    with what the user should know, such as the fingerprint of a new key. ``when``: when the
    message that is being opened was stored, as far as that is known. ``silent``: whether the last
    one is no news.
    """

    def __init__(
        self,
        session: Session,
        *,
        state: Callable[[], Path],
        keys: Callable[[], KeyStore] | None = None,
        omemo_state: Callable[[], State | None] = lambda: None,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.session = session
        self.state = state
        self.keys = keys
        self.tell = tell
        self.omemo_state = omemo_state
        self.when: datetime | None = None
        self.silent = False
        self._methods: dict[str, Opening | XmppctlError] = {}
        self._occupants: dict[str, str] = {}

    def features(self) -> frozenset[str]:
        """What a client with the keys of this machine says that it understands (XEP-0374 §2.1)."""
        with suppress(XmppctlError):  # told where a message is to be opened
            if self.keys is not None and openpgp.is_installed() and self.keys().read().secrets:
                return frozenset({openpgp.FEATURE})
        return frozenset()

    async def open(self, stanza: Element, when: datetime | None = None) -> Element:
        """The stanza as it is to be read: itself, or a copy with what was hidden.

        Also a copy of what another client of the account sent or got (XEP-0280). ``when``: when an
        archive stored it. Raises what ended the stream.
        """
        self.silent = False
        if stanza.tag == PRESENCE:
            self._see(stanza)
        if stanza.tag != MESSAGE or stanza.get("type") == "error":
            return stanza
        if carbons.is_carbon(stanza):
            return await self._carbon(stanza)
        for child in stanza:
            if child.tag in METHODS:
                self.when = when or _delayed(stanza, self.session)
                return await self._open(stanza, child)
        return stanza

    def handed_on(self, stanza: Element, *, wanted: bool) -> None:
        """A message that came live, as it came: its record was handed on, or not ``wanted``."""
        found = carbons.unwrap(stanza, self.session.bare) if carbons.is_carbon(stanza) else None
        for child in stanza if found is None else found[1]:
            method = self._methods.get(METHODS.get(child.tag, ""))
            if (told := getattr(method, "handed_on", None)) is not None:
                told(child, wanted=wanted)

    def hides(self, stanza: Element) -> bool:
        """Whether a message is about what a method has done in this run, and no news."""
        methods = (getattr(each, "hides", None) for each in self._methods.values())
        return any(hides(stanza) for hides in methods if hides is not None)

    def occupant(self, stanza: Element) -> str | None:
        """The JID behind the nickname that a message in a room is from, where the room tells it."""
        found = _real_jid(stanza)
        return found if found is not None else self._occupants.get(stanza.get("from", ""))

    def _see(self, presence: Element) -> None:
        found = _real_jid(presence)
        if found is not None:
            self._occupants[presence.get("from", "")] = found

    async def _carbon(self, stanza: Element) -> Element:
        unwrapped = carbons.unwrap(stanza, self.session.bare)
        if unwrapped is None:
            return stanza
        inner = unwrapped[1]
        opened = await self.open(inner) if not carbons.is_carbon(inner) else inner
        if opened is inner:
            return stanza
        result = copy.deepcopy(stanza)
        found = carbons.unwrap(result, self.session.bare)
        assert found is not None
        for parent in result.iter():
            for place, child in enumerate(parent):
                if child is found[1]:
                    parent[place] = opened
                    return result
        return stanza

    async def _open(self, stanza: Element, payload: Element) -> Element:
        ns = namespace(payload.tag)
        try:
            opened = await self._method(payload.tag).open(stanza, payload)
        except ConnectError:
            raise
        except XmppctlError as error:
            reason = f"{error.text} ({error.hint})" if error.hint else error.text
            opened = Opened(Encryption(ns, NAMES.get(ns), "unsupported", reason))
        self.silent = opened.silent
        return shown(stanza, opened)

    def _method(self, tag: str) -> Opening:
        name = METHODS[tag]
        if name not in self._methods:
            try:
                method: Method = import_module(name).method
                self._methods[name] = method(self.session, self)
            except XmppctlError as error:
                self._methods[name] = error
        found = self._methods[name]
        if isinstance(found, XmppctlError):
            raise found
        return found


def _real_jid(stanza: Element) -> str | None:
    item = stanza.find(_ITEM)
    return item.get("jid") if item is not None else None


def _delayed(stanza: Element, session: Session) -> datetime | None:
    """When a message was stored that was not delivered at once, as the own server tells.

    Whoever sends an old message again could write any other delay into it (XEP-0203 §5).
    """
    for delay in stanza.findall(_DELAY):
        if delay.get("from") in (session.domain, session.bare):
            with suppress(ValueError):
                return parse_datetime(delay.get("stamp", ""))
    return None


def shown(stanza: Element, opened: Opened) -> Element:
    """The message with what was hidden; the original stays as it is.

    Where nothing may be seen, it has what came beside, and what became of it; not the text that is
    for clients without the method.
    """
    told = Told(opened.encryption, stanza)
    result = Element(stanza.tag, dict(stanza.attrib))
    result.text = stanza.text
    if opened.content is None:
        result.extend([told, *(child for child in stanza if child.tag != BODY)])
        return result
    kept: Iterable[Element] = (
        child
        for child in stanza
        if namespace(child.tag) in OUTSIDE
        or (not opened.whole and child.tag != BODY and child.tag not in METHODS)
    )
    result.extend([told, *kept])
    result.extend(child for child in opened.content if namespace(child.tag) not in OUTSIDE)
    return result
