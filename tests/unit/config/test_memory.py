"""What runs leave for later ones: guesses about servers, and the state of logins."""

import errno
import fcntl
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xmppctl.config import logins, memory, paths
from xmppctl.config.memory import FileMemory
from xmppctl.errors import LocalError
from xmppctl.model.memory import Known, Memory, Token

JID = "alice@x.test"
WAY = ("localhost:5222", "", "auto", "auto")
ORDER = ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")
KNOWN = Known(
    mechanisms=("SCRAM-SHA-1", "PLAIN"),
    sasl2=("SCRAM-SHA-256",),
    fast=("HT-SHA-256-NONE",),
    inline=("urn:xmpp:sm:3",),
    bindings=("tls-exporter",),
    features="<stream:features/>é",
    place=("xmpp.x.test", "::1", 5222, True),
)


@pytest.fixture
def env(tmp_path):
    return {f"XMPPCTL_{kind}_DIR": str(tmp_path / kind.lower()) for kind in ("STATE", "CACHE")}


@pytest.fixture
def at_once(env):
    """The memory of one more run at the same time."""

    def at_once(jid=JID, way=WAY, *, state=True) -> Memory:
        return FileMemory(jid, way, env, state=state)

    return at_once


@pytest.fixture
def make(at_once):
    """The memory of the next run: the one before it has ended, and holds no device any more."""
    last = []

    def make(*args, **kwargs) -> Memory:
        for each in last:
            each.close()
        last[:] = [at_once(*args, **kwargs)]
        return last[0]

    return make


