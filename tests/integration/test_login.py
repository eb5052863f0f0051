"""Who may log in, with which mechanism, and what is never told: passwords."""

from __future__ import annotations

import base64

import pytest

from tests.integration.failing import (
    BINDING,
    JID,
    PASSWORD,
    PING,
    PLAIN,
    failure,
    secured,
    tag,
)
from tests.peers.process import Result, Xmppctl
from tests.peers.stream import SASL
from tests.servers.base import Account, Server
from tests.servers.ca import Authority
from tests.servers.fake import FakeConnection, FakeServer
from xmppctl.errors import Exit

SESSION = "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'>{}</session>"


def ask_fake(xmppctl: Xmppctl, fake: FakeServer, *args: str, authority: Authority) -> Result:
    return xmppctl(
        *(args or ("ping", "--json")),
        jid=JID,
        password=PASSWORD,
        connect=fake.address,
        ca_file=authority.ca_file,
    )


def mechanism(run: Result) -> str:
    return str(run.expect(0).json()["mechanism"])


# --- refused ------------------------------------------------------------------------------------


def test_wrong_password(xmppctl: Xmppctl, server: Server, alice: Account) -> None:
    run = xmppctl("ping", "--json", account=alice, password="not this one")
    error = failure(run, Exit.AUTH, "auth", "not-authorized")
    assert "password" in error["hint"]
    assert "not this one" not in run.err
    text = xmppctl("ping", account=alice, password="not this one").expect(4)
    assert 1 <= len(text.err.splitlines()) <= 3
    assert "not-authorized" in text.err


def test_unknown_user(xmppctl: Xmppctl, server: Server) -> None:
    run = xmppctl(
        "ping",
        "--json",
        jid=f"nobody-at-all@{server.domain}",
        password=PASSWORD,
        server=server,
    )
    failure(run, Exit.AUTH, "auth", "not-authorized")


# inside TLS from the first byte, the certificate tells it before
@pytest.mark.own_connection
def test_unknown_domain_at_a_live_server(xmppctl: Xmppctl, server: Server) -> None:
    run = xmppctl(
        "ping",
        "--json",
        jid="alice@not-served.example",
        password=PASSWORD,
        server=server,
    )
    error = failure(run, Exit.CONNECT, condition="host-unknown")
    assert "domain" in error["text"]


def test_anonymous_where_there_is_none(xmppctl: Xmppctl, server: Server) -> None:
    run = xmppctl(
        *("--anonymous", "ping", "--json"),
        jid=server.domain,
        server=server,
    )
    failure(run, Exit.AUTH, "auth", "no-acceptable-mechanism")


@pytest.mark.parametrize(
    "condition", ["account-disabled", "credentials-expired", "temporary-auth-failure"]
)
def test_the_reason_of_the_server_is_told(
    xmppctl: Xmppctl, authority: Authority, condition: str
) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.starttls()
        await conn.authenticate(failure=condition)
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = ask_fake(xmppctl, fake, authority=authority)
    failure(run, Exit.AUTH, "auth", condition)


@pytest.mark.parametrize("offer", [(), ("X-UNKNOWN", "GSSAPI"), ("ANONYMOUS", "EXTERNAL")])
def test_no_acceptable_mechanism(
    xmppctl: Xmppctl, authority: Authority, offer: tuple[str, ...]
) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.starttls()
        listed = "".join(f"<mechanism>{name}</mechanism>" for name in offer)
        await conn.stream_features(f"<mechanisms xmlns='{SASL}'>{listed}</mechanisms>")
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = ask_fake(xmppctl, fake, authority=authority)
        assert not [each for each in fake.received if each.tag == f"{{{SASL}}}auth"]
    error = failure(run, Exit.AUTH, "auth", "no-acceptable-mechanism")
    assert all(name in error["text"] for name in offer)


def test_no_features_for_a_login_at_all(xmppctl: Xmppctl, authority: Authority) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.starttls()
        await conn.stream_features("")
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = ask_fake(xmppctl, fake, authority=authority)
    failure(run, Exit.AUTH, "auth", "no-acceptable-mechanism")


def test_an_impostor_that_accepts_any_proof(xmppctl: Xmppctl, authority: Authority) -> None:
    """SCRAM is mutual: success without the server's signature is no success."""

    async def script(conn: FakeConnection) -> None:
        await conn.starttls()
        await conn.authenticate(("SCRAM-SHA-1",))
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = ask_fake(xmppctl, fake, authority=authority)
    failure(run, Exit.AUTH, "auth", "server-not-authentic")


@pytest.mark.parametrize("challenge", ["!!!", "bm8gc2NyYW0=", "", "="])
def test_hostile_challenges(xmppctl: Xmppctl, authority: Authority, challenge: str) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.starttls()
        await conn.stream_features(
            f"<mechanisms xmlns='{SASL}'><mechanism>SCRAM-SHA-256</mechanism></mechanisms>"
        )
        await conn.expect(f"{{{SASL}}}auth")
        conn.send(f"<challenge xmlns='{SASL}'>{challenge}</challenge>")
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = ask_fake(xmppctl, fake, authority=authority)
    failure(run, Exit.AUTH, "auth")


# --- mechanisms ---------------------------------------------------------------------------------


def test_scram_where_it_is_offered(xmppctl: Xmppctl, server: Server, alice: Account) -> None:
    assert mechanism(xmppctl("account", "test", "--json", account=alice)).startswith("SCRAM-SHA-")


