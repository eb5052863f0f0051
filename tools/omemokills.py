"""OMEMO while processes are killed: what is lost, sent twice, or cannot be read.

    tools/omemokills.py --server prosody                 1,000 messages, five at a time
    tools/omemokills.py --server ejabberd --omemo-version 2 --count 300

alice's account has one state. Five runs of ``xmppctl send --omemo`` at a time write to bob, who is
a client of another project and stays online. A third of them is struck: by SIGKILL, some by SIGTERM
and SIGINT; at any moment of the run, or while it holds the lock of the state, or just after that,
which is between the commit and the message. Then bob writes, while runs of ``listen`` and
``mam query`` of alice are struck in the same ways.

Standard output gets the figures as JSON, standard error how far it is. Exit code 1 where something
was lost, came twice, could not be read, or a key was used for two ciphertexts.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import queue
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.omemokeys import Used, keys  # noqa: E402
from xmppctl.protocol.omemo import VERSIONS  # noqa: E402

if TYPE_CHECKING:
    from tests.peers.process import Result, Running, Xmppctl
    from tests.peers.slix import SlixClient
    from tests.peers.slixomemo import SlixOmemo
    from tests.servers.base import Account, Server

_PATIENCE = 180.0
"""Seconds that a run may take on a machine that has much to do."""

_STEP = 0.0003
_SIGNALS = (signal.SIGKILL,) * 4 + (signal.SIGTERM, signal.SIGINT)


class World(NamedTuple):
    """Two accounts of one server, what runs xmppctl, and bob's client."""

    alice: Account
    bob: Account
    cli: Xmppctl
    client: SlixClient


@contextmanager
def world(name: str) -> Iterator[World]:
    """All of it, while it is needed; ``name``: of the server."""
    from tests.peers.process import Xmppctl
    from tests.peers.slix import SlixClient
    from tests.servers.ca import Authority
    from tests.servers.ejabberd import Ejabberd
    from tests.servers.prosody import Prosody

    kinds: dict[str, type[Server]] = {"prosody": Prosody, "ejabberd": Ejabberd}
    with tempfile.TemporaryDirectory(prefix="xmppctl-kills-") as place:
        directory = Path(place)
        home = directory / "home"
        home.mkdir()
        server = kinds[name](directory / name, Authority(directory / "ca"))
        cli = Xmppctl(home)
        try:
            server.start()
            alice, bob = server.account("alice"), server.account("bob")
            with SlixClient(bob, timeout=_PATIENCE) as client:
                yield World(alice, bob, cli, client)
        finally:
            cli.close()
            server.stop()


class Blow(NamedTuple):
    """A signal, and when: ``since`` the start, the taking of the lock, or the letting go of it."""

    number: signal.Signals
    since: str
    seconds: float


