"""Files from one session to another, in memory."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from tests.unit.protocol.jingle.net import Net, Relay, Store
from xmppctl.commands.file._places import Directory
from xmppctl.model.jid import parse as jid
from xmppctl.model.jingle import Transfer
from xmppctl.protocol.jingle import NS_IBB, NS_S5B, bytestream, files, receiving, sending
from xmppctl.session.xml import parse

ALICE, BOB = "alice@fake.test/r", "bob@fake.test/r"
JINGLE = "{urn:xmpp:jingle:1}jingle"
IBB = "http://jabber.org/protocol/ibb"


def outgoing(data: bytes, name: str | None = "report.txt", **more: Any) -> sending.Outgoing:
    told = {"sha-256": hashlib.sha256(data).hexdigest()}

    def blocks(offset: int, length: int) -> Iterator[bytes]:
        part = data[offset : offset + length]
        for start in range(0, len(part), 65536):
            yield part[start : start + 65536]

    file = files.File(name=name, size=len(data), hashes=told)
    return sending.Outgoing(replace(file, **more), len(data), "report.txt", blocks)


class Pair:
    """alice, who sends, and bob, who receives into a directory."""

    def __init__(self, path: Path) -> None:
        self.net = Net()
        self.store = Store(path)
        self.alice = self.net.login("alice")
        self.bob = self.net.login("bob")
        self.ready = asyncio.Event()
        self.warnings: list[str] = []
        self.options = receiving.Options(
            senders=(),
            place=self.store.directory.place,
            max_size=10**7,
            count=1,
            warn=self.warnings.append,
        )

    async def receive(self, **more: Any) -> list[Transfer]:
        options = replace(self.options, **more)
        return [r async for r in receiving.receive(self.bob, options, self.ready.set)]

    async def send(self, what: sending.Outgoing, to: str = BOB, **more: Any) -> list[Transfer]:
        await self.ready.wait()
        options = sending.Options(**{"wait": 3.0, **more})
        found = sending.send(self.alice, jid(to), what, options, lambda done: None)
        return [record async for record in found]

    async def both(self, what: sending.Outgoing, **more: Any) -> tuple[Transfer, Transfer]:
        """The last record of each side."""
        sent, received = await self.net.run(self.send(what, **more), self.receive())
        return sent[-1], received[-1]

    def actions(self, sender: str) -> list[str]:
        return [each.find(JINGLE).get("action") for each in self.net.said(sender, JINGLE)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path


@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 300_000])
def test_in_band(path: Path, size: int) -> None:
    async def main() -> None:
        pair, data = Pair(path), bytes(range(256)) * (size // 256 + 1)
        data = data[:size]
        sent, received = await pair.both(outgoing(data), transport="ibb")
        assert (sent.state, received.state) == ("done", "done"), (sent.error, received.error)
        assert sent.verified and received.verified
        assert (received.bytes, received.total, received.transport) == (size, size, "ibb")
        assert received.hashes["sha-256"] == hashlib.sha256(data).hexdigest()
        assert Path(received.path or "").read_bytes() == data
        assert pair.store.names == ["report.txt"]
        assert pair.actions(ALICE) == ["session-initiate"]
        assert pair.actions(BOB) == ["session-accept", "session-info", "session-terminate"]
        opened = pair.net.said(ALICE, f"{{{IBB}}}open")
        assert len(opened) == 1 and opened[0][0].get("block-size") == "16384"
        assert len(pair.net.said(ALICE, f"{{{IBB}}}close")) == 1

    asyncio.run(main())


@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_through_a_proxy(path: Path, size: int) -> None:
    async def main() -> None:
        async with Relay() as relay:
            pair = Pair(path)
            pair.net.proxy = relay
            data = b"x" * size
            sent, received = await pair.both(outgoing(data))
            assert (sent.state, received.state) == ("done", "done"), (sent.error, received.error)
            assert (sent.transport, received.transport) == ("s5b", "s5b")
            assert Path(received.path or "").read_bytes() == data
            assert relay.passed == size
            # neither is in the roster of the other: no own address was told
            for candidate in pair.net.said(ALICE, f".//{{{NS_S5B}}}candidate"):
                kinds = {e.get("type") for e in candidate.iter(f"{{{NS_S5B}}}candidate")}
                assert kinds == {"proxy"}
            assert len(pair.net.said(ALICE, f".//{{{NS_S5B}}}activated")) == 1

    asyncio.run(main())


def test_a_receiver_that_takes_its_time(path: Path) -> None:
    """Bytes beside the stream may be long on their way: it is asked whether it is there."""

    async def main() -> None:
        async with Relay() as relay:
            pair = Pair(path)
            pair.net.proxy = relay
            pair.alice.account = replace(pair.alice.account, timeout=0.2)
            inner = pair.store.directory.place

            def place(sender: str, file: files.File) -> Any:
                found = inner(sender, file)
                commit = found.commit

                def slowly() -> str:
                    time.sleep(0.5)
                    return commit()

                found.commit = slowly
                return found

            pair.options = replace(pair.options, place=place)
            sent, received = await pair.both(outgoing(b"x" * 9000))
            assert (sent.state, received.state) == ("done", "done"), (sent.error, received.error)
            assert "session-info" in pair.actions(ALICE)

    asyncio.run(main())


def test_directly_between_contacts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bytestream, "reachable", lambda server: ["127.0.0.1"])

    async def main() -> None:
        pair = Pair(path)
        pair.net.rosters = {
            "alice@fake.test": {"bob@fake.test": "both"},
            "bob@fake.test": {"alice@fake.test": "both"},
        }
        data = b"x" * 1_000_000
        sent, received = await pair.both(outgoing(data))
        assert (sent.state, received.state) == ("done", "done"), (sent.error, received.error)
        assert received.transport == "s5b"
        assert Path(received.path or "").read_bytes() == data

    asyncio.run(main())


def test_what_cannot_be_reached_goes_in_band(path: Path) -> None:
    async def main() -> None:
        async with Relay() as relay:
            pair = Pair(path)
            pair.net.proxy = relay
            relay.port = 1  # nobody is there
            sent, received = await pair.both(outgoing(b"y" * 5000), block_size=1000)
            assert (sent.state, received.state) == ("done", "done"), (sent.error, received.error)
            assert received.transport == "ibb"
            assert "transport-replace" in pair.actions(ALICE)
            assert "transport-accept" in pair.actions(BOB)
            opened = pair.net.said(ALICE, f"{{{IBB}}}open")
            assert opened[0][0].get("block-size") == "1000"

    asyncio.run(main())


def test_s5b_alone_without_a_way(path: Path) -> None:
    async def main() -> None:
        async with Relay() as relay:
            pair = Pair(path)
            pair.net.proxy = relay
            relay.port = 1
            sent, received = await pair.both(outgoing(b"y"), transport="s5b")
            assert sent.error is not None and sent.error.condition == "connectivity-error"
            assert received.error is not None
            assert received.error.condition == "connectivity-error"
            assert pair.store.names == []

    asyncio.run(main())


def test_too_large_is_refused_before_a_byte(path: Path) -> None:
    async def main() -> None:
        pair = Pair(path)
        pair.options = replace(pair.options, max_size=10)
        sent, received = await pair.both(outgoing(b"y" * 11))
        assert sent.error is not None and sent.error.code == 6
        assert sent.error.condition == "file-too-large"
        assert received.error is not None and received.error.limit == 10
        assert pair.net.said(ALICE, f"{{{IBB}}}open") == []
        assert pair.store.names == []

    asyncio.run(main())


def test_a_wrong_hash_leaves_nothing(path: Path) -> None:
    async def main() -> None:
        pair = Pair(path)
        wrong = outgoing(b"y" * 20, hashes={"sha-256": "0" * 64})
        sent, received = await pair.both(wrong, transport="ibb")
        assert received.error is not None and received.error.condition == "hash-mismatch"
        assert received.verified is False
        assert sent.state == "failed"
        assert pair.store.names == []

    asyncio.run(main())


def test_hashes_that_prove_nothing_are_not_asked(path: Path) -> None:
    async def main() -> None:
        pair = Pair(path)
        wrong = outgoing(b"y" * 20, hashes={"md5": "0" * 32, "sha-1": "0" * 40})
        _, received = await pair.both(wrong, transport="ibb")
        assert (received.state, received.verified) == ("done", None)
        assert "no hash" in pair.warnings[0]

    asyncio.run(main())


def test_more_bytes_than_were_told(path: Path) -> None:
    async def main() -> None:
        pair = Pair(path)
        sent, received = await pair.both(outgoing(b"y" * 20, size=10), transport="ibb")
        assert received.error is not None and received.error.condition == "file-too-large"
        assert sent.error is not None
        assert pair.store.names == []

    asyncio.run(main())


def test_fewer_bytes_than_were_told(path: Path) -> None:
    async def main() -> None:
        pair = Pair(path)
        _, received = await pair.both(outgoing(b"y" * 20, size=30), transport="ibb")
        assert received.error is not None and received.error.condition == "truncated"
        assert pair.store.names == []

    asyncio.run(main())


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("../../etc/passwd", "passwd"),
        (".bashrc", "bashrc"),
        ("a\\b\x07c.txt".replace("\x07", "\u202e"), "b_c.txt"),
        (None, "download"),
        ("-rf", "_rf"),
    ],
)
def test_hostile_names(path: Path, name: str | None, stored: str) -> None:
    async def main() -> None:
        pair = Pair(path)
        _, received = await pair.both(outgoing(b"y", name=name), transport="ibb")
        assert pair.store.names == [stored]
        assert received.path == str(path / stored)

    asyncio.run(main())


def test_nothing_is_replaced(path: Path) -> None:
    async def main() -> None:
        (path / "report.txt").write_text("mine")
        pair = Pair(path)
        _, received = await pair.both(outgoing(b"yours"), transport="ibb")
        assert pair.store.names == ["report-2.txt", "report.txt"]
        assert (path / "report.txt").read_text() == "mine"
        assert received.path == str(path / "report-2.txt")

    asyncio.run(main())


def test_from_others_nothing_is_taken(path: Path) -> None:
    async def main() -> None:
        pair = Pair(path)
        received = pair.receive(senders=(jid("carol@fake.test"),), seconds=0.5, count=None)
        sent, got = await pair.net.run(pair.send(outgoing(b"y")), received)
        assert got == []
        assert sent[-1].error is not None
        assert (sent[-1].error.code, sent[-1].error.condition) == (6, "service-unavailable")

    asyncio.run(main())


def test_by_a_proposal(path: Path) -> None:
    async def main() -> None:
        pair = Pair(path)
        sent, received = await pair.both(outgoing(b"y" * 9), to="bob@fake.test", transport="ibb")
        assert sent.state == received.state == "done"
        assert sent.to == BOB
        names = [
            child.tag.partition("}")[2]
            for each in pair.net.log
            if each.tag.endswith("}message")
            for child in each
            if "jingle-message" in child.tag
        ]
        assert names == ["propose", "proceed", "finish", "finish"] or names[:2] == [
            "propose",
            "proceed",
        ]

    asyncio.run(main())


def test_nobody_takes_a_proposal(path: Path) -> None:
    async def main() -> None:
        pair = Pair(path)
        pair.ready.set()
        options = sending.Options(wait=0.2)
        found = sending.send(
            pair.alice, jid("carol@fake.test"), outgoing(b"y"), options, lambda done: None
        )

        async def send() -> list[Transfer]:
            return [record async for record in found]

        (sent,) = await pair.net.run(send())
        assert sent[-1].error is not None and sent[-1].error.code == 8
        assert len(pair.net.said(ALICE, "{urn:xmpp:jingle-message:0}retract")) == 1

    asyncio.run(main())


def test_a_part_and_the_rest(path: Path) -> None:
    async def main() -> None:
        data = bytes(range(256)) * 400
        first = Pair(path)
        directory = Directory(str(path), force=False, resume=True)
        first.options = replace(first.options, place=directory.place)
        blocks = 0

        def broken(stanza: Element) -> bool:
            nonlocal blocks
            block = stanza.find(f"{{{IBB}}}data") is not None
            blocks += block
            return block and blocks > 3

        first.net.drop = broken
        for session in (first.alice, first.bob):
            session.account = replace(session.account, timeout=0.3)
        sent, received = await first.both(outgoing(data, range=files.Range()), transport="ibb")
        assert sent.state == received.state == "failed"
        (left,) = path.iterdir()
        assert left.name.endswith(".part") and left.read_bytes() == data[: 3 * 16384]

        again = Pair(path)
        directory = Directory(str(path), force=False, resume=True)
        again.options = replace(again.options, place=directory.place)
        sent, received = await again.both(outgoing(data), transport="ibb")
        assert sent.state == received.state == "done", (sent.error, received.error)
        assert (received.offset, received.bytes) == (3 * 16384, len(data) - 3 * 16384)
        assert (sent.offset, received.verified) == (3 * 16384, True)
        assert again.store.names == ["report.txt"]
        assert (path / "report.txt").read_bytes() == data

    asyncio.run(main())


def test_a_part_alone(path: Path) -> None:
    async def main() -> None:
        pair, data = Pair(path), b"0123456789"
        told = {"sha-256": hashlib.sha256(b"345").hexdigest()}
        part = files.Range(3, 3)
        file = outgoing(data, range=replace(part, hashes=told))
        sent, received = await pair.both(file, transport="ibb", part=part)
        assert (received.offset, received.bytes, received.verified) == (3, 3, True)
        assert sent.state == "done"
        assert (path / "report.txt").read_bytes() == b"345"

    asyncio.run(main())


def test_the_steps(path: Path) -> None:
    async def main() -> None:
        pair = Pair(path)
        sent, received = await pair.net.run(
            pair.send(outgoing(b"y" * 9), transport="ibb", progress=True),
            pair.receive(progress=True),
        )
        assert [each.state for each in sent] == ["offered", "accepted", "transferring", "done"]
        assert [each.state for each in received] == ["offered", "accepted", "transferring", "done"]

    asyncio.run(main())


def test_who_is_stopped_tells_the_other(path: Path) -> None:
    async def main() -> None:
        pair = Pair(path)
        pair.net.drop = lambda stanza: stanza.find(f"{{{IBB}}}data") is not None

        async def stopped() -> None:
            sending_ = asyncio.ensure_future(pair.send(outgoing(b"y" * 9), transport="ibb"))
            while not pair.net.said(ALICE, f"{{{IBB}}}data"):
                await asyncio.sleep(0.001)
            sending_.cancel()
            await asyncio.gather(sending_, return_exceptions=True)

        _, received = await pair.net.run(stopped(), pair.receive())
        assert received[-1].error is not None and received[-1].error.condition == "cancel"
        assert pair.actions(ALICE)[-1] == "session-terminate"
        assert pair.store.names == []

    asyncio.run(main())


def test_a_receiver_that_is_stopped(path: Path) -> None:
    async def main() -> None:
        pair = Pair(path)
        pair.net.drop = lambda stanza: stanza.find(f"{{{IBB}}}data") is not None

        async def stopped() -> None:
            task = asyncio.ensure_future(pair.receive())
            while not pair.net.said(ALICE, f"{{{IBB}}}data"):
                await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        sent, _ = await pair.net.run(pair.send(outgoing(b"y" * 9), transport="ibb"), stopped())
        assert sent[-1].error is not None and sent[-1].error.condition == "cancel"
        assert pair.store.names == []

    asyncio.run(main())


def test_blocks_fit_into_the_stanzas_of_the_server(path: Path) -> None:
    limits = "<f><limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>{}</max-bytes></limits></f>"

    async def main() -> None:
        pair = Pair(path)
        pair.alice.features = parse(limits.format(10000))
        pair.bob.features = parse(limits.format(5000))
        sent, _ = await pair.both(outgoing(b"y" * 9000), transport="ibb")
        assert sent.state == "done"
        (offered,) = pair.net.said(ALICE, f".//{{{NS_IBB}}}transport")
        assert next(offered.iter(f"{{{NS_IBB}}}transport")).get("block-size") == "6750"
        (opened,) = pair.net.said(ALICE, f"{{{IBB}}}open")
        assert opened[0].get("block-size") == "3000"

    asyncio.run(main())
