"""What becomes of tokens when the password changes or the account ends (XEP-0077, XEP-0484)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.peers.rawxml import RawClient
from tests.servers.fake import FakeServer
from xmppctl.config import logins
from xmppctl.config.memory import FileMemory
from xmppctl.model.memory import Token

NEXT = "next-PASSWORD-9"
SECRET = "secret-token:s3cret"


@pytest.fixture
def fay(prosody):
    """An account where FAST is offered."""
    return prosody.account("fay", prosody.hosts["sasl2"])


@pytest.fixture
def state(tmp_path):
    """Directories that outlast a run."""
    return {f"XMPPCTL_{kind}_DIR": str(tmp_path / kind) for kind in ("STATE", "CACHE")}


def keep(jid, env):
    """A token of one more device."""
    memory = FileMemory(jid, (), env, state=True)
    device = memory.device()
    assert memory.keep_token(Token("HT-SHA-256-NONE", SECRET, None, device, "2026-01-01T00:00:00Z"))
    return memory


def test_a_new_password_ends_all_tokens_and_proves_itself(xmppctl, fay, state):
    xmppctl("ping", account=fay, env=state).expect(0)
    [old] = logins.read(fay.jid, state).tokens
    other = FileMemory(fay.jid, (), state, state=True)
    assert other.device() == old.device
    more = keep(fay.jid, state)
    other.close()
    run = xmppctl(
        *("-v", "register", "passwd"), account=fay, env={**state, "XMPPCTL_NEW_PASSWORD": NEXT}
    ).expect(0)
    left = logins.read(fay.jid, state)
    # the token got by the new password is the only one
    [new] = left.tokens
    assert new.token not in (old.token, SECRET)
    assert [each.id for each in left.devices] == [old.device, more.device()]
    assert left.strongest == "SCRAM-SHA-256"
    assert run.err.index("HT-SHA-256-NONE") < run.err.index("SCRAM-SHA-256")
    with pytest.raises(PermissionError):
        RawClient.login_as(fay)
    changed = replace(fay, password=NEXT)
    RawClient.login_as(changed).close()
    found = xmppctl("account", "test", "--json", account=changed, env=state).expect(0).json()
    assert found["fast"] is True


def test_a_password_that_is_refused_leaves_the_tokens(xmppctl, authority, state):
    async def script(conn):
        await conn.login()
        conn.error(await conn.recv(), "not-allowed")
        await conn.until_closed()

    keep("new@fake.test", state)
    before = logins.read("new@fake.test", state).devices
    with FakeServer("fake.test", authority.issue("fake.test"), script) as server:
        xmppctl(
            *("register", "passwd"),
            jid="new@fake.test",
            password="old",
            connect=server.address,
            ca_file=authority.ca_file,
            env={**state, "XMPPCTL_NEW_PASSWORD": NEXT},
        ).expect(6)
    assert logins.read("new@fake.test", state).devices == before


def kept(jid, state):
    """The files that still say something of the JID."""
    paths = [path for kind in state.values() for path in Path(kind).rglob("*") if path.is_file()]
    return [path for path in paths if jid in path.read_text()]


def test_an_account_that_is_gone_leaves_nothing(xmppctl, prosody, fay, state):
    other = prosody.account("other", prosody.hosts["sasl2"])
    for account in (fay, other):
        xmppctl("roster", "list", account=account, env=state).expect(0)
    assert kept(fay.jid, state)
    before = kept(other.jid, state)
    xmppctl("register", "cancel", "--yes", account=fay, env=state).expect(0)
    assert kept(fay.jid, state) == []
    assert kept(other.jid, state) == before
    with pytest.raises(PermissionError):
        RawClient.login_as(fay)


def test_what_cannot_be_removed_is_told(xmppctl, fay, state):
    xmppctl("ping", account=fay, env=state).expect(0)
    path = logins.file(fay.jid, state)
    path.with_name(f"{path.name}.lock").unlink()
    path.with_name(f"{path.name}.lock").mkdir()
    run = xmppctl("--json", "register", "cancel", "--yes", account=fay, env=state).expect(0)
    assert run.json()["registered"] is False
    assert f"cannot lock {path}" in run.err


def test_the_end_of_a_registration_with_a_service_leaves_the_tokens(xmppctl, ejabberd, state):
    alice = ejabberd.account("alice")
    keep(alice.jid, state)
    before = logins.read(alice.jid, state).devices
    rooms = ejabberd.conference
    nick = f"roomnick={alice.local}"
    xmppctl("register", "service", rooms, "--field", nick, account=alice, env=state).expect(0)
    xmppctl("register", "cancel", rooms, "--yes", account=alice, env=state).expect(0)
    assert logins.read(alice.jid, state).devices == before