def ends(seconds):
    """The moment ``seconds`` from now as a server writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def token(memory, text="T", seconds=3600.0):
    return Token("HT-SHA-256-NONE", text, ends(seconds), memory.device(), ends(0))


def cached(env):
    return list((Path(env["XMPPCTL_CACHE_DIR"]) / "servers").iterdir())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


# --- the guess ----------------------------------------------------------------------------------


def test_what_was_learned_is_known(make, env):
    assert make().known() is None
    before = time.time()
    make().learn(KNOWN)
    found = make().known()
    assert before <= found.seen <= time.time()
    assert found._replace(seen=0.0) == KNOWN
    make().learn(Known())
    assert make().known()._replace(seen=0.0) == Known()
    [path] = cached(env)
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    make().forget()
    assert make().known() is None
    make().forget()


def test_a_run_reads_its_guess_once(make, env):
    make().learn(KNOWN)
    memory = make()
    known = memory.known()
    cached(env)[0].unlink()
    assert memory.known() == known
    memory.learn(KNOWN._replace(fast=()))
    assert memory.known().fast == ()
    memory.forget()
    assert memory.known() is None


def test_each_jid_and_each_way_has_its_own_guess(make):
    make().learn(KNOWN)
    assert make("bob@x.test").known() is None
    for place in range(4):
        other = [*WAY]
        other[place] = "other"
        assert make(way=other).known() is None
    # texts do not run into each other
    make(way=("a", "b")).learn(KNOWN)
    assert make(way=("ab", "")).known() is None


def test_a_code_of_the_way_that_is_the_same_by_chance_is_noticed(make, monkeypatch):
    monkeypatch.setattr("binascii.crc32", lambda data: 1)
    make().learn(KNOWN)
    assert make(way=("other",)).known() is None
    assert make().known() is not None


def test_nothing_is_written_where_nothing_changed(make, env, monkeypatch):
    make().learn(KNOWN)
    [path] = cached(env)
    first = path.stat()
    make().learn(KNOWN._replace(seen=5.0))
    assert path.stat().st_ino == first.st_ino
    make().learn(KNOWN._replace(fast=()))
    assert path.stat().st_ino != first.st_ino
    second = path.stat()
    now = time.time()
    # hours later; a clock that was set back
    for moment, written in ((now + 3601, False), (now + 3700, True), (now - 90000, True)):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        make().learn(KNOWN._replace(fast=()))
        assert (path.stat().st_ino != second.st_ino) is written
        second = path.stat()


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"jid": "eve@x.test"},
        {"way": []},
        {"known": None},
        {"known": {}},
        *(
            {"known": KNOWN._asdict() | bad}
            for bad in (
                {"mechanisms": "PLAIN"},
                {"sasl2": [1]},
                {"place": ["h", "a", "5222", True]},
                {"place": ["h", "a", 0, True]},
                {"place": ["h"]},
                {"features": None},
                {"seen": "x"},
                {"bindings": 5},
            )
        ),
    ],
    ids=str,
)
def test_an_odd_guess_is_not_there(make, env, change):
    make().learn(KNOWN)
    [path] = cached(env)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert make().known() is None
    make().learn(KNOWN)
    assert make().known() is not None


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"[" * 100000])
def test_a_damaged_guess_is_not_there(make, env, data):
    make().learn(KNOWN)
    [path] = cached(env)
    path.write_bytes(data)
    assert make().known() is None


def test_a_cache_that_cannot_be_used_is_no_failure(make, env):
    Path(env["XMPPCTL_CACHE_DIR"]).write_text("a file")
    make().learn(KNOWN)
    assert make().known() is None
    make().forget()


def test_a_jid_longer_than_a_file_name(make):
    longest = f"{'a' * 1023}@x.test"
    make(longest).learn(KNOWN)
    assert make(longest).known() is not None
    assert make(f"{'a' * 1022}@x.test").known() is None
    device = make(longest).device()
    assert make(longest).device() == device
    assert make(f"{'a' * 1022}@x.test").device() != device


def test_a_jid_never_leaves_the_directory(make, env, tmp_path):
    for jid in ("..@x.test", ".a@x.test", "ä/../../x", "\\..\\a@x.test"):
        make(jid).learn(KNOWN)
        make(jid).device()
        assert make(jid).known() is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "state"]
    assert all(path.is_file() for path in cached(env))


# --- the state of a login -----------------------------------------------------------------------


def test_a_device_is_made_once_for_each_account(make, env):
    first = make().device()
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", first
    )
    assert make(way=("elsewhere",)).device() == first
    assert make("bob@x.test").device() != first
    path = logins.file(JID, env)
    assert mode(path) == 0o600
    assert (mode(path.parent), mode(path.parent.parent)) == (0o700, 0o700)
    assert path.name == "alice@x.test.json"


def test_the_stronger_mechanism_is_remembered(make, env):
    assert make().strongest() is None
    for used, kept in [
        ("SCRAM-SHA-1", "SCRAM-SHA-1"),
        ("PLAIN", "SCRAM-SHA-1"),
        ("SCRAM-SHA-512", "SCRAM-SHA-512"),
        ("SCRAM-SHA-256", "SCRAM-SHA-512"),
        ("HT-SHA-256-NONE", "SCRAM-SHA-512"),
    ]:
        make().authenticated(used, ORDER)
        assert make().strongest() == kept
    inode = logins.file(JID, env).stat().st_ino
    make().authenticated("SCRAM-SHA-512", ORDER)
    assert logins.file(JID, env).stat().st_ino == inode
    make().authenticated("PLAIN", ORDER, accepted=True)
    assert make().strongest() == "PLAIN"
    # what this version does not know is not what it measures by
    make().authenticated("SCRAM-SHA-1", ("SCRAM-SHA-1",))
    assert make().strongest() == "SCRAM-SHA-1"


def test_a_token_is_kept_for_its_device_until_it_expires(make, monkeypatch):
    mine = make()
    assert mine.token() is None
    kept = token(mine, "s3cret")
    assert mine.keeps_tokens()
    assert mine.keep_token(kept)
    assert mine.token() == make().token() == kept
    assert "s3cret" not in repr(kept)
    assert make("bob@x.test").token() is None
    assert not mine.keep_token(kept._replace(token="U", device="other"))
    assert make().token() == kept
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3601)
    assert make().token() is None


@pytest.mark.parametrize(
    ("expiry", "usable"),
    [
        (None, True),
        ("soon", True),
        ("2100-01-01T00:00:00Z", True),
        ("2100-01-01T00:00:00.123456Z", True),
        ("2100-01-01T00:00:00+02:00", True),
        ("2020-01-01T00:00:00Z", False),
        ("2020-01-01T00:00:00.5-05:00", False),
        ("2020-01-01T00:00:00", False),
    ],
)
def test_the_times_of_tokens(make, expiry, usable):
    mine = make()
    mine.keep_token(token(mine)._replace(expiry=expiry))
    assert (make().token() is not None) == usable


def test_the_token_before_comes_back_when_the_new_one_is_refused(make):
    mine = make()
    old, new = token(mine, "old", 100), token(mine, "new", 200)
    mine.keep_token(old)
    mine.keep_token(new)
    mine = make()
    assert mine.token() == new
    mine.drop_token(new)
    assert mine.token() == old
    mine = make()
    assert mine.token() == old
    mine.drop_token(old)
    assert mine.token() is None
    assert make().token() is None


def test_the_newer_of_two_tokens_with_one_end_comes_first(make):
    mine = make()
    one = token(mine, "one")
    mine.keep_token(one)
    two = one._replace(token="two")
    mine.keep_token(two)
    assert make().token() == two


def test_no_more_tokens_are_kept_than_can_be_of_use(make, env):
    mine = make()
    for number in range(5):
        mine.keep_token(token(mine, str(number), 100 + number))
    assert [each.token for each in logins.read(JID, env).tokens] == ["4", "3"]
    assert make().token().token == "4"


def test_what_is_written_at_once_does_not_undo_each_other(make, at_once):
    mine, other = at_once(), at_once()
    mine.device(), other.device()
    mine.authenticated("SCRAM-SHA-512", ORDER)
    other.keep_token(token(other))
    assert make().strongest() == "SCRAM-SHA-512"
    other.authenticated("PLAIN", ORDER)
    assert make().strongest() == "SCRAM-SHA-512"
    assert mine.token() is None
    assert other.token() is not None


def test_no_token_is_used_once_the_password_is_another_one(make, at_once, env):
    mine, other = at_once(), at_once()
    for each in (mine, other):
        each.keep_token(token(each, f"s3cret of {each.device()}"))
    mine.authenticated("SCRAM-SHA-512", ORDER)
    devices = [each.id for each in logins.read(JID, env).devices]
    mine.drop_tokens()
    assert mine.token() is None
    assert "s3cret" not in logins.file(JID, env).read_text()
    left = logins.read(JID, env)
    assert ([each.id for each in left.devices], left.strongest) == (devices, "SCRAM-SHA-512")
    # what comes by the new password is kept and used
    new = token(mine, "new")
    assert mine.keep_token(new)
    assert mine.token() == new


def test_an_anonymous_login_has_no_state(make, env):
    mine = make("x.test", state=False)
    mine.learn(KNOWN)
    assert mine.known() is not None
    assert mine.device() is None
    assert not mine.keeps_tokens()
    assert mine.strongest() is None
    mine.authenticated("ANONYMOUS", ("ANONYMOUS",))
    assert not mine.keep_token(Token("HT-SHA-256-NONE", "T", None, "d", ends(0)))
    assert mine.token() is None
    assert not Path(env["XMPPCTL_STATE_DIR"]).exists()


# --- state that cannot be used ------------------------------------------------------------------


@pytest.mark.parametrize("wide", [0o640, 0o604, 0o666])
def test_state_that_is_open_to_others_is_an_error(make, env, wide):
    make().device()
    path = logins.file(JID, env)
    path.chmod(wide)
    for ask in (Memory.strongest, Memory.token, Memory.device):
        with pytest.raises(LocalError) as caught:
            getattr(make(), ask.__name__)()
        assert caught.value.condition == "not-private"
        assert f"chmod 600 {path}" in caught.value.hint
    assert not make().keep_token(Token("HT-SHA-256-NONE", "T", None, "d", ends(0)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"[" * 100000,
        b'{"format": 3, "jid": "alice@x.test", "strongest": null, "devices": []}',
        b'{"format": 2, "jid": "eve@x.test", "strongest": null, "devices": []}',
        b'{"format": 2, "jid": "alice@x.test", "strongest": 5, "devices": []}',
        b'{"format": 2, "jid": "alice@x.test", "strongest": null, "devices": [1]}',
        b'{"format": 2, "jid": "alice@x.test", "strongest": null, "devices": [{"id": ""}]}',
        b'{"format": 2, "jid": "alice@x.test", "strongest": null, "devices": [{"id": "d"}]}',
        b'{"format": 2, "jid": "alice@x.test", "strongest": null}',
        b'{"format": 1, "jid": "alice@x.test"}',
    ],
)
def test_state_that_is_not_understood_is_an_error_and_stays(make, env, data):
    make().device()
    path = logins.file(JID, env)
    path.write_bytes(data)
    with pytest.raises(LocalError, match=re.escape(str(path))) as caught:
        make().strongest()
    assert f"rm {path}" in caught.value.hint
    assert not make().keep_token(Token("HT-SHA-256-NONE", "T", None, "d", ends(0)))
    assert path.read_bytes() == data


def test_of_the_older_format_only_the_strongest_mechanism_is_taken(make, env):
    make().device()
    path = logins.file(JID, env)
    old = {"mechanism": "M", "token": "T", "expiry": None, "device": "d", "issued": "now"}
    data = {"format": 1, "jid": JID, "device": "d", "strongest": "SCRAM-SHA-512", "tokens": [old]}
    path.write_text(json.dumps(data))
    assert make().strongest() == "SCRAM-SHA-512"
    assert make().token() is None
    mine = make()
    assert mine.device() not in (None, "d")
    assert mine.keep_token(token(mine, "new"))
    assert make().strongest() == "SCRAM-SHA-512"
    assert json.loads(path.read_text())["format"] == 2


def unwritable(env):
    """Make the directory of the state one in which nothing can be made, even by root."""
    Path(env["XMPPCTL_STATE_DIR"]).write_text("a file")


def test_without_a_place_for_state_there_is_no_device(make, env):
    unwritable(env)
    mine = make()
    assert mine.device() is None
    assert mine.device() is None
    assert not mine.keeps_tokens()
    mine.authenticated("PLAIN", ORDER)
    assert mine.strongest() is None
    assert not mine.keep_token(Token("HT-SHA-256-NONE", "T", None, "d", ends(0)))
    assert mine.token() is None


def test_tokens_can_be_used_where_they_can_no_longer_be_kept(make, env, monkeypatch):
    mine = make()
    old, new = token(mine, "old", 100), token(mine, "new", 200)
    mine.keep_token(old)
    mine.keep_token(new)

    def read_only(path, data):
        raise LocalError("read-only file system")

    monkeypatch.setattr(paths, "write_private", read_only)
    mine = make()
    assert mine.token() == new
    # refused: this run does not try it again, though it stands in the file still
    mine.drop_token(new)
    assert mine.token() == old
    assert make().token() == new


def test_a_directory_that_is_read_only_keeps_no_tokens(make, monkeypatch):
    assert make().keeps_tokens()
    monkeypatch.setattr(os, "access", lambda path, how: False)
    assert make().device() is not None
    assert not make().keeps_tokens()


def test_a_lock_that_another_run_holds_for_long_only_costs_the_token(make, env, monkeypatch):
    mine = make()
    kept = token(mine)
    monkeypatch.setattr(memory, "_LOCK_SECONDS", 0.05)
    with paths.locked(logins.file(JID, env)):
        assert not mine.keep_token(kept)
        assert mine.token() is None


# --- runs at the same time ----------------------------------------------------------------------

WORKER = """
import os, sys, time
from xmppctl.config.memory import FileMemory
from xmppctl.model.memory import Token
number, rounds = int(sys.argv[1]), int(sys.argv[2])
order = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"]
print("ready", flush=True)
sys.stdin.readline()
for turn in range(rounds) if rounds else iter(int, 1):
    memory = FileMemory("alice@x.test", ("w",), state=True)
    device = memory.device()
    assert device is not None
    assert memory.keep_token(Token("M", f"{number}-{turn}", None, device, "now"))
    memory.authenticated(order[number], order)
    found = memory.token()
    assert found is not None
    if turn % 3 == 0:
        memory.drop_token(found)
