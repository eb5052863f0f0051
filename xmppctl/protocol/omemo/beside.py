"""What goes beside a text that is encrypted with OMEMO 0.3, which encrypts nothing else.

Nothing of it says what the message says: it is about delivery, or names another message.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from xmppctl.errors import UsageError
from xmppctl.protocol.encrypting import BODY, OUTSIDE, STEP, namespace
from xmppctl.session.xml import NS_CLIENT

_BESIDE = frozenset(
    {
        "http://jabber.org/protocol/chatstates",
        "urn:xmpp:attention:0",
        "urn:xmpp:ephemeral:0",
        "urn:xmpp:message-correct:0",
        "urn:xmpp:styling:0",
    }
)
_THREAD = f"{{{NS_CLIENT}}}thread"


def check_old(stanza: Element) -> None:
    """Raise UsageError where something would go in clear, or nothing would be encrypted."""
    for child in stanza:
        ns = namespace(child.tag)
        if child.tag in (BODY, _THREAD) or ns in OUTSIDE or ns in _BESIDE:
            continue
        name = child.tag.rpartition("}")[2]
        what = f"the {name}" if ns == NS_CLIENT else f"<{name} xmlns='{ns}'/>"
        raise UsageError(
            f"OMEMO 0.3 encrypts the text alone: {what} would go in clear, so nothing is sent",
            step=STEP,
            condition="not-encrypted",
            hint="--omemo-version 2 encrypts all, for the devices that know it",
        )
    bodies = stanza.findall(BODY)
    if len(bodies) != 1 or not bodies[0].text:
        raise UsageError(
            "OMEMO 0.3 encrypts one text, and the message has "
            + ("several" if len(bodies) > 1 else "none"),
            step=STEP,
            condition="not-encrypted",
        )
