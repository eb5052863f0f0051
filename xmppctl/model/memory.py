"""What is known of an account's logins beyond one run; ``config.memory`` keeps it in files.

Two kinds, with different promises. What the server said of itself (``Known``) can be asked for
again: it is a guess that saves round trips, and losing it costs nothing. Tokens, the device and
the strongest mechanism are state: they are secret, and are not lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

PLACE_SECONDS = 3600.0
"""So long the place of the last login stands for what the name service would say."""


class Known(NamedTuple):
    """What the server offered at the last login by the same way: a guess for the next one.

    ``mechanisms``: those of SASL1. ``sasl2``: those of <authentication/> (XEP-0388 §2.2); empty:
    no SASL2. ``fast``: its HT-* mechanisms (XEP-0484). ``inline``: the namespaces of the features
    that Bind 2 enables (XEP-0386). ``bindings``: channel binding types (XEP-0440), None where
    none were announced. ``features``: the stream features after the login, as XML text. ``place``:
    host, address, port and direct TLS of what answered last. ``seen``: seconds since the epoch.
    ``archive``: whether the account is known to have a message archive (XEP-0313). ``unbound``:
    the server refused -PLUS that it offered, and the login worked without. ``patience``: seconds
    since the epoch until which nothing is sent ahead, because the server did not take that.
    """

    mechanisms: tuple[str, ...] = ()
    sasl2: tuple[str, ...] = ()
    fast: tuple[str, ...] = ()
    inline: tuple[str, ...] = ()
    bindings: tuple[str, ...] | None = None
    features: str = ""
    place: tuple[str, str, int, bool] | None = None
    archive: bool = False
    unbound: bool = False
    patience: float = 0.0
    seen: float = 0.0


class Token(NamedTuple):
    """A FAST token (XEP-0484): as good as a password, for one account, device and mechanism.

    ``expiry`` is as the server wrote it (XEP-0082), None where it said nothing. ``device``: the id
    of the user agent it was given to. ``issued``: RFC 3339 in UTC, by the clock of this machine.
    """

    mechanism: str
    token: str
    expiry: str | None
    device: str
    issued: str

    def __repr__(self) -> str:
        """The token without its secret."""
        return f"Token({self.mechanism}, expiry={self.expiry}, device={self.device})"


class Memory(Protocol):
    """The memory of one account and one way to its server.

    ``Known`` belongs to the JID and the way (--connect, --endpoint, --transport, --tls), all else
    to the bare JID. An anonymous login has no state: None is given, and nothing is kept.

    Reading state raises LocalError where its file is open to others or cannot be read. Nothing
    that is written raises: a login that worked is not undone because its traces cannot be kept.
    """

    def known(self) -> Known | None:
        """The guess; None where there is none (or it is damaged)."""

    def learn(self, known: Known) -> None:
        """Keep ``known`` for the next run; writes only what is new, or has a place that is old."""

    def forget(self) -> None:
        """The guess was wrong: the next run starts without one."""

    def strongest(self) -> str | None:
        """The strongest mechanism that a login of this bare JID used before."""

    def authenticated(
        self, mechanism: str, order: Sequence[str], *, accepted: bool = False
    ) -> None:
        """A login by ``mechanism`` worked; it is remembered if it is stronger than the one before.

        ``order``: the names of mechanisms, weakest first; one that is not among them says nothing
        about the server and is passed over. ``accepted``: the user accepts a weaker
        one (--allow-downgrade), so it is remembered in the place of the stronger one.
        """

    def device(self) -> str | None:
        """The id of this user agent (XEP-0388 §2.4), a UUIDv4: no run at the same time has it.

        It is this run's until that ends. None where none can be kept or had for this run alone;
        then no token can be of use either.
        """

    def keeps_tokens(self) -> bool:
        """Whether a token can be kept: if not, none is to be asked for."""

    def token(self) -> Token | None:
        """The newest token that has not expired; None where there is none for this device."""

    def keep_token(self, token: Token) -> bool:
        """Keep a new token; False where that failed.

        The one before stays behind it, because the server accepts that until the new one is used
        (XEP-0484 §3.5).
        """

    def drop_token(self, token: Token) -> None:
        """The server refused or invalidated ``token``; no other token is touched.

        Afterwards ``token()`` gives the one before it, where there is one.
        """

    def drop_tokens(self) -> None:
        """The password is another one now: no token of any device is used any more."""