print(device, flush=True)
"""


def files(env):
    return sorted(path.name for path in logins.file(JID, env).parent.iterdir())


def expected(devices):
    """The file, and its locks."""
    names = [f"alice@x.test.json.{place}.lock" for place in range(devices)]
    return sorted(["alice@x.test.json", "alice@x.test.json.lock", *names])


def start(env, number, rounds):
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(number), str(rounds)],
        env={**os.environ, **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_runs_at_once_lose_nothing_of_each_other(make, env):
    workers = [start(env, number, 10) for number in range(6)]
    for each in workers:
        assert each.stdout.readline() == "ready\n"
    for each in workers:
        each.stdin.write("go\n")
        each.stdin.flush()
    told = [each.communicate(timeout=60)[0] for each in workers]
    assert [each.returncode for each in workers] == [0] * 6
    # a device was made for no more than run at once, and the strongest mechanism has stayed
    devices = [each.id for each in logins.read(JID, env).devices]
    assert {each.strip() for each in told} <= set(devices)
    assert len(devices) <= 6
    assert make().strongest() == "F"
    assert files(env) == expected(len(devices))


def test_a_run_that_is_killed_leaves_no_half_file_and_no_lock(make, env):
    make().device()
    path = logins.file(JID, env)
    for _ in range(8):
        make()  # the one before does not hold the device any more
        worker = start(env, 3, 0)
        assert worker.stdout.readline() == "ready\n"
        worker.stdin.write("go\n")
        worker.stdin.flush()
        before = path.stat().st_mtime_ns
        while path.stat().st_mtime_ns == before:
            assert worker.poll() is None
        worker.send_signal(signal.SIGKILL)
        worker.wait(30)
        worker.communicate()
        assert logins.read(JID, env).strongest in ("D", None)
        mine = make()
        assert mine.keep_token(token(mine))
    # what was written of a file that never took its place is gone with the next change
    stray = path.with_name(f".{path.name}.1.abcd")
    stray.write_text("secret")
    mine = make()
    mine.keep_token(token(mine, "U"))
    assert files(env) == expected(1)


# --- devices ------------------------------------------------------------------------------------


def test_runs_at_once_are_different_devices_with_their_own_tokens(at_once, env):
    runs = [at_once() for _ in range(3)]
    kept = [token(each, f"T{number}") for number, each in enumerate(runs)]
    devices = [each.device for each in kept]
    assert len({*devices}) == 3
    assert all(each.keep_token(own) for each, own in zip(runs, kept, strict=True))
    assert [each.token() for each in runs] == kept
    assert logins.read(JID, env).tokens == tuple(kept)
    # what one gives back is what the next one gets; another way is the same account
    runs[1].close()
    assert runs[1].token() is runs[1].device() is None
    later = at_once(way=("elsewhere",))
    assert later.token() == kept[1]
    assert at_once("bob@x.test").device() not in devices
    del runs[0]
    assert at_once().token() == kept[0]


def test_a_device_with_a_token_comes_before_one_without(at_once, env):
    first, second, third = (at_once() for _ in range(3))
    first.keep_token(token(first, seconds=0.0))
    second.device()
    kept = token(third)
    third.keep_token(kept)
    for each in (first, second, third):
        each.close()
    runs = [at_once() for _ in range(4)]
    assert runs[0].token() == kept
    places = [each.id for each in logins.read(JID, env).devices]
    assert [each.device() for each in runs[1:3]] == places[:2]
    assert runs[3].device() not in places


def test_beyond_the_limit_a_run_goes_without(at_once, env):
    runs = [at_once() for _ in range(logins.DEVICES)]
    assert len({each.device() for each in runs}) == logins.DEVICES
    kept = token(runs[4])
    runs[4].keep_token(kept)
    one_more = at_once()
    # the token is there, but it is another run's
    assert one_more.token() is one_more.device() is None
    assert not one_more.keeps_tokens()
    one_more.authenticated("SCRAM-SHA-512", ORDER)
    assert one_more.strongest() == "SCRAM-SHA-512"
    runs[4].close()
    # it was asked for once, and a run does not change what it is
    assert one_more.device() is None
    assert at_once().token() == kept
    assert len(logins.read(JID, env).devices) == logins.DEVICES


def test_what_another_run_left_is_seen_by_who_takes_its_device(at_once):
    mine = at_once()
    old, new = token(mine, "old", 100), token(mine, "new", 200)
    mine.keep_token(old)
    mine.close()
    slow = at_once()
    assert slow.strongest() is None  # the file has been read
    fast = at_once()
    assert fast.device() == new.device
    fast.keep_token(new)
    fast.close()
    assert slow.token() == new


def test_a_device_is_taken_only_when_it_is_of_use(make, env):
    mine = make()
    assert mine.token() is mine.strongest() is None
    mine.authenticated("SCRAM-SHA-512", ORDER)
    assert files(env) == expected(0)
    assert mine.token() is None
    assert files(env) == expected(0)
    mine.device()
    assert files(env) == expected(1)
    lock = logins.file(JID, env).with_name("alice@x.test.json.0.lock")
    assert mode(lock) == 0o600


def test_what_a_run_starts_does_not_hold_its_device(make, at_once):
    mine = make()
    device = mine.device()
    child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        mine.close()
        assert at_once().device() == device
    finally:
        child.kill()
        child.wait()


def test_a_run_whose_file_was_removed_keeps_its_place_until_it_ends(at_once, env):
    mine = at_once()
    kept = token(mine)
    logins.remove(JID, env)
    assert not mine.keep_token(kept)
    assert mine.token() is None
    other = at_once()
    assert other.keep_token(token(other, "other"))
    assert other.device() not in (None, mine.device())
    assert mine.token() is None


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP, errno.EIO])
def test_a_file_system_without_locks_only_costs_the_device(make, monkeypatch, code):
    mine = make()
    mine.keep_token(token(mine))
    mine.authenticated("SCRAM-SHA-512", ORDER)

    def flock(descriptor, how):
        raise OSError(code, os.strerror(code))

    mine.close()
    monkeypatch.setattr(fcntl, "flock", flock)
    mine = make()
    before = len([*Path("/proc/self/fd").iterdir()])
    assert mine.device() is mine.token() is None
    assert not mine.keeps_tokens()
    assert mine.strongest() == "SCRAM-SHA-512"
    mine.authenticated("PLAIN", ORDER, accepted=True)
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_a_lock_that_cannot_be_opened_is_passed_over(make, env):
    first = make().device()
    lock = logins.file(JID, env).with_name("alice@x.test.json.0.lock")
    lock.unlink()
    lock.symlink_to("elsewhere")
    assert make().device() not in (None, first)
    assert not lock.with_name("elsewhere").exists()


def test_a_lock_that_can_only_be_read_is_held_all_the_same(make, at_once, monkeypatch):
    mine = make()
    kept = token(mine)
    mine.keep_token(kept)
    original = os.open

    def read_only(path, flags, mode=0o777, **more):
        if flags & (os.O_RDWR | os.O_WRONLY | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return original(path, flags, mode, **more)

    monkeypatch.setattr(os, "open", read_only)
    assert make().token() == kept
    # there is no other lock, and none can be made
    assert at_once().device() is None


# --- lists, and the end -------------------------------------------------------------------------


def test_everything_that_is_kept_can_be_listed(make, env):
    assert logins.kept(env) == []
    for jid in ("b@x.test", "a@x.test", f"{'ü' * 300}@x.test"):
        make(jid).device()
    path = logins.file("b@x.test", env)
    path.with_name("copy.json").write_bytes(path.read_bytes())
    path.with_name("copy.json").chmod(0o600)
    assert [jid for jid, _ in logins.kept(env)] == [f"{'ü' * 300}@x.test", "a@x.test", "b@x.test"]
    path.chmod(0o644)
    with pytest.raises(LocalError, match="open to others"):
        logins.kept(env)


def test_all_of_a_jid_can_be_forgotten(make, env):
    make().device()
    make().learn(KNOWN)
    make(way=("other",)).learn(KNOWN)
    make("bob@x.test").device()
    make("bob@x.test").learn(KNOWN)
    assert memory.forget(JID, env)
    assert not memory.forget(JID, env)
    assert make().known() is None
    assert make(way=("other",)).known() is None
    assert not logins.file(JID, env).exists()
    assert make("bob@x.test").known() is not None
    assert [jid for jid, _ in logins.kept(env)] == ["bob@x.test"]
