"""Where errors of the protocol become errors of xmppctl (RFC 6120 §4.9, §6.5, §8.3)."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from xmppctl.errors import (
    AuthError,
    ConnectError,
    RefusedError,
    UnsupportedError,
    XmppctlError,
)
from xmppctl.session.xml import split

NS_STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
NS_STREAMS = "urn:ietf:params:xml:ns:xmpp-streams"
NS_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
NS_SASL2 = "urn:xmpp:sasl:2"

UNSUPPORTED = frozenset({"feature-not-implemented", "service-unavailable"})
"""Conditions with which an entity says that it does not know a request."""

_PLACE = r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9_.-]{1,253}))(?::(?P<port>[0-9]{1,5}))?"

_LONGEST_TEXT = 500
"""Characters of a peer's explanation that are shown; an error is a few lines."""

_HINTS = {
    "remote-server-not-found": "check the domain's spelling",
    "remote-server-timeout": "the other server does not answer; try again later",
    "registration-required": "join or register first, or ask for membership",
    "subscription-required": "a presence subscription is needed first",
    "not-acceptable": "the recipient may be blocked, by you or by the recipient",
}


_SASL_HINTS = {
    "not-authorized": "check the JID and the password",
    "credentials-expired": "check the JID and the password",
    "account-disabled": "ask the server's administrator",
}


class SeeOtherHostError(ConnectError):
    """The server sends the client elsewhere (RFC 6120 §4.9.3.19)."""

    def __init__(self, host: str, port: int, *, step: str, by: str) -> None:
        super().__init__(
            f"the server says to connect to {host}:{port}",
            condition="see-other-host",
            step=step,
            by=by,
        )
        self.host = host
        self.port = port


class TokenRefusedError(Exception):
    """The server refused a token; only a new stream is sure to take another login.

    Prosody takes no login at all on a stream where a token was refused. ``ended``: the token is
    of no use any more; otherwise it was not its fault.
    """

    def __init__(self, *, ended: bool) -> None:
        super().__init__()
        self.ended = ended


class WrongGuessError(Exception):
    """The stream came to an end by what was sent ahead: it has to be tried without.

    ``patient``: the server does not take anything ahead; otherwise only its offer has changed.
    """

    def __init__(self, *, patient: bool = True) -> None:
        super().__init__()
        self.patient = patient


def stream_error(element: Element, peer: str, step: str) -> XmppctlError:
    """``<stream:error/>`` as an exception: SeeOtherHostError, AuthError or ConnectError."""
    condition, text, found = _parts(element, NS_STREAMS)
    if condition == "see-other-host" and found is not None:
        elsewhere = _host_port((found.text or "").strip())
        if elsewhere is not None:
            return SeeOtherHostError(*elsewhere, step=step, by=peer)
        text = text or "it does not say where"
    if condition == "host-unknown":
        return ConnectError(
            f"{peer} does not serve this domain",
            step=step,
            condition=condition,
            by=peer,
            hint="check the domain's spelling and --connect",
        )
    says = f": {text}" if text else ""
    kind = AuthError if condition == "not-authorized" and step == "auth" else ConnectError
    return kind(
        f"{peer} ended the stream with {condition}{says}", step=step, condition=condition, by=peer
    )


def sasl_failure(element: Element, mechanism: str, peer: str) -> AuthError:
    """``<failure/>`` of SASL as an exception, in the form of RFC 6120 §6.5 or of XEP-0388 §2.6."""
    condition, text, _ = _parts(element, NS_SASL)
    if text is None:
        text = _parts(element, NS_SASL2)[1]
    says = f": {text}" if text else ""
    hint = _SASL_HINTS.get(condition)
    what = f"the login with {mechanism}"
    if mechanism.endswith("-PLUS") and "channel binding" in (text or "").lower():
        hint = "somebody may be in between, with a certificate that is trusted here: try --pin"
    if mechanism == "EXTERNAL":
        what = "the client certificate (EXTERNAL)"
        if condition in ("not-authorized", "invalid-authzid"):
            hint = (
                "the certificate has to name the JID (xmppAddr), and the server has to trust its "
                "issuer"
            )
    return AuthError(
        f"{peer} refused {what}: {condition}{says}",
        step="auth",
        condition=condition,
        by=peer,
        hint=hint,
    )


def stanza_error(stanza: Element, what: str, *, feature: str | None = None) -> XmppctlError:
    """A stanza of type error as an exception; ``what`` says in words what was refused.

    With ``feature``, an answer that the request is not known becomes UnsupportedError.
    """
    error = next((child for child in stanza if split(child.tag)[1] == "error"), None)
    by = stanza.get("from")
    condition, text, kind, hint = "undefined-condition", None, "cancel", None
    application: str | None = None
    if error is not None:
        condition, text, found = _parts(error, NS_STANZAS)
        hint = _HINTS.get(condition)
        # RFC 6120 §8.3.3.5, §8.3.3.14: the element may tell the new address
        if condition in ("gone", "redirect") and found is not None and (found.text or "").strip():
            hint = f"the new address is {(found.text or '').strip()[:_LONGEST_TEXT]}"
        kind = error.get("type") or kind
        if condition == "not-acceptable" and split(stanza.tag)[1] == "iq" and kind == "modify":
            hint = None  # the request itself: what blocks (XEP-0191) does so with "cancel"
        by = error.get("by") or by
        application = next(
            (split(child.tag)[1] for child in error if split(child.tag)[0] != NS_STANZAS), None
        )
    detail = f" ({application})" if application else ""
    says = f": {text}" if text else ""
    if feature is not None and condition in UNSUPPORTED:
        return UnsupportedError(
            f"{what}: {by or 'the server'} does not offer {feature} ({condition})",
            condition=condition,
            type=kind,
            by=by,
        )
    return RefusedError(
        f"{what}: {condition}{detail}{says}",
        condition=condition,
        type=kind,
        by=by,
        hint=hint,
    )


def _parts(element: Element, namespace: str) -> tuple[str, str | None, Element | None]:
    condition, text, found = "undefined-condition", None, None
    for child in element:
        ns, name = split(child.tag)
        if ns != namespace:
            continue
        if name == "text":
            text = text or (child.text or "").strip()[:_LONGEST_TEXT] or None
        elif found is None:
            condition, found = name, child
    return condition, text, found


def _host_port(text: str) -> tuple[str, int] | None:
    """Where see-other-host points to: a host or address, IPv6 in brackets, a port or 5222."""
    found = re.fullmatch(_PLACE, text)
    if found is None:
        return None
    port = int(found["port"] or 5222)
    return (found["v6"] or found["host"], port) if 0 < port < 65536 else None
