"""`xmppctl entity caps`: servers, contacts and clients, honest and other."""

import base64
import hashlib

import pytest

pytestmark = pytest.mark.in_turn

INFO = "http://jabber.org/protocol/disco#info"
CAPS = "http://jabber.org/protocol/caps"
KEYS = ["jid", "hash", "node", "ver", "computed", "match", "problem", "hashes", "identities",
        "features", "forms", "error"]  # fmt: skip

# what the client below says, and its hashes
SAYS = "<identity category='client' type='pc' name='X'/><feature var='urn:a'/>"
SHA1 = base64.b64encode(hashlib.sha1(b"client/pc//X<urn:a<").digest()).decode()
SHA2 = base64.b64encode(
    hashlib.sha256(b"urn:a\x1f\x1cclient\x1fpc\x1f\x1fX\x1f\x1e\x1c\x1c").digest()
).decode()


def test_the_own_server_by_its_stream_features(xmppctl, alice, server):
    run = xmppctl("--json", "entity", "caps", "--verify", account=alice).expect(0)
    record = run.json()
    assert list(record) == KEYS
    assert (record["jid"], record["hash"], record["match"]) == (server.domain, "sha-1", True)
    assert record["computed"] == record["ver"]
    assert len(base64.b64decode(record["ver"])) == 20
    assert INFO in record["features"]
    assert ("server", "im") in {(i["category"], i["type"]) for i in record["identities"]}
    plain = xmppctl("-o", "plain", "entity", "caps", server.domain, account=alice)
    assert plain.expect(0).out == record["ver"] + "\n"
    error = xmppctl("--json", "entity", "caps", server.conference, account=alice).expect(7).error()
    assert (error["name"], error["by"]) == ("UNSUPPORTED", server.conference)


def test_a_contact(xmppctl, alice, bob, slix):
    stranger = xmppctl("--json", "entity", "caps", f"{bob.jid}/peer", account=alice).expect(6)
    assert stranger.error()["condition"] == "subscription-required"
    with_bob, with_alice = slix(bob), slix(alice)
    for client in (with_bob, with_alice):
        client.send_presence()
    with_alice.subscribe(bob.jid)
    # slixmpp grants what it is asked for
    seen = with_alice.wait_presence(
        lambda p: p["from"] == with_bob.jid and p.xml.find(f"{{{CAPS}}}c") is not None
    )
    told = seen.xml.find(f"{{{CAPS}}}c")
    record = xmppctl("--json", "entity", "caps", with_bob.jid, "--verify", account=alice)
    record = record.expect(0).json()
    assert (record["jid"], record["match"], record["error"]) == (with_bob.jid, True, None)
    assert (record["node"], record["ver"], record["hash"]) == (
        told.get("node"), told.get("ver"), told.get("hash"))  # fmt: skip
    assert record["computed"] == told.get("ver")
    assert INFO in record["features"]
    # one client is online, so that the account is enough
    assert (
        xmppctl("--json", "entity", "caps", bob.jid, account=alice).json()["ver"] == record["ver"]
    )
    gone = xmppctl("--json", "entity", "caps", f"{bob.jid}/gone", account=alice).expect(6)
    assert "not online" in gone.error()["text"]


@pytest.fixture
def announcing(xmppctl, raw, alice):
    """Ask for the capabilities of another client of alice's that announces ``caps``, and says
    ``says`` to whoever asks for one of ``nodes``."""

    def ask(caps, nodes, says=SAYS, *args):
        peer = raw(alice, "other")
        peer.send(f"<presence><priority>1</priority>{caps}</presence>")
        peer.expect(lambda e: e.tag.endswith("}presence") and e.get("from") == peer.jid)
        run = xmppctl.start("--json", "entity", "caps", peer.jid, *args, account=alice)
        for _ in nodes:
            iq = peer.expect(lambda e: e.find(f"{{{INFO}}}query") is not None)
            node = iq[0].get("node")
            assert node in nodes
            head = f"id='{iq.get('id')}' to='{iq.get('from')}'"
            named = f" node='{node}'" if node else ""
            if says is None:
                peer.send(
                    f"<iq type='error' {head}><error type='cancel'><item-not-found "
                    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
                )
                says = SAYS
            else:
                query = f"<query xmlns='{INFO}'{named}>{says}</query>"
                peer.send(f"<iq type='result' {head}>{query}</iq>")
        result = xmppctl.finish(run)
        peer.close()
        return result

    return ask


