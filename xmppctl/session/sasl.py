"""SASL mechanisms, the client's side, and the choice among them.

RFC 4422, RFC 4616 (PLAIN), RFC 4505 (ANONYMOUS), RFC 6120 §6, XEP-0178 (EXTERNAL), XEP-0440
(channel binding types). No input or output: whoever speaks the stream carries the bytes.

An order of strength: a mechanism that binds the channel shows a man in the middle whose
certificate is trusted, which no longer hash does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field, replace
from types import MappingProxyType
from typing import Protocol
from xml.etree.ElementTree import Element

from xmppctl.errors import AuthError, TlsError, UsageError
from xmppctl.model.account import Account
from xmppctl.model.jid import parse
from xmppctl.model.xep import Xep
from xmppctl.records import dataclass
from xmppctl.session.certificate import addresses
from xmppctl.session.scram import Offer, Scram

XEPS = (
    Xep("0175", "1.2", "complete"),
    Xep("0178", "1.2", "partial", "clients"),
    Xep("0440", "1.0.0", "complete"),
)

NS_CHANNEL_BINDING = "urn:xmpp:sasl-cb:0"

Bindings = Mapping[str, Callable[[], bytes]]
"""Channel binding types in order of preference, each with what gives its data."""

_NO_BINDINGS: Bindings = MappingProxyType({})

_HASHES = {"SCRAM-SHA-512": "sha512", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}

# usable without being announced by XEP-0440: the default of each TLS version (RFC 5802 §6.1,
# RFC 9266 §3)
_DEFAULT_BINDINGS = ("tls-exporter", "tls-unique")

# XEP-0440 §3, rule 1: every server has it
_COMMON_BINDING = "tls-server-end-point"

BY_STRENGTH = (
    "ANONYMOUS",
    "PLAIN",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "SCRAM-SHA-512",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-512-PLUS",
    "EXTERNAL",
)
"""Every mechanism known here, weakest first."""


class Mechanism(Protocol):
    """One authentication exchange; an instance serves one exchange."""

    @property
    def name(self) -> str:
        """The mechanism's registered name."""

    def initial(self) -> bytes | None:
        """The initial response; None where there is none, b"" is an empty one."""

    def respond(self, challenge: bytes) -> bytes:
        """The response to a challenge. Raises AuthError."""

    def finish(self, data: bytes | None) -> None:
        """Take the data of the success. Raises AuthError unless the server proved itself."""


class OneMessage:
    """A mechanism that says all in its first message."""

    name: str

    def respond(self, challenge: bytes) -> bytes:
        """There is nothing to answer. Raises AuthError."""
        raise AuthError(
            f"the server sent a challenge that {self.name} does not have",
            step="auth",
            condition="malformed-challenge",
        )

    def finish(self, data: bytes | None) -> None:
        """TLS alone proved who the server is: nothing to check."""


class Plain(OneMessage):
    """PLAIN (RFC 4616): the password itself, so only inside verified TLS."""

    name = "PLAIN"

    def __init__(self, username: str, password: str, *, authzid: str = "") -> None:
        self._username = username
        self._password = password
        self._authzid = authzid

    def initial(self) -> bytes:
        """The message: authzid NUL authcid NUL password."""
        parts = (self._authzid, self._username, self._password)
        if not parts[2]:
            raise UsageError("the password is empty", step="auth", condition="malformed-request")
        if any("\0" in part for part in parts):
            raise UsageError(
                "user name and password must not contain NUL",
                step="auth",
                condition="malformed-request",
            )
        return "\0".join(parts).encode()


class External(OneMessage):
    """EXTERNAL: the client certificate of the TLS connection (RFC 4422 appendix A, XEP-0178)."""

    name = "EXTERNAL"

    def __init__(self, authzid: str = "") -> None:
        self._authzid = authzid

    def initial(self) -> bytes:
        """The authorisation identity; empty: the one that the certificate names."""
        return self._authzid.encode()


class Anonymous(OneMessage):
    """ANONYMOUS (RFC 4505), without trace information."""

    name = "ANONYMOUS"

    def initial(self) -> bytes:
        """No trace: the server learns nothing."""
        return b""


