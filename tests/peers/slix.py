"""A slixmpp client in a thread, as an independent other side; TLS is verified.

Everything that arrives is kept, so that a test may do its part first and wait afterwards.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from tests.servers.loop import LoopThread

with warnings.catch_warnings():
    # slixmpp's own use of deprecated interfaces is no concern of these tests
    warnings.simplefilter("ignore")
    import slixmpp

if TYPE_CHECKING:
    from tests.servers.base import Account

Predicate = Callable[[Any], bool]
_PLUGINS = (
    "xep_0030",
    "xep_0045",
    "xep_0060",
    "xep_0092",
    "xep_0115",
    "xep_0163",
    "xep_0184",
    "xep_0191",
    "xep_0199",
    "xep_0280",
    "xep_0313",
    "xep_0333",
)


class SlixClient:
    """One logged-in client; use as a context manager.

    ``client`` is the slixmpp object: call it only inside ``run`` (its loop is in another thread).
    ``stanzas`` holds all messages, presences and IQs received so far.
    """

    def __init__(self, account: Account, resource: str = "peer", *, timeout: float = 10.0) -> None:
        self.account = account
        self.timeout = timeout
        self.stanzas: list[Any] = []
        self._arrived = threading.Condition()
        self._loop = LoopThread(f"slixmpp-{account.local}")
        self.client = self._loop.call(self._build, resource)
        try:
            self._loop.run(self._connect(), timeout)
        except BaseException:
            self._loop.run(self._abort())
            self._loop.stop()
            raise

    def __enter__(self) -> SlixClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def jid(self) -> str:
        """The full JID that was bound."""
        return str(self.client.boundjid.full)

    def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call ``function`` in the client's loop, and await what it returns if need be."""

        async def work() -> Any:
            value = function(*args, **kwargs)
            return await value if asyncio.isfuture(value) or asyncio.iscoroutine(value) else value

        return self._loop.run(work(), self.timeout)

    def plugin(self, name: str) -> Any:
        """A plugin such as ``xep_0045``; call its methods inside ``run``."""
        return self.client.plugin[name]

    # --- presence and roster ------------------------------------------------------------------

    def send_presence(self, **attributes: Any) -> None:
        """Send presence; available without attributes."""
        self.run(self.client.send_presence, **attributes)

    def get_roster(self) -> dict[str, dict[str, Any]]:
        """The roster as the server has it: bare JID -> subscription, name, groups, ask."""

        def work() -> Any:
            # not get_roster(): it sends the version it knows, and gets nothing back (RFC 6121 §2.6)
            request = self.client.make_iq_get()
            request.enable("roster")
            return request.send()

        answer = self.run(work)
        return {str(jid): dict(item) for jid, item in answer["roster"]["items"].items()}

    def add_contact(self, jid: str, name: str = "") -> None:
        """Put a contact into the roster."""
        self.run(self.client.update_roster, jid, name=name)

    def subscribe(self, jid: str) -> None:
        """Ask for a contact's presence."""
        self.send_presence(pto=jid, ptype="subscribe")

    def approve(self, jid: str) -> None:
        """Grant a contact one's own presence."""
        self.send_presence(pto=jid, ptype="subscribed")

    # --- messages -----------------------------------------------------------------------------

    def send_message(self, to: str, body: str, type: str = "chat") -> str:
        """Send a message; its id."""

        def work() -> str:
            message = self.client.make_message(mto=to, mbody=body, mtype=type)
            message["id"] = self.client.new_id()
            message.send()
            return str(message["id"])

        return str(self.run(work))

    def send_raw(self, xml: str) -> None:
        """Send ``xml`` as it is."""
        self.run(self.client.send_raw, xml)

    def wait(self, predicate: Predicate, timeout: float | None = None) -> Any:
        """The first stanza, received already or within ``timeout`` seconds, that fits."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        seen = 0
        with self._arrived:
            while True:
                for stanza in self.stanzas[seen:]:
                    if predicate(stanza):
                        return stanza
                seen = len(self.stanzas)
                if not self._arrived.wait(deadline - time.monotonic()):
                    got = "\n".join(str(stanza) for stanza in self.stanzas)
                    raise TimeoutError(f"{self.jid} did not get the stanza; it got:\n{got}")

    def wait_message(self, predicate: Predicate = bool, timeout: float | None = None) -> Any:
        """The first message that fits; any message with a body by default."""
        plain = predicate is bool

        def fits(stanza: Any) -> bool:
            if not isinstance(stanza, slixmpp.Message):
                return False
            return bool(stanza["body"]) if plain else predicate(stanza)

        return self.wait(fits, timeout)

    def wait_presence(self, predicate: Predicate, timeout: float | None = None) -> Any:
        """The first presence that fits."""
        return self.wait(lambda s: isinstance(s, slixmpp.Presence) and predicate(s), timeout)

    def wait_xml(self, tag: str, timeout: float | None = None) -> Element:
        """The first element of this tag (``{namespace}name``) anywhere inside a stanza."""
        found: Element = self.wait(lambda s: s.xml.find(f".//{tag}") is not None, timeout).xml
        element = found.find(f".//{tag}")
        assert element is not None
        return element

    # --- rooms --------------------------------------------------------------------------------

    def join_muc(self, room: str, nick: str) -> None:
        """Enter a room (made if need be) and wait for the own presence (status 110)."""
        muc = self.plugin("xep_0045")
        self.run(muc.join_muc_wait, slixmpp.JID(room), nick, maxstanzas=0, timeout=self.timeout)

    def create_muc(self, room: str, nick: str, **fields: str) -> None:
        """Enter a new room and configure it: ``fields`` by short name, such as ``membersonly``."""
        self.join_muc(room, nick)
        muc = self.plugin("xep_0045")

        async def configure() -> None:
            form = await muc.get_room_config(slixmpp.JID(room))
            form["type"] = "submit"
            for name, value in fields.items():
                form.get_fields()[f"muc#roomconfig_{name}"].set_value(value)
            await muc.set_room_config(slixmpp.JID(room), form)

        self.run(configure)

    # --- life ---------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the stream and end the thread."""
        try:
            self.run(self.client.disconnect, wait=2.0)
        finally:
            self._loop.stop()

    def _build(self, resource: str) -> Any:
        server = self.account.server
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            jid = f"{self.account.jid}/{resource}"
            client = slixmpp.ClientXMPP(jid, self.account.password, loop=self._loop.loop)
            for plugin in _PLUGINS:
                client.register_plugin(plugin)
        client.ca_certs = server.ca_file
        client.enable_direct_tls = False
        client.whitespace_keepalive = False
        client.add_filter("in", self._keep)
        logging.getLogger("slixmpp").setLevel(logging.ERROR)
        return client

    def _keep(self, stanza: Any) -> Any:
        if isinstance(stanza, slixmpp.Message | slixmpp.Presence | slixmpp.Iq):
            with self._arrived:
                self.stanzas.append(stanza)
                self._arrived.notify_all()
        return stanza

    async def _abort(self) -> None:
        self.client.abort()
        await asyncio.sleep(0)  # transports announce their end one turn later

    async def _connect(self) -> None:
        outcome: asyncio.Future[str] = self._loop.loop.create_future()

        def settle(event: str) -> Callable[[Any], None]:
            def handler(data: Any) -> None:
                if not outcome.done():
                    outcome.set_result(f"{event} {data}")

            return handler

        for event in ("session_start", "failed_all_auth", "connection_failed", "disconnected"):
            self.client.add_event_handler(event, settle(event))
        host, port = self.account.server.starttls
        self.client.connect(host, port)
        result = await outcome
        if not result.startswith("session_start"):
            raise ConnectionError(f"{self.account.jid}: {result}")
