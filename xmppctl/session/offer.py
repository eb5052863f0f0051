"""What a server offers for the login, read from its stream features.

RFC 6120 §6.3.3, XEP-0388 §2.2 (SASL2), XEP-0386 §3.1 (Bind 2), XEP-0484 §3.1 (FAST), XEP-0440
(channel binding types).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.records import dataclass
from xmppctl.session.conditions import NS_SASL
from xmppctl.session.sasl import announced

if TYPE_CHECKING:
    from xmppctl.model.memory import Known

NS_SASL2 = "urn:xmpp:sasl:2"
NS_BIND2 = "urn:xmpp:bind:0"
NS_FAST = "urn:xmpp:fast:0"


@dataclass(frozen=True)
class Offer:
    """``mechanisms``: of SASL1. ``sasl2``: of <authentication/>, empty where there is none.

    ``fast``: mechanisms for tokens. ``inline``: what is negotiated with the login: the namespace
    of Bind 2 where it is there, and those of the features that it enables. ``bindings``: channel
    binding types, None where none are announced.
    """

    mechanisms: tuple[str, ...] = ()
    sasl2: tuple[str, ...] = ()
    fast: tuple[str, ...] = ()
    inline: tuple[str, ...] = ()
    bindings: tuple[str, ...] | None = None


def read(features: Element) -> Offer:
    """The offer in ``<stream:features/>`` before the login."""
    authentication = features.find(f"{{{NS_SASL2}}}authentication")
    sasl2: tuple[str, ...] = ()
    fast: tuple[str, ...] = ()
    inline: tuple[str, ...] = ()
    if authentication is not None:
        sasl2 = _texts(authentication, NS_SASL2)
        within = authentication.find(f"{{{NS_SASL2}}}inline")
        if within is not None:
            fast = _texts(within.find(f"{{{NS_FAST}}}fast"), NS_FAST)
            inline = _inline(within.find(f"{{{NS_BIND2}}}bind"))
    return Offer(
        mechanisms=_texts(features.find(f"{{{NS_SASL}}}mechanisms"), NS_SASL),
        sasl2=sasl2,
        fast=fast,
        inline=inline,
        bindings=announced(features),
    )


def of(known: Known) -> Offer:
    """What an earlier login saw."""
    return Offer(known.mechanisms, known.sasl2, known.fast, known.inline, known.bindings)


def _texts(parent: Element | None, ns: str) -> tuple[str, ...]:
    if parent is None:
        return ()
    return tuple((each.text or "").strip() for each in parent.findall(f"{{{ns}}}mechanism"))


def _inline(bind: Element | None) -> tuple[str, ...]:
    if bind is None:
        return ()
    features = bind.findall(f"{{{NS_BIND2}}}inline/{{{NS_BIND2}}}feature")
    return (NS_BIND2, *(each.get("var", "") for each in features))