@dataclass(frozen=True)
class Choice:
    """A mechanism that was chosen; ``make`` begins an exchange with it.

    ``binding``: the channel binding type of a -PLUS mechanism, ``binding_data`` gives its data.
    ``server_lacks_binding``: this side could bind the channel, and the server offers nothing of the
    kind. ``insist``: the server must sign its offer (XEP-0474). ``offer``: what it was chosen from.
    Two choices are equal if they make the same exchange.
    """

    name: str
    binding: str | None = None
    binding_data: Callable[[], bytes] | None = field(default=None, repr=False, compare=False)
    server_lacks_binding: bool = False
    insist: bool = False
    offer: Offer = field(default=Offer(), repr=False, compare=False)

    @property
    def strength(self) -> int:
        """Its place in BY_STRENGTH."""
        return strength(self.name)


def strength(name: str) -> int:
    """A number that orders mechanisms by strength; -1 for one that is not known here."""
    return BY_STRENGTH.index(name) if name in BY_STRENGTH else -1


def announced(features: Element) -> tuple[str, ...] | None:
    """The channel binding types that stream features announce (XEP-0440 §2); None: none at all.

    They stand beside the mechanisms, of SASL1 and of SASL2 alike.
    """
    element = features.find(f"{{{NS_CHANNEL_BINDING}}}sasl-channel-binding")
    if element is None:
        return None
    found = element.findall(f"{{{NS_CHANNEL_BINDING}}}channel-binding")
    return tuple(each.get("type") or "" for each in found)


def choose(
    offered: Sequence[str],
    account: Account,
    *,
    tls_verified: bool,
    channel_bindings: Bindings = _NO_BINDINGS,
    announced_bindings: Collection[str] | None = None,
    tls_version: str | None = None,
    sasl2: bool = False,
    unbound: bool = False,
    allow_downgrade: bool = False,
    exclude: Collection[str] = (),
) -> Choice:
    """The strongest mechanism that server and account can both use.

    ``tls_verified``: certificate or pin was checked; without it PLAIN is never used.
    ``announced_bindings``: the types that the server announces (XEP-0440), None if it does not.
    ``tls_version``: as ``ssl`` names it. ``sasl2``: the mechanisms are those of XEP-0388.
    ``unbound``: the last login here had to do without -PLUS (``downgrade.fallback``), so it is left
    out at once while the server announces no types. ``allow_downgrade``: take an offer that
    contradicts itself. ``exclude``: mechanisms that failed already; they still count as offered,
    so that a failed SCRAM is never followed by PLAIN.
    Raises AuthError ("invalid-mechanism", "no-acceptable-mechanism") and TlsError ("downgrade")
    where XEP-0440 §3 says to abort; with SASL2 that may be met by SASL1, whose rules are softer.
    """
    offer = Offer(tuple(offered), _tuple(announced_bindings), tls_version)
    binding = _usable_binding(channel_bindings, announced_bindings)
    if unbound and not announced_bindings:
        binding = None
    possible = [
        name
        for name in reversed(BY_STRENGTH)
        if name in offered
        and name not in exclude
        and _fits(name, account, tls_verified=tls_verified, binding=binding)
    ]
    forced = account.sasl_mechanism.upper() if account.sasl_mechanism else None
    if forced is not None:
        possible = [forced] if forced in possible else []
        if forced not in offered or forced not in BY_STRENGTH:
            raise _not_possible(forced, offered)
    elif _better_than_plain(offered):
        possible = [name for name in possible if name != "PLAIN"]
    if not possible:
        raise _nothing_acceptable(offered, account, forced)
    choice = Choice(possible[0], offer=offer)
    if not needs_password(choice):
        return choice
    if channel_bindings and forced is None and not allow_downgrade:
        _refuse_contradiction(offer, sasl2=sasl2)
    if choice.name.endswith("-PLUS") and binding is not None:
        return replace(choice, binding=binding, binding_data=channel_bindings[binding])
    if not channel_bindings:
        return choice
    # XEP-0440 §3, rule 3 ("y" where the server offers -PLUS or types would end the login), and
    # rule 6 as XEP-0474 §6 has it
    lacks = not _plus(offered) and not announced_bindings
    insist = (
        _plus(offered)
        and bool(announced_bindings)
        and _COMMON_BINDING not in (announced_bindings or ())
        and forced is None
        and not allow_downgrade
    )
    return replace(choice, server_lacks_binding=lacks, insist=insist)


def needs_password(choice: Choice) -> bool:
    """Whether ``make`` has to be given the password."""
    return choice.name not in ("ANONYMOUS", "EXTERNAL")


