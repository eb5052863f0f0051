"""What stream features say of a server, judged: before TLS, and behind it."""

from __future__ import annotations

from collections.abc import Sized
from xml.etree.ElementTree import Element

from xmppctl.protocol.check.certificates import Verdict
from xmppctl.session import offer
from xmppctl.session.probe import requires_tls
from xmppctl.session.xml import split

_IQ_AUTH = "{http://jabber.org/features/iq-auth}auth"
_WITHOUT_SECRET = frozenset({"PLAIN", "LOGIN", "X-PLAIN-SUBMISSION"})
"""Mechanisms by which the server, and whoever stands in its place, sees the password."""

_OUTDATED = frozenset({"DIGEST-MD5", "CRAM-MD5", "JABBER-IQ-AUTH", "NTLM", "GSS-SPNEGO"})
_STRONG = ("SCRAM-", "HT-", "OAUTHBEARER", "X-OAUTH2", "OPENID", "EXTERNAL", "ANONYMOUS", "GSSAPI",
           "GS2-", "SAML20", "ECDH-", "X-TOKEN", "KERBEROS")  # fmt: skip
_LONGEST_LIST = 24


def cleartext(features: Element) -> Verdict:
    """sasl.cleartext: features of a stream that is not under TLS."""
    known = offer.read(features)
    names = list(dict.fromkeys((*known.mechanisms, *known.sasl2)))
    if features.find(_IQ_AUTH) is not None:
        names.append("iq-auth")
    if not names:
        return Verdict("ok", "no login is offered before TLS")
    return Verdict(
        "fail",
        f"a login is offered before TLS: {_listed(names)}",
        _listed(names),
        advice="let the server require TLS before the login",
    )


def starttls(features: Element, *, server: bool) -> Verdict:
    """tls.starttls, where it is offered; ``server``: to other servers."""
    if requires_tls(features):
        return Verdict("ok", "STARTTLS is offered and required", "required")
    if server:
        # how servers are delivered, and the other side may insist on TLS
        return Verdict(
            "ok",
            "STARTTLS is offered, and not required of other servers",
            "optional",
            advice="require it, unless servers without TLS are to be reached",
        )
    return Verdict("warn", "STARTTLS is offered, but not required", "optional",
                   advice="let the server require TLS")  # fmt: skip


def features(found: Element, header: dict[str, str], domain: str) -> Verdict:
    """stream.features: those behind TLS, and from whom the stream is; without the time."""
    names = [split(each.tag)[1] for each in found]
    told = f"{plural(names)}: {_listed(names)}" if names else "no features at all"
    told += _limits(found)
    sender = header.get("from")
    if sender is not None and sender.lower() != domain.lower():
        return Verdict("warn", f"the stream says that it is from {sender}; {told}",
                       advice=f"let the server answer for {domain} as {domain}")  # fmt: skip
    return Verdict("ok", told)


def _limits(found: Element) -> str:
    """What the server says that it takes at most (XEP-0478), in words."""
    ns = "{urn:xmpp:stream-limits:0}"
    words = {"max-bytes": "at most {} bytes in a stanza", "idle-seconds": "{} s of silence"}
    told = ""
    for name, text in words.items():
        number = (found.findtext(f"{ns}limits/{ns}{name}") or "").strip()
        if number.isascii() and number.isdecimal() and len(number) < 20:
            told += f"; {text.format(number)}"
    return told


def mechanisms(found: Element) -> Verdict:
    """sasl.mechanisms: what a client can log in with."""
    known = offer.read(found)
    names = list(dict.fromkeys((*known.mechanisms, *known.sasl2)))
    value = _listed(names) or None
    if not names:
        return Verdict("fail", "no mechanism for a login is offered", value, advice="offer SCRAM")
    usable = [each for each in names if each.startswith(_STRONG)]
    if usable:
        more = len(names) - 1
        return Verdict("ok", f"{usable[0]}{f' and {more} more' if more else ''}", value)
    if any(each in _WITHOUT_SECRET for each in names):
        return Verdict("warn", f"no better login is offered than {value}", value,
                       advice="offer SCRAM, which shows the password to nobody")  # fmt: skip
    if any(each in _OUTDATED for each in names):
        return Verdict("warn", f"nothing but outdated mechanisms is offered: {value}", value,
                       advice="offer SCRAM")  # fmt: skip
    return Verdict("fail", f"clients know none of the mechanisms: {value}", value,
                   advice="offer SCRAM")  # fmt: skip


def binding(found: Element, version: str | None) -> Verdict:
    """sasl.binding: channel binding (XEP-0440); ``version`` of TLS as OpenSSL names it."""
    known = offer.read(found)
    plus = [each for each in (*known.mechanisms, *known.sasl2) if each.endswith("-PLUS")]
    types = list(known.bindings or ())
    if not plus:
        told = f", though types are told: {_listed(types)}" if types else ""
        return Verdict("ok", f"no mechanism with channel binding is offered{told}", "none")
    shown = _listed(list(dict.fromkeys(plus)))
    if not types:
        advice = "tell the types (XEP-0440): clients have to guess otherwise"
        return Verdict("ok", f"{shown}; the types are not told", "untold", advice=advice)
    value = _listed(types)
    if version == "TLSv1.3" and set(types) == {"tls-unique"}:
        return Verdict("warn", f"{shown} with tls-unique alone, which TLS 1.3 does not have", value,
                       advice="offer tls-exporter, or tls-server-end-point")  # fmt: skip
    return Verdict("ok", f"{shown} with {value}", value)


def sasl2(found: Element) -> Verdict:
    """sasl.sasl2: SASL2, Bind 2, FAST."""
    known = offer.read(found)
    names = ["SASL2"] if known.sasl2 else []
    names += ["Bind2"] if known.inline else []
    names += ["FAST"] if known.fast else []
    if not names:
        return Verdict("ok", "neither SASL2 nor Bind 2 nor FAST is offered", "none")
    return Verdict("ok", f"offered: {', '.join(names)}", " ".join(names))


def plural(found: Sized) -> str:
    """How many features there are."""
    return "1 feature" if len(found) == 1 else f"{len(found)} features"


def _listed(names: list[str]) -> str:
    """Names as one value: a hostile server could offer thousands."""
    shown = " ".join(names[:_LONGEST_LIST])
    return (
        shown if len(names) <= _LONGEST_LIST else f"{shown} and {len(names) - _LONGEST_LIST} more"
    )
