"""Logins by SASL2, and by the tokens that they leave (FAST, XEP-0484)."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ahead import Scripted, Visit, decoded, encoded
from tests.integration.failing import JID, failure
from tests.peers.process import Result, Xmppctl
from tests.peers.rawsasl2 import Sasl2Client
from tests.peers.rawxml import RawClient
from tests.peers.stream import BIND, FAST, SASL2, StreamClosed
from tests.servers.base import Account
from tests.servers.ca import Authority
from tests.servers.fake import FakeConnection
from tests.servers.prosody import Prosody
from tests.servers.scram import ScramServer
from xmppctl.errors import Exit

HT = "HT-SHA-256-NONE"
TEST = ("account", "test", "--json")
NO_PASSWORD = ("--password-command", "false")


@pytest.fixture(params=["starttls", "direct"])
def tls(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fay(prosody: Prosody) -> Account:
    return prosody.account("fay", prosody.hosts["sasl2"])


Run = Callable[..., Result]


@pytest.fixture
def run(xmppctl: Xmppctl) -> Run:
    """As an account: ``run(fay, "ping")``; ``password=False`` has none, and no way to get one."""

    def run(
        account: Account, *args: str, password: bool = True, tls: str = "starttls", **more: Any
    ) -> Result:
        server = account.server
        connect = server.direct_tls if tls == "direct" else server.starttls
        if password:
            return xmppctl(*(args or TEST), account=account, connect=connect, **more)
        return xmppctl(
            *NO_PASSWORD,
            *(args or TEST),
            jid=account.jid,
            connect=connect,
            ca_file=server.ca_file,
            **more,
        )

    return run


def state(xmppctl: Xmppctl) -> Path:
    (found,) = (xmppctl.home / "state" / "logins").glob("*.json")
    return found


def tokens(xmppctl: Xmppctl) -> list[dict[str, Any]]:
    devices = json.loads(state(xmppctl).read_text())["devices"]
    return [token for device in devices for token in device["tokens"]]


def change_tokens(xmppctl: Xmppctl, **fields: str) -> None:
    """Write other values into the state, as time or an accident would."""
    path = state(xmppctl)
    data = json.loads(path.read_text())
    for device in data["devices"]:
        device["tokens"] = [{**each, **fields} for each in device["tokens"]]
    path.write_text(json.dumps(data))


# --- a token in the place of the password -------------------------------------------------------


def test_the_second_login_needs_no_password(
    xmppctl: Xmppctl, run: Run, fay: Account, tls: str
) -> None:
    first = run(fay, tls=tls).expect(0).json()
    assert (first["sasl"], first["mechanism"], first["fast"]) == ("sasl2", "SCRAM-SHA-256", False)
    for _ in range(2):
        again = run(fay, password=False, tls=tls).expect(0).json()
        assert (again["mechanism"], again["fast"], again["guessed"]) == (HT, True, True)
    # another way to the same server: the same token, and nothing is guessed
    other = "direct" if tls == "starttls" else "starttls"
    assert run(fay, password=False, tls=other).expect(0).json()["mechanism"] == HT


def test_where_the_token_is_kept_and_that_it_is_never_shown(
    xmppctl: Xmppctl, run: Run, fay: Account
) -> None:
    shown = ""
    for _ in range(2):
        done = run(fay, "-v", "--debug-xml", *TEST).expect(0)
        shown += done.out + done.err
    path = state(xmppctl)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    (token,) = tokens(xmppctl)
    assert "<authenticate" in shown, "the trace itself is there"
    assert HT in shown
    assert token["token"] not in shown
    assert "request-token" in shown
    assert fay.password not in shown
    others = [each for each in xmppctl.home.rglob("*") if each.is_file() and each != path]
    assert not [each for each in others if token["token"] in each.read_text(errors="replace")]


def test_a_state_file_that_others_can_read_is_refused(
    xmppctl: Xmppctl, run: Run, fay: Account
) -> None:
    run(fay).expect(0)
    state(xmppctl).chmod(0o644)
    error = failure(run(fay, "ping", "--json"), Exit.LOCAL)
    assert "chmod" in f"{error['text']} {error['hint']}"


# --- a token that is of no use ------------------------------------------------------------------


def test_a_token_that_expired_here(xmppctl: Xmppctl, run: Run, fay: Account) -> None:
    run(fay).expect(0)
    change_tokens(xmppctl, expiry="2020-01-01T00:00:00Z")
    failure(run(fay, "ping", "--json", password=False), Exit.USAGE, "secret")
    assert run(fay).expect(0).json()["fast"] is False
    assert run(fay, password=False).expect(0).json()["fast"] is True


def test_a_token_that_expired_at_the_server(
    xmppctl: Xmppctl, run: Run, fay: Account, prosody: Prosody, tls: str
) -> None:
    run(fay, tls=tls).expect(0)
    (before,) = tokens(xmppctl)
    prosody.expire_tokens(fay)
    done = run(fay, "-v", *TEST, tls=tls).expect(0)
    assert done.json()["mechanism"] == "SCRAM-SHA-256"
    assert "the token was refused (credentials-expired)" in done.err
    assert before not in tokens(xmppctl)
    assert run(fay, password=False, tls=tls).expect(0).json()["mechanism"] == HT


def test_a_refused_token_and_no_password(
    xmppctl: Xmppctl, run: Run, fay: Account, prosody: Prosody
) -> None:
    run(fay).expect(0)
    prosody.expire_tokens(fay)
    failure(run(fay, "ping", "--json", password=False), Exit.USAGE, "secret")
    assert tokens(xmppctl) == []


def test_a_token_that_is_not_the_servers(
    xmppctl: Xmppctl, run: Run, fay: Account, tls: str
) -> None:
    run(fay, tls=tls).expect(0)
    change_tokens(xmppctl, token="secret-token:fast-0000000000000000")
    assert run(fay, tls=tls).expect(0).json()["mechanism"] == "SCRAM-SHA-256"
    assert run(fay, password=False, tls=tls).expect(0).json()["mechanism"] == HT


def test_a_refused_token_and_a_wrong_password(xmppctl: Xmppctl, run: Run, fay: Account) -> None:
    run(fay).expect(0)
    change_tokens(xmppctl, token="secret-token:fast-0000000000000000")
    done = xmppctl("ping", "--json", account=fay, password="not this one")
    error = failure(done, Exit.AUTH, "auth", "not-authorized")
    assert "SCRAM-SHA-256" in error["text"]


def test_a_token_outlives_the_password(run: Run, fay: Account, prosody: Prosody) -> None:
    """The server decides: Prosody lets devices stay that logged in before."""
    run(fay).expect(0)
    prosody.create_user(fay.local, "another-password", fay.domain)
    assert run(fay).expect(0).json()["mechanism"] == HT
    run(fay, "account", "tokens", "forget", "--json", password=False).expect(0)
    failure(run(fay, "ping", "--json"), Exit.AUTH, "auth", "not-authorized")


def test_tokens_that_live_two_seconds(xmppctl: Xmppctl, run: Run, prosody: Prosody) -> None:
    account = prosody.account("fay", prosody.hosts["sasl2_short"])
    run(account).expect(0)
    (token,) = tokens(xmppctl)
    assert token["expiry"]
    time.sleep(2.1)  # it is time that ends them, and nothing tells when it does
    assert run(account).expect(0).json()["mechanism"] == "SCRAM-SHA-256"
    assert token not in tokens(xmppctl)


def test_tokens_that_change_with_every_login(xmppctl: Xmppctl, run: Run, prosody: Prosody) -> None:
    account = prosody.account("fay", prosody.hosts["sasl2_rotating"])
    run(account).expect(0)
    seen = [tokens(xmppctl)[0]["token"]]
    for _ in range(4):
        assert run(account, password=False).expect(0).json()["mechanism"] == HT
        seen.append(tokens(xmppctl)[0]["token"])
    assert len(set(seen)) == 5


@pytest.mark.sampled
@pytest.mark.parametrize("host", ["sasl2", "sasl2_rotating"])
@pytest.mark.parametrize("number", [2, 10])
def test_runs_at_once(xmppctl: Xmppctl, run: Run, prosody: Prosody, host: str, number: int) -> None:
    """None is refused, none throws another off its stream, and a token is left behind."""
    account = prosody.account("fay", prosody.hosts[host])
    run(account).expect(0)
    args = ("ping", "-c", "3", "-i", "300ms", "-o", "jsonl")
    runs = [xmppctl.start(*args, account=account) for _ in range(number)]
    for each in runs:
        each.wait_line('"seq":1', timeout=60)
    for each in runs:
        done = xmppctl.finish(each, timeout=60).expect(0)
        assert [pong["ok"] for pong in done.jsonl()] == [True] * 3
    assert run(account, password=False).expect(0).json()["fast"] is True


def test_first_runs_at_once(xmppctl: Xmppctl, run: Run, fay: Account) -> None:
    runs = [xmppctl.start("ping", "--json", account=fay) for _ in range(4)]
    for each in runs:
        xmppctl.finish(each, timeout=60).expect(0)
    assert run(fay, password=False).expect(0).json()["fast"] is True


def test_no_state_no_token(xmppctl: Xmppctl, run: Run, fay: Account) -> None:
    """A token that could not be kept is not asked for."""
    (xmppctl.home / "state").write_text("in the way")
    for _ in range(2):
        done = run(fay, "--debug-xml", *TEST).expect(0)
        assert done.json()["sasl"] == "sasl2"
        assert "request-token" not in done.err


# --- SASL1 and SASL2 ----------------------------------------------------------------------------


def test_sasl1_where_both_are_offered(xmppctl: Xmppctl, run: Run, fay: Account) -> None:
    for guessed in (False, True):
        found = run(fay, "--sasl", "sasl1", *TEST).expect(0).json()
        assert (found["sasl"], found["fast"], found["guessed"]) == ("sasl1", False, guessed)
    assert not list((xmppctl.home / "state").rglob("*token*"))
    assert run(fay).expect(0).json()["sasl"] == "sasl2"
    # a token is no way round the choice
    assert run(fay, "--sasl", "sasl1", *TEST).expect(0).json()["sasl"] == "sasl1"


def test_sasl2_where_there_is_none(run: Run, prosody: Prosody) -> None:
    error = failure(
        run(prosody.account("old"), "--sasl", "sasl2", "ping", "--json"),
        Exit.AUTH,
        "auth",
        "no-acceptable-mechanism",
    )
    assert "SASL2" in error["text"]
    assert "--sasl" in error["hint"]


def test_a_resource_by_name(run: Run, fay: Account) -> None:
    for _ in range(3):
        found = run(fay, "--resource", "mine", *TEST).expect(0).json()
        assert found["jid"] == f"{fay.jid}/mine"
        assert found["sasl"] == "sasl2"


def test_a_mechanism_by_name_uses_no_token(run: Run, fay: Account) -> None:
    run(fay).expect(0)
    for _ in range(2):
        found = run(fay, "--sasl-mechanism", "SCRAM-SHA-1", *TEST).expect(0).json()
        assert (found["mechanism"], found["fast"]) == ("SCRAM-SHA-1", False)


@pytest.mark.parametrize("kept", [True, False], ids=["with state", "without state"])
def test_messages_that_wait_stay(
    xmppctl: Xmppctl, run: Run, prosody: Prosody, fay: Account, kept: bool
) -> None:
    """Bind 2 takes them away where it may (XEP-0386 §3.2): a run that asks for none must not."""
    if not kept:
        (xmppctl.home / "state").write_text("in the way")
    with RawClient.login_as(prosody.account("bob")) as bob:
        bob.message(fay.jid, "for later")
        bob.iq("<ping xmlns='urn:xmpp:ping'/>", to=fay.jid)
    for _ in range(4):
        run(fay, "ping", "--json").expect(0)
    with RawClient.login_as(fay) as client:
        client.send("<presence/>")
        assert client.wait_message().findtext("{jabber:client}body") == "for later"


# --- a server that is told what to do -----------------------------------------------------------


class Sasl2Server(Scripted):
    """A ``Scripted`` server with SASL2 and FAST: ``proof`` is its last word to a token's login."""

    def __init__(self, authority: Authority) -> None:
        super().__init__(authority, "SCRAM-SHA-256")
        self.login = self.by_sasl2
        self.bind = self.bound_behind_sasl2
        self.proof = b"no proof at all"

    async def by_sasl2(self, conn: FakeConnection, visit: Visit) -> None:
        await self.header(conn, visit)
        conn.send_header()
        offered = "".join(f"<mechanism>{each}</mechanism>" for each in self.mechanisms)
        conn.send(
            f"<stream:features><authentication xmlns='{SASL2}'>{offered}<inline>"
            f"<fast xmlns='{FAST}'><mechanism>{HT}</mechanism></fast>"
            "</inline></authentication></stream:features>"
        )
        request = await conn.expect(f"{{{SASL2}}}authenticate")
        name = request.get("mechanism", "")
        visit.mechanisms.append(name)
        first = request.find(f"{{{SASL2}}}initial-response")
        assert first is not None
        token = ""
        if name == HT:
            final: bytes | None = self.proof
        else:
            scram = ScramServer(name, self.password)
            challenge = encoded(scram.challenge(decoded(first)))
            conn.send(f"<challenge xmlns='{SASL2}'>{challenge}</challenge>")
            final = scram.final(decoded(await conn.expect(f"{{{SASL2}}}response")))
            token = f"<token xmlns='{FAST}' token='s3cret' expiry='2999-01-01T00:00:00Z'/>"
        assert final is not None
        conn.username = "alice"
        data = f"<additional-data>{encoded(final)}</additional-data>" if final else ""
        conn.send(
            f"<success xmlns='{SASL2}'>{data}"
            f"<authorization-identifier>{JID}</authorization-identifier>{token}</success>"
        )

    async def bound_behind_sasl2(self, conn: FakeConnection, visit: Visit) -> None:
        conn.send(f"<stream:features><bind xmlns='{BIND}'/></stream:features>")
        request = await conn.recv()
        visit.stanzas.append(request)
        visit.resource = request.findtext(f".//{{{BIND}}}resource") or ""
        conn.jid = f"{JID}/{visit.resource}"
        conn.result(request, f"<bind xmlns='{BIND}'><jid>{conn.jid}</jid></bind>")