class Fate:
    """Decides which runs are struck, and when; ``share`` of them are."""

    def __init__(self, seed: int, share: float, typical: float) -> None:
        self._random = random.Random(seed)
        self._share = share
        self._lock = threading.Lock()
        self._seconds = [typical]

    def took(self, seconds: float) -> None:
        """A run that was not struck ended after so long."""
        with self._lock:
            self._seconds = [*self._seconds[-19:], seconds]

    def next(self) -> Blow | None:
        """What happens to the next run."""
        with self._lock:
            if self._random.random() >= self._share:
                return None
            since = self._random.choice(("start", "start", "lock", "release"))
            typical = sorted(self._seconds)[len(self._seconds) // 2]
            most = {"start": 1.1 * typical, "lock": 0.03, "release": 0.02}[since]
            return Blow(self._random.choice(_SIGNALS), since, self._random.uniform(0, most))


def strike(run: Running, blow: Blow, state: Path) -> None:
    """Wait for the moment, and send the signal, unless the run is over before."""
    if blow.since != "start":
        _wait_lock(run, state, held=True)
        if blow.since == "release":
            _wait_lock(run, state, held=False)
    end = time.monotonic() + blow.seconds
    while (left := end - time.monotonic()) > 0 and run.process.poll() is None:
        time.sleep(min(left, 0.05))
    run.signal(blow.number)


def _wait_lock(run: Running, state: Path, *, held: bool) -> None:
    """Wait until a process has, or has not, the lock of its account's state."""
    while run.process.poll() is None:
        inodes = {str(path.stat().st_ino) for path in state.glob("omemo/*.db.lock")}
        has = any(
            words[4] == str(run.process.pid) and words[5].rpartition(":")[2] in inodes
            for line in Path("/proc/locks").read_text().splitlines()
            if (words := line.split())[1] == "FLOCK"
        )
        if has == held:
            return
        time.sleep(_STEP)


class Receiver:
    """bob's client: reads everything in the order in which it comes."""

    def __init__(self, client: SlixClient, other: SlixOmemo) -> None:
        self._other = other
        self._queue: queue.Queue[Any] = queue.Queue()
        self._grown = threading.Condition()
        self.texts: Counter[str] = Counter()
        self.failures: list[str] = []
        self.used: Used = defaultdict(set)
        client.run(client.client.add_filter, "in", self._take)
        threading.Thread(target=self._read, daemon=True).start()

    def _take(self, stanza: Any) -> Any:
        if stanza.name == "message" and stanza["type"] != "error":
            self._queue.put(stanza)
        return stanza

    def _read(self) -> None:
        while True:
            stanza = self._queue.get()
            found = list(keys(stanza.xml, self._other.device))
            if not found:
                continue
            for place, ciphertext in found:
                self.used[place].add(hashlib.sha256(ciphertext).hexdigest())
            try:
                text = self._other.read(stanza)[0]
            except Exception as error:  # whatever it is, it is counted
                self.failures.append(f"{type(error).__name__}: {error}")
                continue
            with self._grown:
                self.texts[text] += 1
                self._grown.notify_all()

    def wait(self, texts: set[str]) -> set[str]:
        """Those that did not come, after some patience."""
        with self._grown:
            self._grown.wait_for(lambda: texts <= self.texts.keys(), _PATIENCE)
            return texts - self.texts.keys()

    def gaps(self) -> int:
        """Keys that were used up, as later ones of their chain came, and never arrived."""
        chains: dict[bytes, set[int]] = defaultdict(set)
        for chain, number in self.used:
            chains[chain].add(number)
        return sum(max(each) + 1 - len(each) for each in chains.values())


class Trial:
    """What is tried, and what came of it."""

    def __init__(self, options: argparse.Namespace, world: World) -> None:
        from tests.peers.slixomemo import SlixOmemo

        self.options = options
        self.alice, self.bob, self.cli = world.alice, world.bob, world.cli
        self.other = SlixOmemo(world.client)
        self.receiver = Receiver(world.client, self.other)
        self.state = self.cli.home / "state"
        self.sent = ("-q", "send", "--omemo", "--omemo-version", options.omemo_version)

    def forward(self) -> dict[str, Any]:
        """alice writes."""
        options = self.options
        fate = Fate(options.seed, options.share, 1.0)
        numbers = itertools.count(1)
        outcomes: list[tuple[str, Blow | None, Result]] = []

        def worker() -> None:
            while (number := next(numbers)) <= options.count:
                text, blow = f"message {number}", fate.next()
                outcomes.append((text, blow, self._run(blow, *self.sent, self.bob.jid, text)))
                if blow is None:
                    fate.took(outcomes[-1][2].seconds)
                if number % 100 == 0:
                    print(f"{number} of {options.count} sent", file=sys.stderr, flush=True)

        with ThreadPoolExecutor(options.senders) as pool:
            for each in [pool.submit(worker) for _ in range(options.senders)]:
                each.result()
        last = self._run(None, *self.sent, self.bob.jid, "the last one")
        outcomes.append(("the last one", None, last))
        proven = {text for text, _, result in outcomes if result.code == 0}
        lost = self.receiver.wait(proven)
        return {
            "sent": len(outcomes),
            "exit_codes": _codes(result for _, blow, result in outcomes if blow is None),
            "struck": _struck(outcomes),
            "proven": len(proven),
            "arrived": len(self.receiver.texts),
            "arrived_of_struck": sum(
                text in self.receiver.texts for text, blow, _ in outcomes if blow is not None
            ),
            "committed_and_not_sent": self.receiver.gaps(),
            "lost": sorted(lost),
            "twice": sorted(t for t, times in self.receiver.texts.items() if times > 1),
            "undecryptable": self.receiver.failures,
            "keys": len(self.receiver.used),
            "keys_used_twice": sum(len(each) > 1 for each in self.receiver.used.values()),
            "failed": _failed(outcomes),
        }

    def backward(self) -> dict[str, Any]:
        """bob writes, and alice reads by two sorts of runs at once."""
        options = self.options
        written: dict[str, str] = {}
        over = threading.Event()
        outcomes: list[tuple[str, Blow | None, Result]] = []
        write = self.other.write_new if options.omemo_version == "2" else self.other.write
        listen = ("-q", "-o", "jsonl", "listen", "--type", "chat", "--for")
        query = ("-q", "-o", "jsonl", "mam", "query", "--with", self.bob.jid)

        def reader(seed: int, typical: float, *arguments: str) -> None:
            fate = Fate(seed, 0.75, typical)
            while not over.is_set():
                blow = fate.next()
                result = self._run(blow, *arguments)
                outcomes.append((arguments[3], blow, result))

        def writer() -> None:
            try:
                for number in range(1, options.back + 1):
                    text = f"answer {number}"
                    written[write(self.alice.jid, text)] = text
                    time.sleep(options.pause)
            finally:
                over.set()

        with ThreadPoolExecutor(3) as pool:
            lanes = [
                pool.submit(reader, options.seed + 1, 4.0, *listen, "4s"),
                pool.submit(reader, options.seed + 2, 1.5, *query, "--last", "40"),
                pool.submit(writer),
            ]
            for each in lanes:
                each.result()
        outcomes.append(("listen", None, self._run(None, *listen, "5s")))
        outcomes.append(("mam", None, self._run(None, *query, "--all")))
        shown: Counter[str] = Counter()
        unreadable: dict[str, str] = {}
        for record in (record for _, _, result in outcomes for record in _records(result.out)):
            if record.get("id") not in written:
                continue  # alice's own, and what keeps sessions going
            told = record.get("encryption") or {}
            if told.get("state") == "decrypted" and record.get("body") == written[record["id"]]:
                shown[record["id"]] += 1
            else:
                unreadable[record["id"]] = str(told.get("reason"))
        return {
            "written": len(written),
            "runs": len(outcomes),
            "exit_codes": _codes(result for _, blow, result in outcomes if blow is None),
            "struck": _struck(outcomes),
            "shown": len(shown),
            "lost": sorted(text for each, text in written.items() if each not in shown),
            "never_readable": sorted(
                f"{written[each]}: {why}" for each, why in unreadable.items() if each not in shown
            ),
            "failed": _failed(outcomes),
        }

    def once_more(self) -> bool:
        """Whether both can still write and read."""
        sent = self._run(None, *self.sent, self.bob.jid, "once more")
        if sent.code != 0 or self.receiver.wait({"once more"}):
            return False
        run = self.cli.start("-o", "jsonl", "listen", "--type", "chat", "--matching", "the end",
                             "--count", "1", "--for", "60s", account=self.alice)  # fmt: skip
        run.wait_line("listening as", "err", _PATIENCE)
        self.other.write(self.alice.jid, "the end")
        return self.cli.finish(run, _PATIENCE).code == 0

    def _run(self, blow: Blow | None, *arguments: str) -> Result:
        run = self.cli.start(*arguments, account=self.alice)
        if blow is not None:
            strike(run, blow, self.state)
        return self.cli.finish(run, _PATIENCE)


def _records(text: str) -> Iterator[dict[str, Any]]:
    """The lines that were written whole."""
    for line in text.splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)


