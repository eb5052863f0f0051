"""``send --to-file`` for few and for many recipients.

    make bench BENCH_ARGS=send_bulk        5,000 recipients

The recipients are at a component that answers what proves the delivery only after a while, as a
server that is far away, and counts how many messages are on their way at once. The message is not
for archives: one server's takes the longer the more it has. The raw client asks for the same
proof, as many at once; the others, which ask for none, stand below it.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from benchmarks._clients import GO, go_sendxmpp, raw, slixmpp, xmppctl
from benchmarks._login import Login
from benchmarks._measure import Table, expect
from benchmarks._servers import running
from tests.peers.rawxml import RawComponent
from tests.peers.stream import StreamClosed
from tests.servers.base import Server

TITLE = "send to a file of recipients"
FULL = 5000
QUICK = 500
_STANZA = "<message><body>to all</body><no-store xmlns='urn:xmpp:hints'/></message>"
_HELD = 0.05
"""Seconds after which what proves is answered, all that has come until then at once."""
_PATIENCE = 20.0


class Counting:
    """The recipients: answers in batches, and remembers how large those were."""

    def __init__(self, component: RawComponent) -> None:
        self.messages = 0
        self.most = 0
        self._component = component

    def serve(self) -> None:
        """Until the stream ends."""
        with suppress(OSError, ValueError, StreamClosed):
            held: list[str] = []
            while True:
                try:
                    stanza = self._component.recv(_HELD if held else 3600)
                except TimeoutError:
                    self.most = max(self.most, len(held))
                    self._component.send("".join(held))
                    held = []
                    continue
                if stanza.tag.endswith("}message"):
                    self.messages += 1
                elif stanza.get("type") == "get":
                    names = {"from": "to", "to": "from", "id": "id"}
                    told = "".join(f" {ours}='{stanza.get(its)}'" for ours, its in names.items())
                    held.append(f"<iq type='result'{told}/>")

    def begin(self) -> None:
        """Count from nothing: all of the client before have been here."""
        self.messages = self.most = 0

    def expect(self, count: int) -> None:
        """Wait until so many messages were here; a client that asks for no proof is ahead."""
        deadline = time.monotonic() + _PATIENCE
        while self.messages < count and time.monotonic() < deadline:
            time.sleep(0.01)
        expect("messages", self.messages, count)


def measure(size: int) -> list[str]:
    """Both servers; a tenth of ``size`` recipients, then all."""
    table = Table("raw XML", "server", "client", "recipients", "at once")
    with running() as servers:
        for server in servers:
            login = Login.of(server.account("sender"))
            with _recipients(server) as there:
                for count in (size // 10, size):
                    _measure(table, server, there, login, count)
    return [
        *table.lines,
        "",
        f"A proof comes after {_HELD * 1000:.0f} ms: with 32 messages on their way at once, as the "
        "raw client has them, 640 a second are the most there can be. go-sendxmpp and slixmpp do "
        "not ask whether a message arrived, and have no list of results.",
    ]


def _measure(table: Table, server: Server, there: Counting, login: Login, count: int) -> None:
    jids = [f"r{n}@{server.component}" for n in range(count)]
    text = "".join(f"{jid}\n" for jid in jids)
    there.begin()
    peer = raw(login, "deliver", text=text)
    there.expect(count)
    most = there.most
    expect("raw results", int(peer.out), count)
    there.begin()
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        run = xmppctl(login, "send", "--to-file", file.name, "--stanza", "-", text=_STANZA)
    expect("messages", there.messages, count)
    expect("results", run.lines, count)
    table.add(run, server.name, "xmppctl", count, there.most, against=peer)
    table.add(peer, server.name, "raw XML", count, most, against=peer)
    there.begin()
    run = slixmpp(login, "deliver", text=text)
    there.expect(count)
    table.add(run, server.name, "slixmpp", count, "", against=peer)
    if GO is not None:
        there.begin()
        run = go_sendxmpp(login, *jids, text="to all")
        with suppress(SystemExit):  # it leaves as soon as all is written: not all may arrive
            there.expect(count)
        client = f"go-sendxmpp ({there.messages} arrived)"
        table.add(run, server.name, client, count, "", against=peer)


@contextmanager
def _recipients(server: Server) -> Iterator[Counting]:
    """A component with everybody at it."""
    with RawComponent.attach(server) as component:
        counting = Counting(component)
        threading.Thread(target=counting.serve, daemon=True).start()
        yield counting