def old(ver, hash_="hash='sha-1'"):
    return f"<c xmlns='{CAPS}' {hash_} node='urn:x' ver='{ver}'/>"


def new(*pairs):
    listed = "".join(f"<hash xmlns='urn:xmpp:hashes:2' algo='{a}'>{v}</hash>" for a, v in pairs)
    return f"<c xmlns='urn:xmpp:caps'>{listed}</c>"


def test_both_kinds_are_checked(announcing):
    nodes = [f"urn:x#{SHA1}", f"urn:xmpp:caps#sha-256.{SHA2}"]
    run = announcing(old(SHA1) + new(("sha-256", SHA2), ("odd", "x")), nodes, SAYS, "--verify")
    record = run.expect(0).json()
    assert (record["match"], record["computed"], record["features"]) == (True, SHA1, ["urn:a"])
    assert [(h["algo"], h["computed"], h["match"]) for h in record["hashes"]] == [
        ("sha-256", SHA2, True), ("odd", None, None)]  # fmt: skip
    only = announcing(new(("sha-256", SHA2)), nodes[1:], SAYS, "--verify").expect(0).json()
    assert (only["hash"], only["node"], only["ver"], only["match"]) == (None, None, None, True)


def test_a_lie_is_told(announcing):
    nodes = [f"urn:x#{SHA1}"]
    run = announcing(old(SHA1), nodes, SAYS + "<feature var='urn:b'/>")
    record = run.expect(0).json()
    assert (record["match"], record["error"]) == (False, None)
    assert record["computed"] not in (None, SHA1)
    assert "is not what it says" in run.err
    run = announcing(old(SHA1), nodes, SAYS + "<feature var='urn:b'/>", "--verify").expect(6)
    assert run.json()["error"]["condition"] == run.error()["condition"] == "hash-mismatch"
    both = [*nodes, f"urn:xmpp:caps#sha-256.{SHA1}"]
    run = announcing(old(SHA1) + new(("sha-256", SHA1)), both, SAYS, "--verify").expect(6)
    assert run.json()["hashes"][0]["match"] is False
    # what is there twice counts as a lie, although the hash of it would be right
    run = announcing(old(SHA1), nodes, SAYS + "<feature var='urn:a'/>", "--verify").expect(6)
    assert "urn:a is there twice" in run.json()["problem"]
    assert run.json()["match"] is False


def test_what_cannot_be_checked_is_not_trusted(announcing):
    for caps, node in ((old("1.0", ""), "urn:x#1.0"), (old(SHA1, "hash='md5'"), f"urn:x#{SHA1}")):
        run = announcing(caps, [node], SAYS, "--verify").expect(6)
        assert (run.json()["match"], run.json()["computed"]) == (None, None)
        assert run.error()["condition"] == "not-verifiable"
    assert announcing("", []).expect(7).error()["condition"] == "feature-not-implemented"


def test_an_announcement_that_is_no_longer_true(announcing):
    """The node is not known any more: what the client says now is shown."""
    run = announcing(old("gone"), ["urn:x#gone", None], None)
    assert (run.expect(0).json()["match"], run.json()["computed"]) == (False, SHA1)


def test_several_clients_have_to_be_named(xmppctl, raw, alice):
    for name in ("one", "two"):
        peer = raw(alice, name)
        peer.send(f"<presence>{old(SHA1)}</presence>")
        peer.expect(lambda e, peer=peer: e.get("from") == peer.jid)
    error = xmppctl("--json", "entity", "caps", alice.jid, account=alice).expect(2).error()
    assert f"{alice.jid}/one, {alice.jid}/two" in error["hint"]


def test_what_this_program_itself_announces(xmppctl, alice):
    run = xmppctl.start("listen", "--for", "20s", account=alice)
    full = run.wait_line(r"^listening as (\S+)$", "err")[1]
    record = xmppctl("--json", "entity", "caps", full, "--verify", account=alice).expect(0).json()
    assert (record["jid"], record["match"]) == (full, True)
    assert ("client", "console") in {(i["category"], i["type"]) for i in record["identities"]}
    assert CAPS in record["features"]
    run.kill()


def test_a_server_that_announces_nothing(against_fake):
    async def script(conn):
        await conn.login()
        await conn.until_closed()

    run = against_fake(script, "--json", "entity", "caps")
    assert "stream features" in run.expect(7).error()["text"]
