"""From an open connection to a bound resource (RFC 6120 §4.3, §5, §6, §7), one step at a time.

Each function takes a ``Wire`` and leaves it at the next step; none of them opens connections.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import secrets
import ssl
from xml.etree.ElementTree import Element

from xmppctl.errors import AuthError, ConnectError, TlsError
from xmppctl.model.account import Account
from xmppctl.model.jid import Jid, parse
from xmppctl.session import sasl, tls
from xmppctl.session.conditions import NS_SASL, sasl_failure, stanza_error
from xmppctl.session.wire import Wire
from xmppctl.session.xml import NS_CLIENT, split

NS_TLS = "urn:ietf:params:xml:ns:xmpp-tls"
NS_BIND = "urn:ietf:params:xml:ns:xmpp-bind"
NS_SESSION = "urn:ietf:params:xml:ns:xmpp-session"

_STARTTLS = f"{{{NS_TLS}}}starttls"
_MECHANISMS = f"{{{NS_SASL}}}mechanisms"
_MECHANISM = f"{{{NS_SASL}}}mechanism"
_BIND = f"{{{NS_BIND}}}bind"
_SESSION = f"{{{NS_SESSION}}}session"
_MAX_STEPS = 8


async def starttls(wire: Wire, account: Account, context: ssl.SSLContext, timeout: float) -> None:
    """Bring a clear stream under TLS within ``timeout`` seconds; it has to be opened anew then.

    Raises TlsError where the server does not offer STARTTLS, which a stripping attacker looks
    like too; nothing but the offer is ever read from the clear stream.
    """
    wire.trace.enter("starttls")
    wire.open(account.domain)
    features = await wire.features(timeout, "starttls")
    if features.find(_STARTTLS) is None:
        raise TlsError(
            f"{wire.peer} does not offer TLS (or somebody on the way removed the offer)",
            step="starttls",
            condition="starttls-not-offered",
            by=wire.peer,
            hint="try --tls direct; credentials are never sent without TLS",
        )
    wire.send(f"<starttls xmlns='{NS_TLS}'/>")
    answer = await wire.receive(timeout, "starttls")
    if answer.tag != f"{{{NS_TLS}}}proceed":
        raise TlsError(
            f"{wire.peer} refused to begin TLS",
            step="starttls",
            condition="starttls-failure",
            by=wire.peer,
        )
    await handshake(wire, account, context, timeout)


async def handshake(wire: Wire, account: Account, context: ssl.SSLContext, timeout: float) -> None:
    """TLS from here on, checked as far as the handshake does. Raises what made it fail."""
    wire.trace.enter("tls")
    try:
        async with asyncio.timeout(timeout):
            await wire.start_tls(context, account.domain)
    except TimeoutError:
        raise wire.silence(timeout, "tls") from None
    except OSError as error:
        raise tls.tls_error(error, wire.peer, account.domain) from None


def check_certificate(wire: Wire, account: Account) -> None:
    """After the TLS handshake and before anything is sent: the pins; and facts for ``-v``."""
    tls_object = wire.ssl_object
    assert tls_object is not None
    if account.pins:
        der = tls_object.getpeercert(binary_form=True)
        if der is None:
            raise TlsError(f"{wire.peer} showed no certificate", step="tls", by=wire.peer)
        tls.check_pins(der, account)
        wire.trace.note("the certificate's public key matches --pin")
    cipher = tls_object.cipher()
    wire.trace.fact("tls", tls_object.version() or "")
    wire.trace.fact("cipher", cipher[0] if cipher else "")


async def authenticate(
    wire: Wire,
    account: Account,
    features: Element,
    timeout: float,
    secret: str | None,
) -> None:
    """SASL (RFC 6120 §6). Afterwards the stream has to be opened anew.

    ``secret`` is the password where it is known already; otherwise the account is asked for it
    when the mechanism needs one. Raises AuthError, UsageError.
    """
    wire.trace.enter("auth")
    element = features.find(_MECHANISMS)
    offered = [m.text or "" for m in element.findall(_MECHANISM)] if element is not None else []
    choice = sasl.choose(offered, account, tls_verified=wire.ssl_object is not None)
    if secret is None and sasl.needs_password(choice) and account.password is not None:
        secret = account.password()
    mechanism = sasl.make(choice, account, secret)
    wire.trace.fact("mechanism", mechanism.name)
    initial = mechanism.initial()
    payload = "" if initial is None else _encode(initial)
    # an element, not text: the trace takes the credentials out of elements
    wire.send(_sasl("auth", payload, mechanism=mechanism.name))
    for _ in range(_MAX_STEPS):
        answer = await wire.receive(timeout, "auth")
        ns, name = split(answer.tag)
        if ns == NS_SASL and name == "success":
            mechanism.finish(_decode(answer, wire.peer))
            return
        if ns == NS_SASL and name == "failure":
            raise sasl_failure(answer, mechanism.name, wire.peer)
        if ns != NS_SASL or name != "challenge":
            break
        response = mechanism.respond(_decode(answer, wire.peer) or b"")
        wire.send(_sasl("response", _encode(response)))
    raise AuthError(
        f"{wire.peer} does not come to an end with {mechanism.name}",
        step="auth",
        condition="malformed-request",
        by=wire.peer,
    )


async def bind(wire: Wire, account: Account, features: Element, timeout: float) -> Jid:
    """Bind a resource (RFC 6120 §7); the full JID that the server gave.

    Without ``--resource`` the name is random, so that parallel runs never throw each other off.
    """
    wire.trace.enter("bind")
    if features.find(_BIND) is None:
        raise ConnectError(
            f"{wire.peer} offers no resource binding",
            step="bind",
            condition="bind-not-offered",
            by=wire.peer,
        )
    resource = account.jid.resource or f"xmppctl.{secrets.token_hex(4)}"
    iq = Element(f"{{{NS_CLIENT}}}iq", {"type": "set", "id": f"bind{secrets.token_hex(4)}"})
    request = Element(_BIND)
    child = Element(f"{{{NS_BIND}}}resource")
    child.text = resource
    request.append(child)
    iq.append(request)
    wire.send(iq)
    answer = await _result(wire, iq, timeout, "bind")
    text = answer.findtext(f"{_BIND}/{{{NS_BIND}}}jid") or ""
    try:
        jid = parse(text)
    except ValueError as error:
        raise ConnectError(
            f"{wire.peer} bound an address that is none ({error})",
            step="bind",
            condition="malformed-answer",
            by=wire.peer,
        ) from None
    await _legacy_session(wire, features, timeout)
    return jid


async def _legacy_session(wire: Wire, features: Element, timeout: float) -> None:
    """RFC 3921's session, only where a server still insists on it."""
    session = features.find(_SESSION)
    if session is None or session.find(f"{{{NS_SESSION}}}optional") is not None:
        return
    iq = Element(f"{{{NS_CLIENT}}}iq", {"type": "set", "id": f"session{secrets.token_hex(4)}"})
    iq.append(Element(_SESSION))
    wire.send(iq)
    await _result(wire, iq, timeout, "bind")


async def _result(wire: Wire, iq: Element, timeout: float, step: str) -> Element:
    while True:
        answer = await wire.receive(timeout, step)
        if split(answer.tag)[1] == "iq" and answer.get("id") == iq.get("id"):
            break
    if answer.get("type") != "result":
        error = stanza_error(answer, f"{wire.peer} refused the {step}")
        raise ConnectError(error.text, step=step, condition=error.condition, by=wire.peer)
    return answer


def _sasl(name: str, payload: str, **attributes: str) -> Element:
    element = Element(f"{{{NS_SASL}}}{name}", attributes)
    element.text = payload
    return element


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii") if data else "="


def _decode(element: Element, peer: str) -> bytes | None:
    text = "".join((element.text or "").split())
    if not text:
        return None
    if text == "=":
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AuthError(
            f"{peer} sent a SASL challenge that is not base64",
            step="auth",
            condition="incorrect-encoding",
            by=peer,
        ) from error
