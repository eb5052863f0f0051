"""Records of accounts and settings; a secret is never part of one."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from xmppctl.records import dataclass

SecretKind = Literal["command", "file", "keyring", "password", "certificate", "anonymous", "prompt"]


@dataclass(frozen=True)
class AccountEntry:
    """An account of the configuration file."""

    name: Annotated[str, "name of the account, as --account takes it"]
    jid: Annotated[str, "JID of the account"]
    default: Annotated[bool, "whether it is used where no account is named"]
    secret: Annotated[SecretKind, "where the password comes from"]


@dataclass(frozen=True)
class AccountDetails:
    """An account of the configuration file with its settings."""

    name: Annotated[str, "name of the account, as --account takes it"]
    jid: Annotated[str, "JID of the account"]
    default: Annotated[bool, "whether it is used where no account is named"]
    secret: Annotated[SecretKind, "where the password comes from"]
    settings: Annotated[dict[str, str], "connection settings by name; never a secret"]


@dataclass(frozen=True)
class AppliedSetting:
    """A setting as it holds for this run."""

    TABLE: ClassVar[tuple[str, ...]] = ("name", "value")

    name: Annotated[str, "name of the setting, as in the configuration file"]
    value: Annotated[str | None, "its value as text; null where none; '(hidden)' for a secret"]
    origin: Annotated[str, "option, environment variable, account and file, or built-in"]


@dataclass(frozen=True)
class Places:
    """Where configuration, state and caches are."""

    config_file: Annotated[str, "path of the configuration file"]
    config_dir: Annotated[str, "directory of the configuration"]
    state_dir: Annotated[str, "directory of tokens and encryption state"]
    cache_dir: Annotated[str, "directory of what can be asked for again"]
    exists: Annotated[bool, "whether the configuration file exists"]


@dataclass(frozen=True)
class AccountTest:
    """A login that worked, and the way it took."""

    PLAIN: ClassVar[str] = "jid"

    account: Annotated[str | None, "name of the account, null where none of the file was used"]
    jid: Annotated[str, "full JID that the server bound"]
    transport: Annotated[str | None, "what carried the stream: tcp, websocket or bosh"]
    peer: Annotated[str | None, "host and port of the server, or the URL of its endpoint"]
    address: Annotated[str | None, "IP address of the server"]
    tls: Annotated[str | None, "version of TLS"]
    cipher: Annotated[str | None, "cipher suite of the TLS connection"]
    sasl: Annotated[str | None, "profile of SASL: sasl1 (RFC 6120) or sasl2 (XEP-0388)"]
    mechanism: Annotated[str | None, "SASL mechanism of the login"]
    channel_binding: Annotated[str | None, "type of channel binding, null where there was none"]
    fast: Annotated[bool | None, "whether a token took the place of the password (XEP-0484)"]
    bind: Annotated[str | None, "how the resource was bound: bind (RFC 6120) or bind2 (XEP-0386)"]
    guessed: Annotated[bool | None, "whether it was begun by what an earlier login had learned"]
    round_trips: Annotated[int, "times that the login waited for the server, TLS included"]
    login_ms: Annotated[float, "time from the start to the session in milliseconds"]
    phases_ms: Annotated[dict[str, float], "time of each phase of the login in milliseconds"]
