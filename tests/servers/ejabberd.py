"""ejabberd as Debian 12 has it (23.01), run by plain ``erl``.

That needs neither ``ejabberdctl`` nor a service account, and starts no epmd: without a node name
Erlang opens no port for distribution.
"""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from typing import Any, ClassVar

from tests.servers.base import Server, ServerError
from tests.servers.quirks import Feature, Quirk

# a scheduler of Erlang that has nothing to do would otherwise spin for a while: on a machine that
# it shares, the others wait for it
_NO_BUSY_WAIT = ("+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none")
_LIBRARIES = Path("/usr/lib")


class Ejabberd(Server):
    """``ejabberd.test`` and its other hosts."""

    name = "ejabberd"
    domain = "ejabberd.test"
    program = "erl"
    hosts: ClassVar = {
        "captcha": "captcha.ejabberd.test",
        "closed": "closed.ejabberd.test",
        "anon": "anon.ejabberd.test",
        "plain": "plain.ejabberd.test",
        "optional_tls": "ejabberd.test",
        "bare": "bare.ejabberd.test",
        "strict": "strict.ejabberd.test",
    }
    services: ClassVar = {
        "conference": "conference.ejabberd.test",
        "upload": "upload.ejabberd.test",
        "pubsub": "pubsub.ejabberd.test",
        "proxy": "proxy.ejabberd.test",
        "search": "search.ejabberd.test",
        "ext": "ext.ejabberd.test",
        "mix": "mix.ejabberd.test",
        "multicast": "multicast.ejabberd.test",
    }
    websocket_path = "/ws"
    bosh_path = "/bosh"
    features = frozenset(Feature) - {
        Feature.FORM_REGISTRATION,
        Feature.INVITES,
        Feature.MAM_METADATA,
        Feature.MODERATION,
        Feature.PRE_APPROVAL,
        Feature.PUBSUB_SUBSCRIPTION_OPTIONS,
        Feature.SASL2,
    }
    quirks = frozenset(
        {
            Quirk.MAM_COUNT_SAYS_INCOMPLETE,
            Quirk.MAM_UNKNOWN_ID_RESTARTS,
            Quirk.MAM_WITHOUT_RSM_IS_WHOLE,
            Quirk.MAM_BASIC_FORM,
            Quirk.PEP_NO_MAX_ITEMS,
            Quirk.PEP_OWN_SUBSCRIPTIONS_UNSUPPORTED,
            Quirk.PEP_WHITELIST_NOT_ALLOWED,
            Quirk.BLOCK_PUSH_TO_ALL,
            Quirk.BLOCKED_WITHOUT_PAYLOAD,
            Quirk.ROSTER_REMOVE_ABSENT_OK,
            Quirk.SUBSCRIBE_STORED_BARE,
            Quirk.UNSUBSCRIBED_ENDS_BOTH,
            Quirk.DISCO_SUBSCRIPTION_REQUIRED,
            Quirk.UPLOAD_RENAMES_FILES,
            Quirk.UPLOAD_EMPTY_REFUSED,
            Quirk.PUSH_DISABLE_UNKNOWN_REFUSED,
            Quirk.MUC_HIDDEN_ROOM_LISTED_TO_OCCUPANT,
            Quirk.MUC_ITEMS_ARE_OCCUPANTS,
            Quirk.MUC_DESTROY_WITHOUT_110,
            Quirk.MUC_PARTICIPANTS_SET_SUBJECT,
            Quirk.MUC_SERVICE_REGISTERS_NICKS,
            Quirk.MUC_AVATAR_HASH_NOT_IN_DISCO,
            Quirk.REGISTER_CLOSED_LOOKS_OPEN,
            Quirk.REGISTER_REMOVE_CONFLICT,
            Quirk.BOUNCES_LATE,
            Quirk.BOSH_RESTART_DROPS_PAYLOAD,
            Quirk.UNBOUND_UNANSWERED,
            Quirk.FOOTER_DROPS_ANSWERS,
            Quirk.SCRAM_PLUS_WRONG_UNDER_TLS13,
        }
    )

    @property
    def optional_tls(self) -> tuple[str, int]:
        """A port of its own: here the port decides whether TLS is required."""
        return self.host, self.ports.optional_tls

    @property
    def client_certificate(self) -> tuple[str, int]:
        """A port with direct TLS that offers SASL EXTERNAL to client certificates."""
        return self.host, self.ports.client_certificate

    @property
    def log_file(self) -> Path:
        """The log of level info."""
        return self.directory / "log" / "ejabberd.log"

    def create_user(self, local: str, password: str, host: str | None = None) -> None:
        """Register through the HTTP API; an account that is there gets the new password."""
        user = {"user": local, "host": host or self.domain}
        try:
            self.api("register", **user, password=password)
        except ServerError:
            self.api("change_password", **user, newpass=password)

    def api(self, command: str, **arguments: Any) -> Any:
        """Run a command of ejabberd's HTTP API; what it answers.

        Raises ServerError when ejabberd refuses. Useful to see the other side of an operation,
        as in ``api("get_room_affiliation", name=..., service=..., jid=...)``.
        """
        connection = http.client.HTTPConnection(self.host, self.ports.http, timeout=10)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", f"/api/{command}", json.dumps(arguments), headers)
            response = connection.getresponse()
            answer = response.read().decode()
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise ServerError(f"ejabberd API {command}: {response.status} {answer}")
        return json.loads(answer)

    def captcha_answer(self, timeout: float = 5.0) -> str:
        """The text of the picture that was made last."""
        path = self.directory / "captcha.txt"
        deadline = time.monotonic() + timeout
        while not path.exists():
            if time.monotonic() > deadline:
                raise ServerError("ejabberd made no captcha")
            time.sleep(0.02)
        return path.read_text().split()[-1]

    def _command(self) -> list[str]:
        database = f'"{self.directory / "db"}"'
        options = ["-noinput", "-mnesia", "dir", database, "-ejabberd", "log_rotate_count", "0"]
        emulator = ["+K", "true", "+P", "250000", *_NO_BUSY_WAIT]
        return [self.program, *emulator, *options, "-s", "ejabberd"]

    def _prepare(self) -> dict[str, str]:
        for name in ("db", "log", "upload"):
            (self.directory / name).mkdir(exist_ok=True)
        self._render("captcha.sh")
        # @HOST@ is ejabberd's own placeholder and stays
        config = self._render("ejabberd.yml")
        return {
            "EJABBERD_CONFIG_PATH": str(config),
            "EJABBERD_LOG_PATH": str(self.log_file),
            "EJABBERD_PID_PATH": str(self.directory / "ejabberd.pid"),
            "ERL_LIBS": str(_libraries()),
            "ERL_CRASH_DUMP": "/dev/null",
        }


def _libraries() -> Path:
    """The folder of Debian's Erlang applications, which has the machine's triplet in its name."""
    for path in sorted(_LIBRARIES.glob("*/ejabberd-*/ebin")):
        return path.parents[1]
    raise ServerError(
        f"ejabberd is not installed under {_LIBRARIES}: run tools/debian.sh test, "
        "or leave its tests out with XMPPCTL_TEST_SKIP=ejabberd"
    )
