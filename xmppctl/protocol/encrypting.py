"""Messages that are to be read by their recipients alone: what is hidden, and what stays outside.

A method of encryption is an ``Encryptor``. It gets a message as it would go out in clear, and gives
the one that goes out instead. All that says something goes inside; outside stays what servers and
rooms act upon (XEP-0420 §4.2 has the reasons), and what tells of the delivery alone. Nothing of a
message that cannot be encrypted is sent, in whatever form.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import replace
from typing import Protocol
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import ErrorInfo, Exit, UsageError, XmppctlError
from xmppctl.model.sent import SendResult
from xmppctl.protocol.outgoing import Outgoing
from xmppctl.protocol.payload import hints
from xmppctl.protocol.payload.encryption import ENCRYPTION
from xmppctl.session.xml import NS_CLIENT

STEP = "encrypt"

BODY = f"{{{NS_CLIENT}}}body"

OUTSIDE = frozenset(
    {
        "http://jabber.org/protocol/address",
        "http://jabber.org/protocol/muc#user",
        "http://jabber.org/protocol/pubsub#event",
        "jabber:x:delay",
        "urn:xmpp:carbons:2",
        "urn:xmpp:captcha",
        "urn:xmpp:chat-markers:0",
        "urn:xmpp:delay",
        "urn:xmpp:eme:0",
        "urn:xmpp:hats:0",
        "urn:xmpp:hints",
        "urn:xmpp:mam:2",
        "urn:xmpp:mam:tmp",
        "urn:xmpp:message-moderate:0",
        "urn:xmpp:message-moderate:1",
        "urn:xmpp:mix:core:0",
        "urn:xmpp:mix:core:1",
        "urn:xmpp:occupant-id:0",
        "urn:xmpp:receipts",
        "urn:xmpp:sec-label:0",
        "urn:xmpp:sid:0",
        "xmpp:prosody.im/hats:1",
    }
)
"""Namespaces of what servers act upon or vouch for, and of what tells of the delivery.

What comes encrypted says nothing in them: whoever sent it could speak for a server.
"""

_IN_CLEAR = frozenset(
    {
        "urn:xmpp:chat-markers:0",
        "urn:xmpp:eme:0",
        "urn:xmpp:hints",
        "urn:xmpp:receipts",
        "urn:xmpp:sec-label:0",
        "urn:xmpp:sid:0",
    }
)
"""Those of them that go out whatever they hold; of the others only what says nothing."""


class Encryptor(Protocol):
    """A method of encryption, with all that it needs to encrypt for the recipients of a run."""

    async def encrypt(self, message: Outgoing) -> Outgoing:
        """The message that goes out instead, with the same ``to`` and ``id``.

        What has to outlive the run is stored when it returns. Raises UntrustedError where there is
        no key, or none that is trusted, for a recipient; UsageError where nothing would be
        encrypted; and what asking for keys raises. ``message`` may be changed.
        """

    async def close(self) -> None:
        """No message follows."""


def namespace(tag: str) -> str:
    """That of the tag of an element; the empty string for none."""
    return tag[1:].partition("}")[0] if tag[:1] == "{" else ""


def take_content(stanza: Element) -> list[Element]:
    """Take out of a message all that is to be hidden, in its order.

    What is left is what may be seen: attributes, and elements of ``OUTSIDE``. Raises UsageError
    where nothing is to be hidden, and where something is said in an element that cannot be.
    """
    for child in stanza:
        ns = namespace(child.tag)
        if ns in OUTSIDE and ns not in _IN_CLEAR and (len(child) or (child.text or "").strip()):
            raise UsageError(
                f"<{child.tag.rpartition('}')[2]} xmlns={ns!r}/> cannot be encrypted, for nobody "
                "believes it from inside: nothing was sent",
                step=STEP,
                hint="leave it out, or send it without encryption",
            )
        child.tail = None
    stanza.text = None  # what stands between elements would go in clear
    content = [child for child in stanza if namespace(child.tag) not in OUTSIDE]
    if not content:
        raise UsageError(
            "nothing in the message can be encrypted: nothing was sent",
            step=STEP,
            hint="receipts, markers and hints are for servers too, and always go in clear",
        )
    for child in content:
        stanza.remove(child)
    return content


def put_encrypted(stanza: Element, payload: Element, ns: str, instead: str) -> None:
    """Put in ``payload``, the method's own element, and what goes with it.

    ``ns`` names the method (XEP-0380 §3); ``instead`` is the text for clients without it; archives
    are asked to keep the message (XEP-0334 §4.4), unless it says the contrary.
    """
    body = Element(BODY)
    body.text = instead
    stanza.insert(0, body)
    stanza.append(payload)
    SubElement(stanza, ENCRYPTION, {"namespace": ns})
    hints.keep(stanza)


async def encrypted(
    messages: AsyncIterable[Outgoing | SendResult], encryptor: Encryptor | None
) -> AsyncIterator[Outgoing | SendResult]:
    """The messages as they go out; what could not be encrypted is a result with its error.

    None for ``encryptor``: as they are. Raises what ``messages`` raises.
    """
    try:
        async for message in messages:
            if encryptor is None or isinstance(message, SendResult):
                yield message
            else:
                yield await encrypted_one(message, encryptor)
    finally:
        if encryptor is not None:
            await encryptor.close()


async def encrypted_together(
    groups: AsyncIterable[Sequence[Outgoing | SendResult]], encryptor: Encryptor
) -> AsyncIterator[Outgoing | SendResult]:
    """As ``encrypted``, for the same message to several recipients: to all of a group or to none.

    Where there is no key for one of them (UntrustedError), the results of the others have the error
    of that one.
    """
    try:
        async for group in groups:
            made = [
                each if isinstance(each, SendResult) else await encrypted_one(each, encryptor)
                for each in group
            ]
            untrusted = next(filter(None, map(_untrusted, made)), None)
            for each in made:
                if untrusted is None or isinstance(each, SendResult):
                    yield each
                else:
                    yield each.refused(untrusted)
    finally:
        await encryptor.close()


def _untrusted(made: Outgoing | SendResult) -> ErrorInfo | None:
    error = made.error if isinstance(made, SendResult) else None
    return error if error is not None and error.code == Exit.UNTRUSTED else None


async def encrypted_one(message: Outgoing, encryptor: Encryptor) -> Outgoing | SendResult:
    """The message as it goes out, or a result with the error that kept it from that."""
    before = message.result
    try:
        return await encryptor.encrypt(message)
    except XmppctlError as error:
        error.step = error.step or STEP
        return replace(before, error=error.info())