def test_plain_where_there_is_nothing_better(xmppctl: Xmppctl, server: Server) -> None:
    account = server.account("alice", server.hosts["plain"])
    assert mechanism(xmppctl("account", "test", "--json", account=account)) == "PLAIN"


def test_plain_never_follows_a_refused_scram(xmppctl: Xmppctl, authority: Authority) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.starttls()
        await conn.authenticate(("PLAIN", "SCRAM-SHA-1"), failure="not-authorized")
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = ask_fake(xmppctl, fake, authority=authority)
        asked = [each.get("mechanism") for each in fake.received if each.tag == f"{{{SASL}}}auth"]
    failure(run, Exit.AUTH, "auth", "not-authorized")
    assert asked == ["SCRAM-SHA-1"]


def test_a_mechanism_that_is_not_offered(xmppctl: Xmppctl, server: Server, alice: Account) -> None:
    run = xmppctl("--sasl-mechanism", "EXTERNAL", "ping", "--json", account=alice)
    failure(run, Exit.AUTH, "auth", "invalid-mechanism")


def test_anonymous(xmppctl: Xmppctl, server: Server) -> None:
    domain = server.hosts["anon"]
    run = xmppctl(
        *("--anonymous", "account", "test", "--json"),
        jid=domain,
        server=server,
    )
    assert mechanism(run) == "ANONYMOUS"
    assert run.json()["jid"].partition("/")[0].endswith(f"@{domain}")


# --- features -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("inside", "expected"), [("", 1), ("<optional/>", 0)])
def test_the_session_of_old_servers(
    xmppctl: Xmppctl, authority: Authority, inside: str, expected: int
) -> None:
    """RFC 3921's session is asked for where a server insists on it, and only there."""
    asked = []

    async def script(conn: FakeConnection) -> None:
        await conn.login(SESSION.format(inside))
        while True:
            request = await conn.expect(tag("iq"))
            if request.find(PING) is None:
                asked.append(request[0].tag)
            conn.result(request)

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        ask_fake(xmppctl, fake, authority=authority).expect(0)
    assert asked == ["{urn:ietf:params:xml:ns:xmpp-session}session"] * expected


def test_features_that_come_twice(xmppctl: Xmppctl, authority: Authority) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.starttls()
        await conn.stream_features(PLAIN + PLAIN)
        await conn.expect(f"{{{SASL}}}auth")
        conn.send(f"<success xmlns='{SASL}'/>")
        await conn.stream_features(BINDING + BINDING)
        conn.result(
            await conn.expect(tag("iq")), f"{BINDING[:-2]}><jid>alice@fake.test/x</jid></bind>"
        )
        conn.result(await conn.request(PING))
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        ask_fake(xmppctl, fake, authority=authority).expect(0)


@pytest.mark.parametrize("answer", ["", "<jid/>", "<jid>@@</jid>"])
def test_a_bound_address_that_is_none(xmppctl: Xmppctl, authority: Authority, answer: str) -> None:
    async def script(conn: FakeConnection) -> None:
        await conn.starttls()
        await conn.authenticate()
        await conn.stream_features(BINDING)
        conn.result(await conn.expect(tag("iq")), f"{BINDING[:-2]}>{answer}</bind>")
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = ask_fake(xmppctl, fake, authority=authority)
    failure(run, Exit.CONNECT, "bind", "malformed-answer")


def test_a_refused_resource(xmppctl: Xmppctl, authority: Authority) -> None:
    async def script(conn: FakeConnection) -> None:
        await secured(conn)
        await conn.authenticate()
        await conn.stream_features(BINDING)
        conn.error(await conn.expect(tag("iq")), "resource-constraint", "wait")
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as fake:
        run = ask_fake(xmppctl, fake, authority=authority)
    failure(run, Exit.CONNECT, "bind", "resource-constraint")


def test_runs_at_the_same_time_leave_each_other_alone(
    xmppctl: Xmppctl, server: Server, alice: Account
) -> None:
    runs = [
        xmppctl.start("ping", "-c", "4", "-i", "300ms", "-o", "jsonl", account=alice)
        for _ in range(2)
    ]
    for run in runs:  # both have a session now
        run.wait_line('"seq":1')
    results = [xmppctl.finish(run).expect(0) for run in runs]
    assert all([pong["ok"] for pong in result.jsonl()] == [True] * 4 for result in results)


# --- secrets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [None, "plain"], ids=["SCRAM", "PLAIN"])
def test_no_secret_is_ever_shown(xmppctl: Xmppctl, server: Server, host: str | None) -> None:
    account = server.account("alice", server.hosts[host] if host else None)
    run = xmppctl("-v", "--debug-xml", "account", "test", "--json", account=account).expect(0)
    shown = run.out + run.err
    assert "<auth " in shown, "the trace itself is there"
    assert "<success" in shown
    plain = base64.b64encode(f"\0{account.local}\0{account.password}".encode()).decode()
    first = base64.b64encode(f"n,,n={account.local}".encode()).decode().rstrip("=")[:-1]
    for secret in (account.password, plain, plain[8:-4], first):
        assert secret not in shown
    for line in shown.splitlines():
        if any(name in line for name in ("<auth ", "<response ", "<challenge ")):
            assert "[redacted]" in line


def test_missing_credentials(xmppctl: Xmppctl, authority: Authority) -> None:
    with FakeServer("fake.test", authority.issue("fake.test"), secured) as fake:
        run = xmppctl("ping", "--json", jid=JID, connect=fake.address, ca_file=authority.ca_file)
        assert fake.connections == 0
    error = failure(run, Exit.USAGE, "secret", "no-password")
    assert "--password-command" in error["hint"]
