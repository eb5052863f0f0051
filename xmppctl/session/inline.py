"""What rides along with a login by SASL2: user agent, Bind 2, and the tokens of FAST.

XEP-0388 §2.4, XEP-0386, XEP-0484. The user agent is the device of the account's memory, which no
other run has at the same time. So a server may end what the device bound before (XEP-0386 §3.2),
bind the same resource again, and end older tokens of the device (XEP-0484 §3.5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import ConnectError
from xmppctl.model.account import Account
from xmppctl.model.jid import Jid, parse
from xmppctl.model.memory import Known, Token
from xmppctl.model.xep import Xep
from xmppctl.session import ht
from xmppctl.session.offer import NS_BIND2, NS_FAST, NS_SASL2, Offer

XEPS = (Xep("0386", "1.1.0", "partial", "only where the account is known to have an archive"),)

TAG = "xmppctl"
"""Begins the name of the resource."""


class Inline:
    """The inline requests of one login, and what came of them.

    ``known``: the last offer. ``enable``: what to enable with Bind 2 where the server can.
    ``invalidate``: the token is to end with this login (XEP-0484 §3.6).
    """

    def __init__(
        self,
        account: Account,
        known: Known | None,
        *,
        enable: tuple[Element, ...] = (),
        invalidate: bool = False,
    ) -> None:
        self._account = account
        self._memory = account.memory
        self._archive = known is not None and known.archive
        self._enable = enable
        self._invalidate = invalidate
        self._requested = ""

    def requests(
        self, given: Offer, token: Token | None, bindings: Mapping[str, Callable[[], bytes]]
    ) -> list[Element]:
        """What goes into <authenticate/>, by ``token`` where there is one.

        ``bindings``: the usable types of channel binding. Raises LocalError.
        """
        elements = []
        device = None
        if token is not None:
            device = token.device
        elif self._memory is not None:
            device = self._memory.device()
        agent = Element(f"{{{NS_SASL2}}}user-agent")
        if device is not None:
            agent.set("id", device)
        SubElement(agent, f"{{{NS_SASL2}}}software").text = TAG
        elements.append(agent)
        if self._may_bind(given):
            elements.append(self._bind(given))
        if token is not None:
            fast = Element(f"{{{NS_FAST}}}fast")
            if self._invalidate:
                fast.set("invalidate", "true")
            elements.append(fast)
        elif device is not None and (wanted := self._wanted_token(given, bindings)):
            request = Element(f"{{{NS_FAST}}}request-token", {"mechanism": wanted})
            elements.append(request)
            self._requested = wanted
        return elements

    def _may_bind(self, given: Offer) -> bool:
        """Binding with the login deletes what waits offline (XEP-0386 §3.2): never without archive.

        A resource cannot be asked for by name there. A login that is to end a token may be by the
        device of another run, whose session would end with it.
        """
        if self._invalidate or self._account.jid.resource is not None:
            return False
        return NS_BIND2 in given.inline and self._archive

    def _bind(self, given: Offer) -> Element:
        bind = Element(f"{{{NS_BIND2}}}bind")
        SubElement(bind, f"{{{NS_BIND2}}}tag").text = TAG
        for element in self._enable:
            if element.tag[1:].partition("}")[0] in given.inline:
                bind.append(element)
        return bind

    def _wanted_token(
        self, given: Offer, bindings: Mapping[str, Callable[[], bytes]]
    ) -> str | None:
        """The mechanism to ask a token for."""
        self._requested = ""
        if self._memory is None or self._account.anonymous or not self._memory.keeps_tokens():
            return None
        return ht.choose(given.fast, bindings, given.bindings)

    def keep_token(self, success: Element, token: Token | None) -> None:
        """Keep the token in ``success``; ``token`` is the one of this login."""
        memory = self._memory
        if memory is None:
            return
        if token is not None and self._invalidate:
            memory.drop_token(token)
        found = success.find(f"{{{NS_FAST}}}token")
        mechanism = token.mechanism if token is not None else self._requested
        device = token.device if token is not None else memory.device()
        if found is None or not found.get("token") or not mechanism or device is None:
            return
        from datetime import UTC, datetime

        issued = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        memory.keep_token(
            Token(mechanism, found.get("token", ""), found.get("expiry"), device, issued)
        )

    def bound(self, success: Element, peer: str) -> tuple[Jid | None, Element | None]:
        """The full JID that Bind 2 gave, and <bound/>; None where nothing was bound.

        Raises ConnectError.
        """
        found = success.find(f"{{{NS_BIND2}}}bound")
        if found is None:
            return None, None
        try:
            jid = parse(success.findtext(f"{{{NS_SASL2}}}authorization-identifier") or "")
        except ValueError as error:
            raise ConnectError(
                f"{peer} bound an address that is none ({error})",
                step="bind",
                condition="malformed-answer",
                by=peer,
            ) from None
        return jid, found
