"""Where errors of the protocol become errors of xmppctl (RFC 6120 §4.9, §6.5, §8.3)."""

from __future__ import annotations

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

UNSUPPORTED = frozenset({"feature-not-implemented", "service-unavailable"})
"""Conditions with which an entity says that it does not know a request."""

_HINTS = {
    "remote-server-not-found": "check the domain's spelling",
    "remote-server-timeout": "the other server does not answer; try again later",
    "registration-required": "join or register first, or ask for membership",
    "subscription-required": "a presence subscription is needed first",
    "not-acceptable": "the recipient may be blocked, by you or by the recipient",
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


def stream_error(element: Element, peer: str, step: str) -> XmppctlError:
    """``<stream:error/>`` as an exception: SeeOtherHostError, AuthError or ConnectError."""
    condition, text, found = _parts(element, NS_STREAMS)
    if condition == "see-other-host" and found is not None and found.text:
        host, port = _host_port(found.text.strip())
        return SeeOtherHostError(host, port, step=step, by=peer)
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
    """``<failure/>`` of SASL as an exception."""
    condition, text, _ = _parts(element, NS_SASL)
    says = f": {text}" if text else ""
    hint = None
    if condition in ("not-authorized", "credentials-expired"):
        hint = "check the JID and the password"
    elif condition == "account-disabled":
        hint = "ask the server's administrator"
    return AuthError(
        f"{peer} refused the login with {mechanism}: {condition}{says}",
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
    condition, text, kind = "undefined-condition", None, "cancel"
    application: str | None = None
    if error is not None:
        condition, text, _ = _parts(error, NS_STANZAS)
        kind = error.get("type") or kind
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
        hint=_HINTS.get(condition),
    )


def _parts(element: Element, namespace: str) -> tuple[str, str | None, Element | None]:
    condition, text, found = "undefined-condition", None, None
    for child in element:
        ns, name = split(child.tag)
        if ns != namespace:
            continue
        if name == "text":
            text = (child.text or "").strip() or None
        elif found is None:
            condition, found = name, child
    return condition, text, found


def _host_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if colon and port.isdigit() and not (":" in host and not host.startswith("[")):
        return host.strip("[]"), int(port)
    return text.strip("[]"), 5222