def make(choice: Choice, account: Account, secret: str | None) -> Mechanism:
    """A new exchange with the mechanism that was chosen; ``secret`` is the password.

    Raises UsageError where a password is needed and there is none, or one that none may be.
    """
    if choice.name == "ANONYMOUS":
        return Anonymous()
    if choice.name == "EXTERNAL":
        return External(_authzid(account))
    if secret is None:
        raise UsageError(
            f"the server asks for the password of {account.jid.bare}, and none was given",
            step="auth",
            condition="no-password",
            hint="give --password-command, --password-file, --password-fd or XMPPCTL_PASSWORD",
        )
    username = account.jid.local or ""
    if choice.name == "PLAIN":
        return Plain(username, secret)
    binding = None
    if choice.binding is not None and choice.binding_data is not None:
        binding = (choice.binding, choice.binding_data())
    return Scram(
        _HASHES[choice.name.removesuffix("-PLUS")],
        username,
        secret,
        binding=binding,
        server_lacks_binding=choice.server_lacks_binding,
        offer=choice.offer,
        insist=choice.insist,
    )


def _authzid(account: Account) -> str:
    """Whom EXTERNAL logs in as: named unless the certificate is of that JID alone (XEP-0178 §2)."""
    bare = account.jid.bare
    names = addresses(account.cert) if account.cert is not None else ()
    if len(names) == 1:
        with contextlib.suppress(ValueError):
            if parse(names[0]).bare == bare:
                return ""
    return str(bare) if account.jid.local else ""


def _tuple(types: Collection[str] | None) -> tuple[str, ...] | None:
    return None if types is None else tuple(types)


def _plus(offered: Sequence[str]) -> bool:
    return any(each.endswith("-PLUS") for each in offered)


def _usable_binding(ours: Bindings, announced: Collection[str] | None) -> str | None:
    usable = announced or _DEFAULT_BINDINGS
    return next((each for each in ours if each in usable), None)


def _refuse_contradiction(offer: Offer, *, sasl2: bool) -> None:
    """XEP-0440 §3, rules 4 and 5, for a client that can bind the channel."""
    if offer.bindings and not _plus(offer.mechanisms):
        what = "it announces channel bindings, and no mechanism that uses them"
    elif sasl2 and _plus(offer.mechanisms) and not offer.bindings:
        what = "it offers mechanisms with channel binding, and announces no binding"
    else:
        return
    raise TlsError(
        f"what the server offers for the login contradicts itself: {what}; somebody on the way may "
        "have removed a part",
        step="auth",
        condition="downgrade",
        hint="if the server is known to do so, --allow-downgrade accepts it",
    )


def _fits(name: str, account: Account, *, tls_verified: bool, binding: str | None) -> bool:
    if account.anonymous or name == "ANONYMOUS":
        return account.anonymous and name == "ANONYMOUS"
    if name == "EXTERNAL":
        return account.cert is not None
    if account.jid.local is None:
        return False
    if name == "PLAIN":
        return tls_verified
    return binding is not None or not name.endswith("-PLUS")


def _better_than_plain(offered: Sequence[str]) -> bool:
    return any(each.startswith("SCRAM-") and strength(each) > 0 for each in offered)


def _offer(offered: Sequence[str]) -> str:
    return ", ".join(offered) if offered else "none"


def _not_possible(forced: str, offered: Sequence[str]) -> AuthError:
    why = "the server does not offer it" if forced not in offered else "it is not known here"
    return AuthError(
        f"the mechanism {forced} cannot be used: {why} (offered: {_offer(offered)})",
        step="auth",
        condition="invalid-mechanism",
        hint="leave out --sasl-mechanism to take the strongest one",
    )


def _nothing_acceptable(offered: Sequence[str], account: Account, forced: str | None) -> AuthError:
    hint = None
    if account.anonymous:
        hint = "the server has no anonymous logins"
    elif account.jid.local is None:
        hint = "the JID has no user name"
    elif "PLAIN" in offered and not _better_than_plain(offered):
        hint = "PLAIN is used only inside TLS with a verified certificate"
    elif "EXTERNAL" in offered and account.cert is None:
        hint = "give a client certificate with --cert and --key"
    what = f"{forced} cannot be used here" if forced else "no mechanism that can be used here"
    return AuthError(
        f"no acceptable SASL mechanism: {what} (offered: {_offer(offered)})",
        step="auth",
        condition="no-acceptable-mechanism",
        hint=hint,
    )
