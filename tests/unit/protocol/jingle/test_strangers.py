"""Peers of which only the stanzas are seen: as the XEPs show them, and as they must not be."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from tests.unit.protocol.jingle.test_transfers import ALICE, BOB, Pair, outgoing
from xmppctl.model.jingle import Transfer
from xmppctl.protocol import listen
from xmppctl.protocol.jingle import FEATURES

ROMEO = "romeo@fake.test/orchard"
JINGLE = "{urn:xmpp:jingle:1}jingle"
FT = "urn:xmpp:jingle:apps:file-transfer:5"
INFO = "http://jabber.org/protocol/disco#info"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
IBB = "http://jabber.org/protocol/ibb"
DATA = b"abcdefghij"
SHA256 = base64.b64encode(hashlib.sha256(DATA).digest()).decode()


class Romeo:
    """Says what a test says, and keeps what it is answered."""

    def __init__(self, pair: Pair, jid: str = ROMEO, to: str = BOB) -> None:
        self.pair = pair
        self.jid = jid
        self.to = to
        self.heard: list[Element] = []
        self._news = asyncio.Event()
        pair.net.scripts[jid] = self._hear

    def _hear(self, stanza: Element) -> None:
        self.heard.append(stanza)
        self._news.set()

    def say(self, payload: str, id: str = "x1", type: str = "set") -> None:
        """Send an iq."""
        self.pair.net.say(
            self.jid, self.to, f"<iq xmlns='jabber:client' type='{type}' id='{id}'>{payload}</iq>"
        )

    async def expect(self, matches: Callable[[Element], bool]) -> Element:
        """The first stanza that matches."""
        while True:
            for each in self.heard:
                if matches(each):
                    self.heard.remove(each)
                    return each
            self._news.clear()
            await self._news.wait()

    async def ask(self, payload: str, id: str) -> Element:
        """Send an iq; its answer."""
        self.say(payload, id)
        return await self.expect(
            lambda e: e.get("id") == id and e.get("type") in ("result", "error")
        )

    async def action(self, name: str) -> Element:
        """What is asked of this kind; it is acknowledged."""

        def is_it(stanza: Element) -> bool:
            jingle = stanza.find(JINGLE)
            return jingle is not None and jingle.get("action") == name

        found = await self.expect(is_it)
        self.say("", found.get("id", ""), "result")
        return found.find(JINGLE)


def initiate(
    *,
    file: str | None = None,
    senders: str = "initiator",
    transport: str = "<transport xmlns='urn:xmpp:jingle:transports:ibb:1' "
    "block-size='4096' sid='ch3d9s71'/>",
    sid: str = "851ba2",
) -> str:
    told = (
        f"<hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>{SHA256}</hash>" if file is None else file
    )
    return (
        f"<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' initiator='{ROMEO}' "
        f"sid='{sid}'><content creator='initiator' name='a-file-offer' senders='{senders}'>"
        f"<description xmlns='{FT}'><file><name>test.txt</name><size>{len(DATA)}</size>{told}"
        f"</file></description>{transport}</content></jingle>"
    )


def act(action: str, inside: str = "", sid: str = "851ba2") -> str:
    return f"<jingle xmlns='urn:xmpp:jingle:1' action='{action}' sid='{sid}'>{inside}</jingle>"


def block(data: bytes, seq: int = 0) -> str:
    text = base64.b64encode(data).decode()
    return f"<data xmlns='{IBB}' seq='{seq}' sid='ch3d9s71'>{text}</data>"


OPEN = f"<open xmlns='{IBB}' block-size='4096' sid='ch3d9s71' stanza='iq'/>"
CLOSE = f"<close xmlns='{IBB}' sid='ch3d9s71'/>"


def conditions(answer: Element) -> list[str]:
    error = answer.find("{jabber:client}error")
    assert error is not None, answer.get("type")
    return [child.tag.rpartition("}")[2] for child in error]


def play(
    path: Path, script: Callable[[Romeo], Coroutine[Any, Any, None]], **options: Any
) -> tuple[list[Transfer], Pair]:
    """Run the script while bob receives; his records."""

    async def main() -> tuple[list[Transfer], Pair]:
        pair = Pair(path)
        romeo = Romeo(pair)

        async def told() -> None:
            await pair.ready.wait()
            await script(romeo)

        _, received = await pair.net.run(told(), pair.receive(**options))
        return received, pair

    return asyncio.run(main())


def test_the_flow_of_the_xep(tmp_path: Path) -> None:
    async def script(romeo: Romeo) -> None:
        assert (await romeo.ask(initiate(), "nzu25s8")).get("type") == "result"
        # acknowledged before it is accepted
        assert next(e.get("id") for e in romeo.pair.net.log if e.get("to") == ROMEO) == "nzu25s8"
        accept = await romeo.action("session-accept")
        content = accept[0]
        assert (content.get("creator"), content.get("name")) == ("initiator", "a-file-offer")
        assert accept.get("responder") == BOB
        for number, payload in enumerate((OPEN, block(DATA[:4]), block(DATA[4:], 1), CLOSE)):
            assert (await romeo.ask(payload, f"b{number}")).get("type") == "result"
        await romeo.action("session-info")
        end = await romeo.action("session-terminate")
        assert end.find("{urn:xmpp:jingle:1}reason/{urn:xmpp:jingle:1}success") is not None
        late = await romeo.ask(act("session-info"), "late")
        assert conditions(late) == ["item-not-found", "unknown-session"]

    (record,), _ = play(tmp_path, script)
    assert (record.state, record.verified, record.bytes) == ("done", True, 10)
    assert (tmp_path / "test.txt").read_bytes() == DATA


def test_what_has_begun_may_end_after_the_time(tmp_path: Path) -> None:
    async def script(romeo: Romeo) -> None:
        await romeo.ask(initiate(), "1")
        await romeo.action("session-accept")
        await asyncio.sleep(0.4)
        assert conditions(await romeo.ask(initiate(sid="late"), "2")) == ["resource-constraint"]
        for number, payload in enumerate((OPEN, block(DATA), CLOSE)):
            await romeo.ask(payload, f"b{number}")
        await romeo.action("session-terminate")

    (record,), _ = play(tmp_path, script, seconds=0.2, count=None)
    assert record.state == "done"


def test_a_checksum_that_comes_later(tmp_path: Path) -> None:
    async def script(romeo: Romeo) -> None:
        later = "<hash-used xmlns='urn:xmpp:hashes:2' algo='sha-256'/>"
        await romeo.ask(initiate(file=later), "1")
        await romeo.action("session-accept")
        await romeo.ask(OPEN, "2")
        await romeo.ask(block(DATA), "3")
        told = f"<file><hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>{SHA256}</hash></file>"
        checksum = f"<checksum xmlns='{FT}' creator='initiator' name='a-file-offer'>{told}"
        answer = await romeo.ask(act("session-info", f"{checksum}</checksum>"), "4")
        assert answer.get("type") == "result"
        await romeo.ask(CLOSE, "5")
        await romeo.action("session-terminate")

    (record,), _ = play(tmp_path, script)
    assert (record.state, record.verified) == ("done", True)


def test_what_is_not_understood_is_refused(tmp_path: Path) -> None:
    async def script(romeo: Romeo) -> None:
        await romeo.ask(initiate(), "1")
        await romeo.action("session-accept")
        assert conditions(await romeo.ask(act("dance"), "2")) == ["bad-request"]
        answer = await romeo.ask(act("session-info", "<what xmlns='u:x'/>"), "3")
        assert conditions(answer) == ["feature-not-implemented", "unsupported-info"]
        assert conditions(await romeo.ask(initiate(), "4")) == [
            "unexpected-request",
            "out-of-order",
        ]
        # nobody but the peer may end it, from no other client of the account either
        other = Romeo(romeo.pair, "romeo@fake.test/phone")
        end = act("session-terminate", "<reason><success/></reason>")
        assert conditions(await other.ask(end, "5")) == ["item-not-found", "unknown-session"]
        await other.ask(OPEN, "6")
        assert conditions(await other.ask(block(DATA), "7")) == ["item-not-found"]
        assert (await romeo.ask(act("session-info"), "8")).get("type") == "result"
        await romeo.ask(act("session-terminate", "<reason><cancel/></reason>"), "9")

    (record,), pair = play(tmp_path, script)
    assert record.error is not None and record.error.condition == "cancel"
    assert pair.store.names == []


@pytest.mark.parametrize(
    ("offer", "reason"),
    [
        (
            initiate().replace(FT, "urn:xmpp:jingle:apps:rtp:1"),
            "unsupported-applications",
        ),
        (
            initiate(transport="<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/>"),
            "unsupported-transports",
        ),
        (initiate(senders="responder"), "failed-application"),
    ],
)
def test_what_is_no_file_is_declined(tmp_path: Path, offer: str, reason: str) -> None:
    async def script(romeo: Romeo) -> None:
        assert (await romeo.ask(offer, "1")).get("type") == "result"
        end = await romeo.action("session-terminate")
        assert end.find(f"{{urn:xmpp:jingle:1}}reason/{{urn:xmpp:jingle:1}}{reason}") is not None

    records, _ = play(tmp_path, script, seconds=0.3, count=None)
    assert records == []


@pytest.mark.parametrize(
    "offer",
    [
        initiate().replace("creator='initiator'", "creator='responder'"),
        initiate().replace("name='a-file-offer'", ""),
        initiate().replace("senders=", "disposition='x' senders="),
        act("session-initiate"),
    ],
)
def test_malformed_offers(tmp_path: Path, offer: str) -> None:
    async def script(romeo: Romeo) -> None:
        assert conditions(await romeo.ask(offer, "1")) == ["bad-request"]

    records, _ = play(tmp_path, script, seconds=0.3, count=None)
    assert records == []


def test_stream_initiation_is_refused(tmp_path: Path) -> None:
    profile = "http://jabber.org/protocol/si/profile/file-transfer"

    async def script(romeo: Romeo) -> None:
        offer = (
            f"<si xmlns='http://jabber.org/protocol/si' id='a0' profile='{profile}'>"
            f"<file xmlns='{profile}' name='old.txt' size='9'/></si>"
        )
        assert conditions(await romeo.ask(offer, "1")) == ["bad-request", "no-valid-streams"]

    _, pair = play(tmp_path, script, seconds=0.3, count=None)
    assert "old.txt" in pair.warnings[0] and ROMEO in pair.warnings[0]


def test_a_block_out_of_order_ends_it(tmp_path: Path) -> None:
    async def script(romeo: Romeo) -> None:
        await romeo.ask(initiate(), "1")
        await romeo.action("session-accept")
        await romeo.ask(OPEN, "2")
        assert conditions(await romeo.ask(block(DATA, 5), "3")) == ["unexpected-request"]
        await romeo.action("session-terminate")

    (record,), pair = play(tmp_path, script)
    assert record.error is not None and record.error.condition == "malformed-data"
    assert pair.store.names == []


def test_the_session_ends_with_its_content(tmp_path: Path) -> None:
    async def script(romeo: Romeo) -> None:
        await romeo.ask(initiate(), "1")
        await romeo.action("session-accept")
        content = "<content creator='initiator' name='a-file-offer'/>"
        await romeo.ask(act("content-remove", content), "2")
        await romeo.action("session-terminate")

    (record,), _ = play(tmp_path, script)
    assert record.state == "failed"


def test_more_than_one_file_is_declined(tmp_path: Path) -> None:
    async def script(romeo: Romeo) -> None:
        one = initiate()
        second = one[one.index("<content") : one.index("</jingle>")].replace("a-file", "b-file")
        await romeo.ask(one.replace("</jingle>", f"{second}</jingle>"), "1")
        await romeo.action("session-terminate")

    records, _ = play(tmp_path, script, seconds=0.3, count=None)
    assert records == []


# --- what a listener does


def listened(script: Callable[[Romeo], Coroutine[Any, Any, None]], tmp_path: Path) -> list[Any]:
    async def main() -> list[Any]:
        pair = Pair(tmp_path)
        romeo = Romeo(pair)

        async def told() -> None:
            await pair.ready.wait()
            await script(romeo)

        async def listen_() -> list[Any]:
            options = listen.Options(offers=True, seconds=0.5, raw=True)
            found = listen.listen(pair.bob, listen.Filter(), options, pair.ready.set)
            return [record async for record in found]

        return (await pair.net.run(told(), listen_()))[1]

    return asyncio.run(main())


def test_a_listener_declines_a_call(tmp_path: Path) -> None:
    async def script(romeo: Romeo) -> None:
        call = initiate().replace(FT, "urn:xmpp:jingle:apps:rtp:1")
        call = call.replace("rtp:1'>", "rtp:1' media='audio'>")
        assert (await romeo.ask(call, "1")).get("type") == "result"
        end = await romeo.action("session-terminate")
        assert end[0][0].tag == "{urn:xmpp:jingle:1}unsupported-applications"
        answer = await romeo.ask(act("session-info"), "2")
        assert conditions(answer) == ["item-not-found", "unknown-session"]

    (record,) = listened(script, tmp_path)
    assert (record.stanza, record.from_) == ("iq", ROMEO)
    assert record.jingle.action == "session-initiate"
    assert record.jingle.sid == "851ba2"
    assert record.jingle.answer == "unsupported-applications"
    assert record.jingle.contents[0].media == "audio"
    assert record.told().whole == "(declined a session-initiate: audio)"
    assert "851ba2" in record.raw_xml


def test_a_listener_declines_files_and_old_streams(tmp_path: Path) -> None:
    async def script(romeo: Romeo) -> None:
        await romeo.ask(initiate(), "1")
        end = await romeo.action("session-terminate")
        assert end[0][0].tag == "{urn:xmpp:jingle:1}decline"
        old = "<si xmlns='http://jabber.org/protocol/si' id='a0' profile='u:x'/>"
        assert conditions(await romeo.ask(old, "2")) == ["bad-request", "bad-profile"]

    one, two = listened(script, tmp_path)
    assert one.jingle.contents[0].file.name == "test.txt"
    assert one.jingle.contents[0].file.hashes == {"sha-256": hashlib.sha256(DATA).hexdigest()}
    assert (two.si.id, two.si.profile, two.si.file) == ("a0", "u:x", None)


def test_a_listener_shows_proposals(tmp_path: Path) -> None:
    async def script(romeo: Romeo) -> None:
        romeo.pair.net.say(
            ROMEO,
            "bob@fake.test",
            "<message xmlns='jabber:client' type='chat'>"
            "<propose xmlns='urn:xmpp:jingle-message:0' id='ca3cf894'>"
            "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='video'/></propose></message>",
        )

    (record,) = listened(script, tmp_path)
    assert (record.stanza, record.jingle.action) == ("message", "propose")
    assert record.jingle.contents[0].media == "video"
    assert record.extensions == []
    assert record.told().whole == "(propose: video)"


# --- what a sender makes of it


def sent_to(
    script: Callable[[Romeo, Element], Coroutine[Any, Any, None]], tmp_path: Path, **options: Any
) -> Transfer:
    """How it ends to offer romeo a file; ``script`` gets the offer, which is acknowledged."""

    async def main() -> Transfer:
        pair = Pair(tmp_path)
        pair.ready.set()
        romeo = Romeo(pair, to=ALICE)

        async def told() -> None:
            asked = await romeo.expect(lambda e: e.find(f"{{{INFO}}}query") is not None)
            rows = "".join(f"<feature var='{each}'/>" for each in FEATURES)
            romeo.say(f"<query xmlns='{INFO}'>{rows}</query>", asked.get("id", ""), "result")
            await script(romeo, await romeo.action("session-initiate"))

        sending = pair.send(outgoing(DATA), to=ROMEO, transport="ibb", **options)
        _, records = await pair.net.run(told(), sending)
        return records[-1]

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("reason", "code", "condition"),
    [
        ("<decline/>", 6, "decline"),
        ("<busy/>", 6, "busy"),
        ("<unsupported-applications/>", 7, "unsupported-applications"),
        ("<unsupported-transports/>", 7, "unsupported-transports"),
        (
            "<media-error/><file-too-large xmlns='urn:xmpp:jingle:apps:file-transfer:errors:0'/>",
            6,
            "file-too-large",
        ),
        ("", 6, "general-error"),
    ],
)
def test_a_peer_that_declines(tmp_path: Path, reason: str, code: int, condition: str) -> None:
    async def script(romeo: Romeo, offered: Element) -> None:
        sid = offered.get("sid", "")
        await romeo.ask(act("session-terminate", f"<reason>{reason}</reason>", sid), "1")

    record = sent_to(script, tmp_path)
    assert record.state == "failed"
    assert record.error is not None
    assert (record.error.code, record.error.condition) == (code, condition)
    assert record.error.by == ROMEO


def accepted(offered: Element, inside: str = "<file/>") -> str:
    content = offered[0]
    sid = content[1].get("sid")
    return act(
        "session-accept",
        f"<content creator='initiator' name='{content.get('name')}' senders='initiator'>"
        f"<description xmlns='{FT}'>{inside}</description>"
        f"<transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='6' sid='{sid}'/>"
        "</content>",
        offered.get("sid", ""),
    )


def test_a_receipt_is_enough(tmp_path: Path) -> None:
    """Who says that the file is there need not end the session."""

    async def script(romeo: Romeo, offered: Element) -> None:
        await romeo.ask(accepted(offered), "1")
        data = b""
        for name in ("open", "data", "data", "close"):
            iq = await romeo.expect(lambda e, n=name: e.find(f"{{{IBB}}}{n}") is not None)
            romeo.say("", iq.get("id", ""), "result")
            data += base64.b64decode(iq[0].text or "")
        assert data == DATA
        received = f"<received xmlns='{FT}' creator='initiator' name='file'/>"
        await romeo.ask(act("session-info", received, offered.get("sid", "")), "2")
        end = await romeo.action("session-terminate")
        assert end[0][0].tag.endswith("success")

    record = sent_to(script, tmp_path)
    assert (record.state, record.verified, record.bytes) == ("done", True, 10)


def test_who_acknowledged_every_block_may_leave_the_end_to_the_sender(tmp_path: Path) -> None:
    async def script(romeo: Romeo, offered: Element) -> None:
        romeo.pair.alice.account = replace(romeo.pair.alice.account, timeout=0.2)
        await romeo.ask(accepted(offered), "1")
        for name in ("open", "data", "data", "close"):
            iq = await romeo.expect(lambda e, n=name: e.find(f"{{{IBB}}}{n}") is not None)
            romeo.say("", iq.get("id", ""), "result")
        end = await romeo.action("session-terminate")
        assert end[0][0].tag.endswith("success")

    record = sent_to(script, tmp_path)
    # it did not say that it has checked the file
    assert (record.state, record.bytes, record.verified) == ("done", 10, None)


def test_the_receiver_wants_a_part(tmp_path: Path) -> None:
    async def script(romeo: Romeo, offered: Element) -> None:
        answer = await romeo.ask(accepted(offered, "<file><range offset='7'/></file>"), "1")
        assert answer.get("type") == "result"
        for name in ("open", "data", "close"):
            iq = await romeo.expect(lambda e, n=name: e.find(f"{{{IBB}}}{n}") is not None)
            romeo.say("", iq.get("id", ""), "result")
            if name == "data":
                assert base64.b64decode(iq[0].text or "") == DATA[7:]
        done = act("session-terminate", "<reason><success/></reason>", offered.get("sid", ""))
        await romeo.ask(done, "2")

    record = sent_to(script, tmp_path)
    assert (record.state, record.offset, record.bytes, record.total) == ("done", 7, 3, 3)


def test_the_receiver_wants_what_is_not_there(tmp_path: Path) -> None:
    async def script(romeo: Romeo, offered: Element) -> None:
        await romeo.ask(accepted(offered, "<file><range offset='99'/></file>"), "1")
        await romeo.action("session-terminate")

    record = sent_to(script, tmp_path)
    assert record.error is not None and record.error.condition == "bad-range"


def test_a_block_that_is_refused(tmp_path: Path) -> None:
    async def script(romeo: Romeo, offered: Element) -> None:
        await romeo.ask(accepted(offered), "1")
        iq = await romeo.expect(lambda e: e.find(f"{{{IBB}}}open") is not None)
        error = f"<error type='modify'><resource-constraint xmlns='{STANZAS}'/></error>"
        romeo.say(error, iq.get("id", ""), "error")
        await romeo.action("session-terminate")

    record = sent_to(script, tmp_path)
    assert record.error is not None and record.error.condition == "resource-constraint"


def closing(sid: str) -> str:
    return f"<close xmlns='{IBB}' sid='{sid}'/>"


def test_a_receiver_that_closes_the_bytestream(tmp_path: Path) -> None:
    """Either side may (XEP-0047 §2.3). Gajim does on a click, and answers no block from then on."""

    async def script(romeo: Romeo, offered: Element) -> None:
        await romeo.ask(accepted(offered), "1")
        iq = await romeo.expect(lambda e: e.find(f"{{{IBB}}}open") is not None)
        romeo.say("", iq.get("id", ""), "result")
        await romeo.expect(lambda e: e.find(f"{{{IBB}}}data") is not None)
        answer = await romeo.ask(closing(iq[0].get("sid", "")), "2")
        assert answer.get("type") == "result"
        end = await romeo.action("session-terminate")
        assert end[0][0].tag.endswith("failed-transport")
        again = await romeo.ask(closing(iq[0].get("sid", "")), "3")
        assert again.get("type") == "error"

    record = sent_to(script, tmp_path)
    assert record.error is not None
    assert (record.state, record.error.code, record.error.condition) == (
        "failed", 6, "connection-closed"
    )  # fmt: skip


def test_a_receiver_that_closes_the_bytestream_when_it_has_all(tmp_path: Path) -> None:
    async def script(romeo: Romeo, offered: Element) -> None:
        await romeo.ask(accepted(offered), "1")
        for name in ("open", "data", "data"):
            iq = await romeo.expect(lambda e, n=name: e.find(f"{{{IBB}}}{n}") is not None)
            romeo.say("", iq.get("id", ""), "result")
        romeo.say(closing(iq[0].get("sid", "")), "2")
        done = act("session-terminate", "<reason><success/></reason>", offered.get("sid", ""))
        await romeo.ask(done, "3")

    record = sent_to(script, tmp_path)
    assert (record.state, record.bytes, record.verified) == ("done", 10, True)


def test_success_before_the_end_is_none(tmp_path: Path) -> None:
    async def script(romeo: Romeo, offered: Element) -> None:
        await romeo.ask(accepted(offered), "1")
        await romeo.expect(lambda e: e.find(f"{{{IBB}}}open") is not None)
        done = act("session-terminate", "<reason><success/></reason>", offered.get("sid", ""))
        await romeo.ask(done, "2")

    record = sent_to(script, tmp_path)
    assert record.error is not None
    assert (record.state, record.error.code, record.error.condition) == ("failed", 6, "truncated")
    assert "success" not in (record.error.text or "")


def test_silence_is_told(tmp_path: Path) -> None:
    async def script(romeo: Romeo, offered: Element) -> None:
        await romeo.action("session-terminate")

    record = sent_to(script, tmp_path, wait=0.2)
    assert record.error is not None
    assert (record.error.code, record.error.step) == (8, "offer")


def test_both_at_once(tmp_path: Path) -> None:
    """The lower id counts (XEP-0166 §7.2.16); who sends takes no file meanwhile."""

    async def script(romeo: Romeo, offered: Element) -> None:
        assert conditions(await romeo.ask(initiate(sid="zz"), "1")) == ["conflict", "tie-break"]
        assert conditions(await romeo.ask(initiate(sid="!"), "2")) == ["service-unavailable"]
        sid = offered.get("sid", "")
        await romeo.ask(act("session-terminate", "<reason><busy/></reason>", sid), "3")

    assert sent_to(script, tmp_path).state == "failed"
