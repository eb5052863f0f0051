"""Devices that read and write encrypted messages, and how far their keys are trusted."""

from __future__ import annotations

from typing import Annotated, ClassVar

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass


@dataclass(frozen=True)
class OmemoDevice:
    """A device of an account (XEP-0384)."""

    PLAIN: ClassVar[str] = "device"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "device", "fingerprint", "trust", "state")

    jid: Annotated[str, "bare JID of the account"]
    device: Annotated[int | None, "id of the device; null where it is not known"]
    fingerprint: Annotated[
        str | None, "its identity key, 64 hexadecimal digits; null where it shows none"
    ] = None
    trust: Annotated[
        str | None,
        "verified, trusted (by hand), blind (by itself), undecided or distrusted; null: own device",
    ] = None
    state: Annotated[
        str | None,
        "this (the one of this machine), active, stale (announced, and without usable keys or "
        "silent for 53 messages) or gone (known, not announced any more)",
    ] = None
    versions: Annotated[list[str] | None, "versions of OMEMO that it is announced for"] = None
    label: Annotated[str | None, "what its owner calls it"] = None
    unanswered: Annotated[
        int | None, "messages to it since the last one from it; null without a session"
    ] = None
    detail: Annotated[str | None, "what is wrong with it"] = None
    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None


@dataclass(frozen=True)
class OmemoFingerprint:
    """The fingerprint of a device, to be compared with what its owner sees."""

    PLAIN: ClassVar[str] = "fingerprint"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "device", "grouped", "trust")

    jid: Annotated[str, "bare JID of the account"]
    device: Annotated[int, "id of the device"]
    fingerprint: Annotated[str, "its identity key, 64 hexadecimal digits"]
    grouped: Annotated[str, "the same in groups of eight, as clients show it"]
    uri: Annotated[str, "the same as clients take it from a picture, xmpp:JID?omemo-sid-..."]
    trust: Annotated[str | None, "as in the list of devices"] = None


@dataclass(frozen=True)
class OmemoPurge:
    """What was removed."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "bare JID of the account"]
    device: Annotated[int | None, "the own device that is no more; null: only what was known"]
    devices: Annotated[list[int], "ids of the devices of which nothing is known any more"]
