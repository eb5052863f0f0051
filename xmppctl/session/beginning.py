"""The first exchange of a session: binding a resource, with the operation behind it (RFC 6120 §7).

The request to bind, the wish for acknowledgements and the first stanzas of an operation go out in
one flight. Where the stream features behind the login are those of the last time, they are a guess
until the server's own have come. A guess that was wrong ends the stream before anything behind it
was processed, since a server answers in order: then all of it is sent once more on a new stream.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from xml.etree.ElementTree import Element

from xmppctl.errors import ConnectError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.model.jid import Jid, parse
from xmppctl.records import dataclass
from xmppctl.session import acks
from xmppctl.session.conditions import stanza_error
from xmppctl.session.wire import FEATURES, Wire
from xmppctl.session.xml import NS_CLIENT, split

NS_BIND = "urn:ietf:params:xml:ns:xmpp-bind"
NS_SESSION = "urn:ietf:params:xml:ns:xmpp-session"

BIND = f"{{{NS_BIND}}}bind"

_UNKNOWN = ("unsupported-stanza-type", "unsupported-feature", "invalid-namespace")
"""How a server ends the stream at an element that it does not know (RFC 6120 §4.9.3)."""
_SESSION = f"{{{NS_SESSION}}}session"


@dataclass(frozen=True)
class Begun:
    """A stream with a bound resource."""

    wire: Wire
    jid: Jid
    features: Element


class Bind:
    """One request to bind a resource.

    Without ``--resource`` the name is random, so that parallel runs never throw each other off.
    """

    def __init__(self, account: Account, peer: str) -> None:
        self._peer = peer
        self.resource = account.jid.resource or f"xmppctl.{os.urandom(4).hex()}"
        self.own_choice = account.jid.resource is None
        self.id = f"bind{os.urandom(4).hex()}"
        self.request = Element(f"{{{NS_CLIENT}}}iq", {"type": "set", "id": self.id})
        bind = Element(BIND)
        child = Element(f"{{{NS_BIND}}}resource")
        child.text = self.resource
        bind.append(child)
        self.request.append(bind)

    def answers(self, element: Element) -> bool:
        """Whether ``element`` is the answer."""
        return split(element.tag)[1] == "iq" and element.get("id") == self.id

    def outcome(self, answer: Element) -> Jid:
        """The full JID that the server gave. Raises ConnectError."""
        if answer.get("type") != "result":
            error = stanza_error(answer, f"{self._peer} refused the bind")
            raise ConnectError(error.text, step="bind", condition=error.condition, by=self._peer)
        text = answer.findtext(f"{BIND}/{{{NS_BIND}}}jid") or ""
        try:
            return parse(text)
        except ValueError as error:
            raise ConnectError(
                f"{self._peer} bound an address that is none ({error})",
                step="bind",
                condition="malformed-answer",
                by=self._peer,
            ) from None


def needs_session(features: Element) -> bool:
    """Whether the server insists on RFC 3921's session."""
    session = features.find(_SESSION)
    return session is not None and session.find(f"{{{NS_SESSION}}}optional") is None


def session_request() -> Element:
    """RFC 3921's request for a session."""
    iq = Element(f"{{{NS_CLIENT}}}iq", {"type": "set", "id": f"session{os.urandom(4).hex()}"})
    iq.append(Element(_SESSION))
    return iq


class Beginning:
    """What a session waits for in its first exchange.

    ``bind``: the request on its way, None where the resource is bound. ``guessed``: the features
    are those of the last time. ``learn`` is told the server's own when they come. ``again`` makes
    a new stream, without any guess; it is told whether the bind itself had no answer. ``limit``:
    seconds for all of it.
    """

    def __init__(
        self,
        bind: Bind | None,
        *,
        guessed: bool,
        learn: Callable[[Element], None],
        again: Callable[[bool], Awaitable[Begun]],
        limit: float,
    ) -> None:
        self.bind = bind
        self.awaits_features = guessed
        self.sent: list[Element | str] = []
        self.limit = limit
        self._again = again
        self._guessed = guessed
        self._learn = learn
        self._enabling = False
        self._without_acks = False
        self._conflict = False

    @property
    def acks_missing(self) -> bool:
        """Whether acknowledgements were asked for of a server that does not offer them."""
        return self._enabling and self._without_acks

    @property
    def over(self) -> bool:
        """Whether nothing of it is open any more."""
        return self.bind is None and not self.awaits_features and not self._enabling

    @property
    def known(self) -> bool:
        """Whether resource and features are the server's word."""
        return self.bind is None and not self.awaits_features

    def went_out(self, item: Element | str) -> None:
        """The operation sent this."""
        self.sent.append(item)
        if item == acks.ENABLE:
            self._enabling = True

    def takes(self, element: Element) -> bool:
        """Whether the element belongs to the beginning alone."""
        if self.awaits_features and element.tag == FEATURES:
            return True
        return self.bind is not None and self.bind.answers(element)

    def features_came(self, features: Element) -> None:
        """The server's own features are there."""
        self.awaits_features = False
        self._without_acks = features.find(acks.FEATURE) is None
        self._learn(features)

    def bound(self, answer: Element) -> Jid:
        """The answer to the request. Raises ConnectError."""
        assert self.bind is not None
        try:
            jid = self.bind.outcome(answer)
        except ConnectError as error:
            self._conflict = error.condition == "conflict" and self.bind.own_choice
            raise
        self.bind = None
        return jid

    def enabling_answered(self) -> None:
        """<enabled/> or <failed/> came."""
        self._enabling = False

    async def again(self) -> Begun:
        """A new stream with a bound resource. Raises as ``open_session``."""
        return await self._again(self.bind is not None and not self._conflict)

    def answered(self) -> None:
        """The server answered a request of the operation."""
        if self._without_acks:  # <enable/> was passed over, as ejabberd does
            self._enabling = False

    def unprocessed(self, error: XmppctlError, wire: Wire) -> bool:
        """Whether the end of the stream proves that nothing of the operation was processed.

        So it does where the server itself ended it before it answered what was sent first: the
        bind, or <enable/>, if that is what it does not know. A connection that broke proves
        nothing, nor does an end for another reason, where <enable/> may have been passed over.
        """
        if self._conflict:
            return True
        if not self._guessed or not wire.ended_by_peer or not wire.in_order:
            return False
        pointless = self._enabling and self._without_acks
        return self.bind is not None or (pointless and error.condition in _UNKNOWN)
