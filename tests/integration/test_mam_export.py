"""`xmppctl mam export`: into files, again and again."""

import json
import signal
import time

import pytest

from tests.peers.stream import StreamClosed
from tests.servers.fake import FakeServer

pytestmark = pytest.mark.in_turn

PING = "<ping xmlns='urn:xmpp:ping'/>"


@pytest.fixture
def archive(raw, alice, bob):
    writer = raw(alice, "writer")

    def fill(*bodies, to=bob.jid):
        for body in bodies:
            writer.message(to, body)
        assert writer.iq(PING, to=bob.jid).get("type") == "result"

    return fill


def bodies(path):
    return [json.loads(line)["body"] for line in path.read_text().splitlines()]


def test_an_export_goes_on_where_it_ended(xmppctl, alice, archive, tmp_path):
    path = tmp_path / "archive.jsonl"
    command = ("mam", "export", "--out", path, "--page-size", "2")
    xmppctl(*command, account=alice).expect(0)
    assert path.read_text() == ""
    archive("a", "b", "c")
    for _ in range(2):
        xmppctl(*command, account=alice).expect(0)
        assert bodies(path) == ["a", "b", "c"]
    archive("d")
    xmppctl(*command, account=alice).expect(0)
    assert bodies(path) == ["a", "b", "c", "d"]
    assert path.stat().st_mode & 0o777 == 0o600
    whole = path.read_text()
    path.write_text(whole + "a note of mine")
    error = xmppctl("-o", "json", *command, account=alice).expect(11).error()
    assert (error["name"], error["by"]) == ("LOCAL", str(path))
    assert path.read_text().endswith("a note of mine")
    path.write_text(whole)
    xmppctl(*command, account=alice).expect(0)
    xmppctl(*command, "--as", "txt", account=alice).expect(2)
    path.write_text("")
    xmppctl(*command, account=alice).expect(11)
    other = tmp_path / "other"
    other.write_text("precious")
    xmppctl("mam", "export", "--out", other, account=alice).expect(11)
    assert other.read_text() == "precious"


def test_one_file_for_each_contact(xmppctl, alice, bob, server, archive, tmp_path):
    carol = server.account("carol")
    archive("a", "b")
    archive("x", to=carol.jid)
    command = ("mam", "export", "--dir", tmp_path / "out", "--as", "txt")
    for _ in range(2):
        xmppctl(*command, account=alice).expect(0)
    text = (tmp_path / "out" / f"{bob.jid}.txt").read_text()
    assert [line.split("> ")[1] for line in text.splitlines()] == ["a", "b"]
    assert (tmp_path / "out" / f"{carol.jid}.txt").read_text().endswith("> x\n")
    run = xmppctl("mam", "export", "--with", bob.jid, account=alice).expect(0)
    assert [record["body"] for record in run.jsonl()] == ["a", "b"]


# --- an archive that a test writes --------------------------------------------------------------

MAM, RSM = "urn:xmpp:mam:2", "http://jabber.org/protocol/rsm"


class Archive:
    """Messages with the ids 0, 1, ..., the sender of each from ``senders``; pages of 100.

    ``silent_after``: it says nothing any more when it is asked what follows that message.
    """

    def __init__(self, senders, silent_after=None, unstable_from=None):
        self.senders = senders
        self.silent_after = silent_after
        self.unstable_from = unstable_from

    async def __call__(self, conn):
        await conn.login()
        while True:
            try:
                request = await conn.recv(20)
            except StreamClosed:
                return
            asked = request.find(f".//{{{RSM}}}set")
            size = min(100, int(asked.findtext(f"{{{RSM}}}max")))
            after, before = asked.findtext(f"{{{RSM}}}after"), asked.findtext(f"{{{RSM}}}before")
            begin, end = 0, len(self.senders)
            if after is not None:
                if self.silent_after is not None and int(after) >= self.silent_after:
                    continue
                begin, end = int(after) + 1, min(end, int(after) + 1 + size)
            elif before is not None:
                begin, end = max(0, int(before) - size), int(before)
            else:
                end = min(end, size)
            self.answer(conn, request, range(begin, end))

    def answer(self, conn, request, numbers):
        queryid = request.find(f"{{{MAM}}}query").get("queryid")
        for n in numbers:
            conn.send(
                f"<message from='alice@fake.test'><result xmlns='{MAM}' queryid='{queryid}' "
                f"id='{n}'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' "
                f"stamp='2026-01-01T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z'/>"
                f"<message xmlns='jabber:client' from='{self.senders[n]}' to='alice@fake.test' "
                f"type='chat'><body>m{n}</body></message></forwarded></result></message>"
            )
        ends = f"<first>{numbers[0]}</first><last>{numbers[-1]}</last>" if numbers else ""
        complete = "true" if not numbers or numbers[-1] == len(self.senders) - 1 else "false"
        unstable = numbers and self.unstable_from is not None and numbers[-1] >= self.unstable_from
        conn.result(
            request,
            f"<fin xmlns='{MAM}' complete='{complete}' stable='{'false' if unstable else 'true'}'>"
            f"<set xmlns='{RSM}'>{ends}</set></fin>",
        )