def _failed(outcomes: list[tuple[str, Blow | None, Result]]) -> list[str]:
    """How runs failed that were not struck."""
    return sorted(
        {
            f"{result.code}: {result.err.strip()}"
            for _, blow, result in outcomes
            if result.code != 0 and blow is None
        }
    )


def _codes(results: Iterator[Result]) -> dict[str, int]:
    return {str(code): n for code, n in sorted(Counter(each.code for each in results).items())}


def _struck(outcomes: list[tuple[str, Blow | None, Result]]) -> dict[str, Any]:
    """How many by which signal, at which moment, and how they ended."""
    struck = [(blow, result) for _, blow, result in outcomes if blow is not None]
    return {
        "all": len(struck),
        "signals": dict(Counter(blow.number.name for blow, _ in struck)),
        "moments": dict(Counter(blow.since for blow, _ in struck)),
        "exit_codes": _codes(result for _, result in struck),
    }


def main(argv: list[str]) -> int:
    """Exit code: 0, 1 where a promise was broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--server", choices=("prosody", "ejabberd"), default="prosody")
    parser.add_argument("--omemo-version", choices=tuple(VERSIONS), default="0.3")
    parser.add_argument("--count", type=int, default=1000, help="messages of alice (1000)")
    parser.add_argument("--senders", type=int, default=5, help="runs at a time (5)")
    parser.add_argument("--share", type=float, default=1 / 3, help="of them that is struck (1/3)")
    parser.add_argument("--back", type=int, default=200, help="messages of bob (200)")
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between bob's (0.3)")
    parser.add_argument("--seed", type=int, default=1, help="of what is chosen by chance (1)")
    options = parser.parse_args(argv)
    began = time.monotonic()
    with world(options.server) as there:
        trial = Trial(options, there)
        report: dict[str, Any] = {"server": options.server, "version": options.omemo_version}
        report["forward"] = trial.forward()
        print(json.dumps(report["forward"]), file=sys.stderr, flush=True)
        report["backward"] = trial.backward()
        report["works_afterwards"] = trial.once_more()
        report["seconds"] = round(time.monotonic() - began)
    print(json.dumps(report, indent=1))
    forward, backward = report["forward"], report["backward"]
    broken = (
        any(forward[name] for name in ("lost", "twice", "undecryptable", "keys_used_twice"))
        or any(half["failed"] for half in (forward, backward))
        or any(backward[name] for name in ("lost", "never_readable"))
        or not report["works_afterwards"]
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
