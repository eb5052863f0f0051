"""`xmppctl mam export`: into files, again and again."""

import json

import pytest

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
    archive("a", "b", "c")
    for _ in range(2):
        xmppctl(*command, account=alice).expect(0)
        assert bodies(path) == ["a", "b", "c"]
    archive("d")
    with path.open("a") as stream:
        stream.write("what a run that was killed left behind")
    xmppctl(*command, account=alice).expect(0)
    assert bodies(path) == ["a", "b", "c", "d"]
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