@pytest.fixture
def against(authority, xmppctl):
    def begin(archive, *args):
        server = FakeServer("fake.test", authority.issue("fake.test"), archive)
        with server:
            run = xmppctl.start(
                *("-o", "json", "mam", "export", *map(str, args)),
                jid="alice@fake.test",
                password="x",
                connect=server.address,
                ca_file=authority.ca_file,
            )
            yield run
            if run in xmppctl._running:
                xmppctl.finish(run)

    return begin


def whole(against, archive, *args):
    """Run to the end."""
    (run,) = against(archive, *args)
    return run.result_so_far()


@pytest.mark.parametrize("shape", ["--out", "--dir"])
def test_killed_in_the_middle_and_run_again(against, tmp_path, shape):
    senders = [f"{'ab'[n % 2]}@x.test" for n in range(1000)]
    target = tmp_path / "target"
    state = tmp_path / "target.state" if shape == "--out" else target / ".mam-export.state"
    for run in against(Archive(senders, silent_after=499), shape, target):
        deadline = time.monotonic() + 20
        while not state.exists() or json.loads(state.read_text())["last"] != "399":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        run.signal(signal.SIGKILL)
        assert run.wait().code == -signal.SIGKILL
    files = [target] if shape == "--out" else sorted(target.glob("*.jsonl"))
    with files[0].open("a") as stream:
        stream.write('{"body":"what it had written of the next ba')
    assert whole(against, Archive(senders), shape, target).code == 0
    assert whole(against, Archive(senders), shape, target).code == 0
    found = [body for file in files for body in bodies(file)]
    assert len(found) == 1000
    assert set(found) == {f"m{n}" for n in range(1000)}
    for file in files:
        numbers = [int(body[1:]) for body in bodies(file)]
        assert numbers == sorted(numbers)


HOSTILE = [
    "../../evil@x.test", "/etc/passwd@x.test", "..", ".hidden@x.test", ".mam-export.state",
    "a\u202eb@x.test", "%2E@x.test", "%252E@x.test", "x" * 900 + "@x.test", "x" * 901 + "@x.test",
    "A@x.test", "ü@x.test", "",
]  # fmt: skip


def test_names_that_strangers_choose(against, tmp_path):
    target = tmp_path / "deep" / "out"
    outside = {p for p in tmp_path.rglob("*") if target not in p.parents}
    assert whole(against, Archive(HOSTILE), "--dir", target, "--as", "txt").code == 0
    names = [path.name for path in target.iterdir()]
    state = {".mam-export.state", ".mam-export.state.lock"}
    assert {name for name in names if name.startswith(".")} == state
    lines = [line for name in names if name not in state
             for line in (target / name).read_text().splitlines()]  # fmt: skip
    assert len(lines) == len(HOSTILE)
    assert not any("\u202e" in text for text in (*names, *lines))
    made = {p for p in tmp_path.rglob("*") if target not in p.parents} - outside
    assert {p.relative_to(tmp_path).parts[0] for p in made} <= {"deep", "home"}


def test_a_link_is_not_followed(against, tmp_path):
    target, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    target.mkdir()
    (target / "a@x.test.jsonl").symlink_to(elsewhere)
    assert whole(against, Archive(["a@x.test"]), "--dir", target).code == 11
    assert not elsewhere.exists()


def test_two_at_once_and_other_exports(against, tmp_path):
    target = tmp_path / "out"
    for run in against(Archive(["a@x.test"] * 300, silent_after=99), "--out", target):
        deadline = time.monotonic() + 20
        while not (tmp_path / "out.state.lock").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        second = whole(against, Archive(["a@x.test"]), "--out", target)
        assert second.code == 11
        assert "another export" in second.error()["text"]
        run.signal(signal.SIGINT)
        assert run.wait().code == 130
    # what came before the signal is there, and the rest comes later
    found = len(bodies(target)) if target.exists() else 0
    assert found in (0, 100)
    assert whole(against, Archive(["a@x.test"] * 300), "--out", target).code == 0
    assert bodies(target) == [f"m{n}" for n in range(300)]


def test_what_may_still_change_is_not_written(against, tmp_path):
    target = tmp_path / "out"
    archive = Archive(["a@x.test"] * 250, unstable_from=200)
    result = whole(against, archive, "--out", target)
    assert (result.code, result.error()["condition"]) == (6, "unstable-results")
    assert bodies(target) == [f"m{n}" for n in range(200)]
    assert whole(against, Archive(["a@x.test"] * 250), "--out", target).code == 0
    assert bodies(target) == [f"m{n}" for n in range(250)]
    told = whole(against, archive)
    assert (told.code, len(told.out.splitlines())) == (0, 250)
    assert "may still change" in told.err


def test_an_archive_that_forgot_its_oldest_messages(against, tmp_path):
    """What the files end with is gone, and all that is left is newer."""

    class Forgetful(Archive):
        def answer(self, conn, request, numbers):
            if request.findtext(f".//{{{RSM}}}before") == "9":
                conn.error(request, "item-not-found")
            else:
                super().answer(conn, request, [n for n in numbers if n >= 20])

    target = tmp_path / "out"
    assert whole(against, Archive(["a@x.test"] * 10), "--out", target).code == 0
    result = whole(against, Forgetful(["a@x.test"] * 30), "--out", target)
    assert result.code == 0
    assert "has lost messages" in result.err
    assert bodies(target) == [f"m{n}" for n in [*range(10), *range(20, 30)]]
