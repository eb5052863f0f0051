"""OpenPGP keys: those of others, the own ones, and what is kept of them on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, ClassVar, Literal, NamedTuple, Protocol

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass

Trust = Literal["own", "verified", "blind", "undecided", "distrusted", "unknown"]


@dataclass(frozen=True)
class OpenPgpKey:
    """A key that an account announces, or that is kept here (XEP-0373)."""

    PLAIN: ClassVar[str] = "fingerprint"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "fingerprint", "trust", "announced", "problem")

    jid: Annotated[str, "bare JID whose key it is"]
    fingerprint: Annotated[str | None, "fingerprint of the primary key, in capitals"] = None
    user_ids: Annotated[list[str] | None, "user ids of the key that are not revoked"] = None
    announced: Annotated[bool, "the account announces it"] = False
    published_at: Annotated[datetime | None, "when it was published, as the account says"] = None
    expires_at: Annotated[datetime | None, "when it expires; null for never"] = None
    revoked: Annotated[bool | None, "its owner revoked it"] = None
    usable: Annotated[bool, "messages can be encrypted for it"] = False
    problem: Annotated[str | None, "why it is not usable, or cannot be told of"] = None
    trust: Annotated[
        Trust,
        "own; verified or distrusted by the user; blind: taken as it came; undecided: it came when "
        "the user had decided about another; unknown: not kept here",
    ] = "unknown"
    secret: Annotated[bool, "its secret part is on this machine"] = False
    error: Annotated[ErrorInfo | None, "why nothing can be told"] = None


@dataclass(frozen=True)
class OpenPgpBackup:
    """The secret keys as they are kept on the server, encrypted with a code (XEP-0373 §5)."""

    PLAIN: ClassVar[str] = "code"

    jid: Annotated[str, "bare JID of the account"]
    fingerprints: Annotated[list[str], "fingerprints of the keys in it"]
    code: Annotated[str | None, "the code that opens it; null where it was given"]
    replaced: Annotated[bool, "there was another backup before"]


@dataclass(frozen=True)
class OpenPgpRemoval:
    """A key that is announced no more."""

    PLAIN: ClassVar[str] = "fingerprint"

    jid: Annotated[str, "bare JID of the account"]
    fingerprint: Annotated[str | None, "fingerprint of the key"]
    existed: Annotated[bool, "it was there before"]
    secret_removed: Annotated[bool, "its secret part was removed from this machine"]
    backup_removed: Annotated[bool, "the backup of secret keys was removed from the server"]


class SecretKey(NamedTuple):
    """An own key; ``data`` is a transferable secret key without passphrase."""

    fingerprint: str
    data: bytes


class KnownKey(NamedTuple):
    """A key of somebody else; ``date`` is what its owner says of its publication."""

    data: bytes
    date: str | None
    trust: Literal["verified", "blind", "undecided", "distrusted"]


class KeyRing(NamedTuple):
    """All keys that an account of this machine knows; others' by bare JID and fingerprint."""

    secrets: tuple[SecretKey, ...] = ()
    contacts: Mapping[str, Mapping[str, KnownKey]] = {}

    def of(self, jid: str) -> Mapping[str, KnownKey]:
        """The keys of a bare JID by fingerprint."""
        return self.contacts.get(jid, {})

    def with_secrets(self, new: Mapping[str, bytes]) -> KeyRing:
        """With these own keys, first those that are new."""
        stay = [each for each in self.secrets if each.fingerprint not in new]
        return self._replace(secrets=(*(SecretKey(*each) for each in new.items()), *stay))

    def without_secret(self, fingerprint: str) -> KeyRing:
        """Without that own key."""
        stay = tuple(each for each in self.secrets if each.fingerprint != fingerprint)
        return self._replace(secrets=stay)

    def with_keys(self, jid: str, new: Mapping[str, KnownKey]) -> KeyRing:
        """With these keys of a bare JID."""
        return self._replace(contacts={**self.contacts, jid: {**self.of(jid), **new}})


class KeyStore(Protocol):
    """Where the keys of an account are kept; ``config.openpgpkeys`` keeps them in a file."""

    def read(self) -> KeyRing:
        """What is kept. Raises LocalError."""

    def update(self, change: Callable[[KeyRing], KeyRing]) -> KeyRing:
        """Replace what is kept by what ``change`` makes of it, durably. Raises LocalError."""
