"""One ``send`` from start to end, at several distances, against every client that is installed.

    make bench BENCH_ARGS=login        20 runs of each, a quarter of an hour

Each run is a process that starts, logs in by way of a proxy that is so far away, sends, and ends;
somebody who is online has to get the message. With SASL1 the password is proven by SCRAM.

``cold``: the first run of an account on a machine; nothing is known of the server.
``warm``: what earlier runs have left in the directories of cache and state is there.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks._clients import GO, PERL, XMPPC, XMPPCTL, go_sendxmpp, sendxmpp, slixmpp, xmppctl
from benchmarks._login import Login
from benchmarks._measure import Run, execute, row
from benchmarks._processes import far
from benchmarks._reader import reading
from benchmarks._servers import running
from tests.servers.base import Account, Server

TITLE = "One send, from start to end"
FULL = 20
QUICK = 1
_DISTANCES = (0.0, 0.02, 0.1)
"""Seconds there and back; by STARTTLS the last alone."""
_COUNTED = 5
"""Runs whose flights are counted where there is no distance."""
_TEXT = "hello"
_SASL2 = "sasl2"
"""The kind of a server's host that speaks SASL2, where there is one."""
_HEADS = (
    "server", "TLS", "round trip (ms)", "client", "wall (ms)", "×", "own CPU (ms)", "×",
    "peak RSS (MiB)", "×", "flights", "×",
)  # fmt: skip

Work = Callable[[Login], Run]


@dataclass
class Runs:
    """All runs of one client; ``flights`` of each."""

    runs: list[Run] = field(default_factory=list)
    flights: list[float] = field(default_factory=list)

    def cells(self, peer: Runs) -> Iterator[str]:
        """Least and median of each figure, and the ratio of the medians."""
        figures: list[tuple[Callable[[Runs], list[float]], str]] = [
            (lambda own: [1000 * run.seconds for run in own.runs], ".0f"),
            (lambda own: [1000 * run.cpu for run in own.runs], ".0f"),
            (lambda own: [run.peak for run in own.runs], ".1f"),
            (lambda own: own.flights, ".0f"),
        ]
        for of, form in figures:
            yield f"{min(of(self)):{form}} / {median(of(self)):{form}}"
            yield f"{median(of(self)) / median(of(peer)):.2f}"


def measure(size: int) -> list[str]:
    """Each server, distance and client; ``size`` runs of each."""
    lines = [row(*_HEADS), "|---" * len(_HEADS) + "|"]
    skipped: list[str] = []
    with running() as servers:
        for server in servers:
            ways = [(server.domain, True), (server.domain, False)]
            ways += [(host, True) for kind, host in server.hosts.items() if kind == _SASL2]
            for host, direct in ways:
                for found in _way(server, host, direct, size, skipped):
                    lines.append(found)
                    print(found, file=sys.stderr, flush=True)
    return [
        *lines,
        "",
        f"{size} runs of each, the clients in turn: least / median, and the ratio of the medians "
        f"to those of {_peer_name()}. A flight is what a client sends before it hears something "
        "new, and waits for; what it writes last and nobody answers is none. DNS and the TCP "
        "handshake are not held back by the proxy. At no distance the runs go without the proxy, "
        f"which {_COUNTED} more take to count the flights; pieces that cross each other make those "
        "a guess. xmppctl ends when the recipient's server has "
        "proven the message; the others end when it is written.",
        *(f"\nSkipped: {reason}." for reason in skipped),
    ]


def _way(server: Server, host: str, direct: bool, size: int, skipped: list[str]) -> Iterator[str]:
    """The rows of one host and one way of TLS."""

    def skip(reason: str) -> None:
        if reason not in skipped:
            skipped.append(reason)
            print(f"!!! skipped: {reason}", file=sys.stderr, flush=True)

    account, to = server.account("sender", host), server.account("reader", host)
    sasl2 = host == server.hosts.get(_SASL2)
    name = f"{server.name} with SASL2" if sasl2 else server.name
    tls = "direct" if direct else "STARTTLS"
    with reading(to) as there, tempfile.TemporaryDirectory() as home:
        login = Login.of(account, direct=direct)
        clients: dict[str, Work] = {}
        for client, work in _clients(sasl2, to, Path(home), skip):
            try:
                work(login)
            except SystemExit as error:
                if client.startswith("xmppctl"):
                    raise
                skip(f"{client} on {name}, {tls}: {' '.join(str(error).split()[-12:])}")
                continue
            there.expect(client, 1)
            clients[client] = work
        if "xmppctl, FAST" in clients:
            used = _used_token(login, to, Path(home))
            there.expect("xmppctl", 1)
            if not used:
                skip("xmppctl by FAST: it did not use its token")
                del clients["xmppctl, FAST"]
        for seconds in _DISTANCES if direct and size > QUICK else _DISTANCES[-1:]:
            found = {client: Runs() for client in clients}
            with far(login.address, seconds) as proxy:
                for number in range(1 + (size if seconds else _COUNTED)):
                    for client, work in clients.items():
                        run = work(login.at(proxy.address))
                        there.expect(client, 1)
                        flights = proxy.ask()
                        if number:  # before, nothing was known of this address
                            found[client].flights.append(flights)
                        if number and seconds:
                            found[client].runs.append(run)
            for _ in range(0 if seconds else size):
                for client, work in clients.items():
                    found[client].runs.append(work(login))
                    there.expect(client, 1)
            for client, runs in found.items():
                cells = runs.cells(found[_peer_name()])
                yield row(name, tls, f"{1000 * seconds:.0f}", client, *cells)


def _peer_name() -> str:
    return "go-sendxmpp" if GO else "slixmpp"


def _clients(
    sasl2: bool, to: Account, home: Path, skip: Callable[[str], None]
) -> Iterator[tuple[str, Work]]:
    """Who may be able to do it, by name; who is not there is told."""
    args = ("send", to.jid, "-")
    own = partial(xmppctl, text=_TEXT)
    sasl = "--sasl " in execute([XMPPCTL, "--help"]).out
    options = ("-q", *(("--sasl", "sasl1") if sasl else ()))
    if not sasl2:
        yield "xmppctl, cold", lambda login: own(login, *args, options=options)
        yield "xmppctl, warm", lambda login: own(login, *args, options=options, home=home)
    elif sasl:
        yield "xmppctl, cold", lambda login: own(login, *args)
        yield "xmppctl, FAST", lambda login: own(login, *args, home=home)
    else:
        skip("xmppctl by SASL2 and FAST, which it does not know")
    if GO is None:
        skip("go-sendxmpp, which is not installed")
    else:
        yield "go-sendxmpp", lambda login: go_sendxmpp(login, to.jid, text=_TEXT)
    yield "slixmpp", lambda login: slixmpp(login, "send", to.jid, text=_TEXT)
    if PERL is None:
        skip("sendxmpp, which is not installed")
    else:
        yield "sendxmpp", lambda login: sendxmpp(login, to.jid, text=_TEXT)
    if XMPPC is None:
        skip("xmppc, which is not installed")
    else:
        skip("xmppc, which takes neither a port nor a certificate to trust: no way by the proxy")


def _used_token(login: Login, to: Account, home: Path) -> bool:
    """Whether xmppctl, which has been here before, logs in by FAST."""
    run = xmppctl(login, "send", to.jid, "-", text=_TEXT, home=home, options=("-v",))
    return "HT-SHA-256" in run.said