@pytest.mark.parametrize("proof", [b"", b"x" * 32], ids=["none", "wrong"])
def test_a_server_that_does_not_know_the_token(
    xmppctl: Xmppctl, authority: Authority, proof: bytes
) -> None:
    """Whoever answers accepts a token that he never gave: nothing is told to him."""
    with Sasl2Server(authority) as fake:
        fake.run(xmppctl).expect(0)
        fake.visits.clear()
        fake.proof = proof
        done = fake.run(xmppctl, "send", "bob@fake.test", "hi", "--json")
        failure(done, Exit.AUTH, "auth", "server-not-authentic")
        assert "s3cret" not in done.out + done.err
        assert [visit.early for visit in fake.visits] == [HT]
        assert fake.messages == []
        assert fake.visits[0].stanzas == []


def test_nothing_comes_between_authenticate_and_its_outcome(
    xmppctl: Xmppctl, authority: Authority
) -> None:
    """XEP-0388 §2.4 forbids it."""
    with Sasl2Server(authority) as fake:

        async def login(conn: FakeConnection, visit: Visit) -> None:
            await fake.header(conn, visit)
            assert len(conn.waiting) <= 1
            conn.send_header()
            conn.send("<stream:features/>")
            raise StreamClosed("enough")

        fake.run(xmppctl).expect(0)
        fake.visits.clear()
        fake.login = login
        failure(fake.run(xmppctl), Exit.AUTH)
        assert fake.visits[0].early == HT


def test_another_device_is_another_resource(xmppctl: Xmppctl, run: Run, fay: Account) -> None:
    """A run leaves the account's other clients alone."""
    with Sasl2Client(fay) as other:
        other.open()
        other.scram()
        other.recv()
        other.bind("here")
        for _ in range(3):
            run(fay, "ping").expect(0)
        assert other.iq("<ping xmlns='urn:xmpp:ping'/>").get("type") == "result"
