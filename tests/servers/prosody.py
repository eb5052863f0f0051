"""Prosody as Debian 12 has it (0.12.3), with the community modules of prosody-modules."""

from __future__ import annotations

import re
import secrets
import time
from pathlib import Path
from typing import ClassVar

from tests.servers.base import Account, Server, ServerError
from tests.servers.quirks import Feature, Quirk
from tests.servers.sasl2 import PatchError, write_modules
from tests.servers.stun import StunServer


class Prosody(Server):
    """``prosody.test`` and its other hosts."""

    name = "prosody"
    domain = "prosody.test"
    program = "prosody"
    hosts: ClassVar = {
        "form": "form.prosody.test",
        "invite": "invite.prosody.test",
        "closed": "closed.prosody.test",
        "anon": "anon.prosody.test",
        "privacy": "privacy.prosody.test",
        "plain": "plain.prosody.test",
        "optional_tls": "optional-tls.prosody.test",
        "bare": "bare.prosody.test",
        "strict": "strict.prosody.test",
        "portable": "portable.prosody.test",
        "sasl2": "sasl2.prosody.test",
        "sasl2_rotating": "sasl2-rotating.prosody.test",
        "sasl2_short": "sasl2-short.prosody.test",
    }
    services: ClassVar = {
        "conference": "conference.prosody.test",
        "upload": "upload.prosody.test",
        "pubsub": "pubsub.prosody.test",
        "proxy": "proxy.prosody.test",
        "search": "search.prosody.test",
        "ext": "ext.prosody.test",
    }
    websocket_path = "/xmpp-websocket"
    bosh_path = "/http-bind"
    features = frozenset(Feature) - {
        Feature.CAPTCHA_REGISTRATION,
        Feature.HATS,
        Feature.HOST_META,
        Feature.HTTP_API,
        Feature.MIX,
        Feature.MOTD,  # of the configuration only
        Feature.MUC_SUB,
        Feature.MULTICAST,
        Feature.PUBSUB_AFFILIATIONS,
        Feature.PUBSUB_PENDING,
        Feature.PUBSUB_SUBIDS,
        Feature.SCRAM_SHA_512,
        Feature.USER_LISTS,  # of those online only
        Feature.SEARCH,  # mod_vjud is there but answers no search without an e-mail address
    }
    quirks = frozenset(
        {
            Quirk.MUC_ROOMS_IN_ONE_PIECE,
            Quirk.MAM_COMPLETE_ABSENT,
            Quirk.MAM_PAGE_LIMIT_50,
            Quirk.PEP_MAX_ITEMS_256,
            Quirk.UPLOAD_PUT_AUTHORIZATION,
            Quirk.MUC_NEW_ROOM_LOCKED,
            Quirk.MUC_OUTCAST_REGISTRATION_REQUIRED,
            Quirk.MUC_DESTROYED_ROOM_GONE,
            Quirk.REGISTER_FORM_ALWAYS,
            Quirk.BOSH_END_DROPS_ANSWERS,
            Quirk.BOSH_UNACKED_LOST,
            Quirk.UNKNOWN_ELEMENT_ENDS_STREAM,
            Quirk.ROSTER_APPROVED_HIDDEN,
            Quirk.ROSTER_APPROVED_UNTOLD,
        }
    )

    _stun: StunServer | None = None

    @property
    def optional_tls(self) -> tuple[str, int]:
        """The usual port: here the virtual host decides whether TLS is required."""
        return self.starttls

    @property
    def log_file(self) -> Path:
        """The debug log."""
        return self.directory / "prosody.log"

    def create_user(self, local: str, password: str, host: str | None = None) -> None:
        """Write the account's file, which Prosody reads when the account is first asked for."""
        accounts = self._store(host or self.domain) / "accounts"
        accounts.mkdir(parents=True, exist_ok=True)
        _write(accounts / f"{_encode(local)}.dat", f'["password"] = {_quote(password)};')

    def invite(self) -> str:
        """A fresh token that lets one account register at ``hosts["invite"]`` (XEP-0445)."""
        token = secrets.token_urlsafe(12)
        now = int(time.time())
        host = self.hosts["invite"]
        entry = (
            f'["type"] = "register"; ["jid"] = {_quote(host)}; ["token"] = {_quote(token)}; '
            f'["uri"] = {_quote(f"xmpp:{host}?register;preauth={token}")}; '
            f'["allow_registration"] = true; ["created_at"] = {now}; ["expires"] = {now + 3600};'
        )
        store = self._store(host)
        store.mkdir(parents=True, exist_ok=True)
        _write(store / "invite_token.dat", f"[{_quote(token)}] = {{ {entry} }};")
        return token

    def expire_tokens(self, account: Account) -> None:
        """Let the account's FAST tokens end now, for the server; they do not show it."""
        path = self._store(account.domain) / "fast_tokens" / f"{_encode(account.local)}.dat"
        text, count = re.subn(r'\["expires_at"\] = [\d.]+', '["expires_at"] = 1', path.read_text())
        if count == 0:
            raise ServerError(f"{account.jid} has no token")
        _replace(path, text)

    def _store(self, host: str) -> Path:
        return self.directory / "data" / _encode(host)

    def _command(self) -> list[str]:
        return [self.program, "-F", "--root", "--config", str(self.directory / "prosody.cfg.lua")]

    def _prepare(self) -> dict[str, str]:
        for name in ("certs", "www"):
            (self.directory / name).mkdir(exist_ok=True)
        try:
            write_modules(self.directory / "plugins")
        except PatchError as error:
            raise ServerError(str(error)) from error
        self._render("prosody.cfg.lua")
        # what ejabberd has built in
        self._stun = StunServer(port=self.ports.stun)
        self._stun.__enter__()
        return {}

    def stop(self) -> None:
        """Stop it, and the STUN server that it names."""
        super().stop()
        stun, self._stun = self._stun, None
        if stun is not None:
            stun.__exit__()


def _write(path: Path, fields: str) -> None:
    _replace(path, f"return {{ {fields} }};\n")


def _replace(path: Path, text: str) -> None:
    partial = path.with_suffix(".new")
    partial.write_text(text)
    partial.replace(path)  # Prosody must never see half a file


def _encode(name: str) -> str:
    """A file name as Prosody's data manager makes it: anything but a-z, A-Z, 0-9 as %xx."""
    return "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02x}"
        for byte in name.encode()
    )


def _quote(text: str) -> str:
    """A Lua string."""
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode()) + '"'
