"""How runs began: which lines are the same, what is kept of one, and how long it is good."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from xmppctl.config import memory, paths, starts
from xmppctl.config.starts import Start
from xmppctl.model.aim import Aim, Place

AIM = Aim(Place("x.test", "192.0.2.1", 5223, True), "x.test", "/ca é.pem", until=5e9)
ENV = {"HOME": "/home/alice", "XMPPCTL_JID": "alice@x.test", "TERM": "xterm"}
LINE = ("-j", "alice@x.test", "send", "-o", "json", "bob@x.test", "hello")
VERB = 3


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"XMPPCTL_CACHE_DIR": str(tmp_path / "cache"), "XMPPCTL_STATE_DIR": str(tmp_path)}


def start(digest: int = 7, verb: int = 1, **more: object) -> Start:
    return Start(digest, verb, "/no/such/file", "", AIM)._replace(**more)


def same(*words: str, env: dict[str, str] = ENV) -> bool:
    return starts.digest(words, VERB, env) == starts.digest(LINE, VERB, ENV)


@pytest.mark.parametrize(
    "behind",
    [
        ("-o", "json", "carol@x.test", "another text"),
        ("-o", "csv", "bob@x.test", "carol@x.test", "-"),
    ],
)
def test_other_values_behind_the_verb_make_the_same_line(behind: tuple[str, ...]) -> None:
    assert same(*LINE[:VERB], *behind)


@pytest.mark.parametrize(
    "words",
    [
        ("-j", "carol@x.test", *LINE[2:]),
        ("-j", "alice@x.test", "ping", *LINE[3:]),
        (*LINE, "--help"),
        (*LINE, "-h"),
        (*LINE, "--dry-run"),
        (*LINE, "--", "text"),
        (*LINE[:VERB], "bob@x.test", "hello"),
        (*LINE[:VERB], "-ojson", "bob@x.test", "hello"),
        LINE[:VERB],
    ],
)
def test_other_options_or_no_words_make_another_line(words: tuple[str, ...]) -> None:
    assert not same(*words)


def test_what_stands_behind_dashes_is_no_option() -> None:
    def digest(*words: str) -> int:
        return starts.digest(("send", *words), 1, ENV)

    assert digest("bob", "--", "--help") == digest("bob", "--", "text", "-x")
    assert digest("bob", "--") != digest("bob", "--", "text")
    assert digest("--subject=a", "bob") == digest("--subject=b", "bob")


@pytest.mark.parametrize(
    "other",
    [
        {"HOME": "/home/bob"},
        {"XMPPCTL_JID": "bob@x.test"},
        {"XMPPCTL_TLS": "direct"},
        {"_XMPPCTL_COMPLETE": "bash_complete"},
        {"ALL_PROXY": "socks5://localhost:1"},
        {"XMPPCTL_PASSWORD": "secret"},
    ],
)
def test_another_environment(other: dict[str, str]) -> None:
    assert not same(*LINE, env={**ENV, **other})


def test_what_bears_on_nothing() -> None:
    assert same(*LINE, env={**ENV, "TERM": "dumb"})
    secrets = [{**ENV, "XMPPCTL_PASSWORD": secret} for secret in ("one", "two")]
    assert starts.digest(LINE, VERB, secrets[0]) == starts.digest(LINE, VERB, secrets[1])


def test_another_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = starts.digest(LINE, VERB, ENV)
    monkeypatch.chdir(tmp_path)
    assert starts.digest(LINE, VERB, ENV) != before
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert starts.digest(LINE, VERB, ENV) != before


def test_words_that_are_no_text() -> None:
    assert starts.digest([os.fsdecode(b"\xff")], 1, ENV) != starts.digest(["\xff"], 1, ENV)


def keep(env: dict[str, str], *kept: Start) -> None:
    for each in kept:
        starts.keep(each, env)


def numbers(env: dict[str, str]) -> list[list[int]]:
    """Digest and verb of those that are kept."""
    lines = Path(env["XMPPCTL_CACHE_DIR"], "starts").read_text().splitlines()
    return [[int(number) for number in line.split("\0")[1:3]] for line in lines]


def test_match(tmp_path: Path, env: dict[str, str]) -> None:
    config = tmp_path / "config.toml"
    assert starts.match(LINE, env) is None
    digest = starts.digest(LINE, VERB, env)
    keep(env, start(digest + 1, VERB), start(5, len(LINE) + 1), start(6, 0))
    assert starts.match(LINE, env) is None
    found = start(digest, VERB, config=str(config))
    keep(env, found, start(4, VERB - 1))
    assert starts.match(LINE, env) == found
    config.write_text("[accounts]")
    assert starts.match(LINE, env) is None
    found = found._replace(stamp=starts.stamp(str(config)))
    keep(env, found)
    assert starts.match(LINE, env) == found
    config.write_text("[accounts.x]")
    assert starts.match(LINE, env) is None


@pytest.mark.parametrize("aim", [AIM, Aim(Place("::1", "::1", 5222, False), "x.test")])
def test_kept(env: dict[str, str], aim: Aim) -> None:
    kept = start(starts.digest(LINE, VERB, env), VERB, aim=aim)
    keep(env, kept)
    assert starts.match(LINE, env) == kept
    [file] = Path(env["XMPPCTL_CACHE_DIR"]).iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not any(word in file.read_text() for word in ("alice", "bob", "send", "hello"))


def test_not_too_many_are_kept(env: dict[str, str]) -> None:
    keep(env, *(start(number) for number in range(20)))
    assert numbers(env) == [[number, 1] for number in range(19, 3, -1)]
    keep(env, start(10, 2))
    assert numbers(env)[:3] == [[10, 2], [19, 1], [18, 1]]
    assert len(numbers(env)) == 16


@pytest.mark.parametrize("part", range(12))
@pytest.mark.parametrize("text", [None, b"", b"\xff", b"-1", b"x" * 100])
def test_damaged(env: dict[str, str], part: int, text: bytes | None) -> None:
    """Whatever became of it, reading it does no harm, and it is replaced."""
    good = start(starts.digest(LINE, VERB, env), VERB)
    keep(env, good)
    [file] = Path(env["XMPPCTL_CACHE_DIR"]).iterdir()
    parts = file.read_bytes().split(b"\0")
    damaged = [*parts[:part], *([] if text is None else [text]), *parts[part + 1 :]]
    file.write_bytes(b"\0".join(damaged))
    assert (starts.match(LINE, env) == good) is (damaged == parts)
    keep(env, good)
    assert starts.match(LINE, env) == good


@pytest.mark.parametrize("data", [b"", b"\0" * 11, b"\n" * 100, b"x" * 100_000])
def test_another_file(env: dict[str, str], data: bytes) -> None:
    cache = Path(env["XMPPCTL_CACHE_DIR"])
    cache.mkdir()
    (cache / "starts").write_bytes(data)
    assert starts.match(LINE, env) is None


@pytest.mark.parametrize("path", ["/a\nb", "/a\0b"])
def test_paths_that_cannot_be_kept(env: dict[str, str], path: str) -> None:
    keep(env, start(aim=AIM._replace(ca_file=path)))
    assert not Path(env["XMPPCTL_CACHE_DIR"]).exists()


@pytest.mark.parametrize(
    "more",
    [
        {"HOME": "{0}"},
        {"HOME": "{0}", "XDG_CACHE_HOME": "{0}/x"},
        {"HOME": "{0}", "XDG_CACHE_HOME": ""},
        {"HOME": "{0}", "XDG_CACHE_HOME": "relative"},
        {"HOME": "{0}", "XMPPCTL_CACHE_DIR": "{0}/y"},
        {"HOME": "{0}", "XMPPCTL_CACHE_DIR": "relative"},
        {"HOME": "{0}", "XMPPCTL_CACHE_DIR": "~/z"},
    ],
)
def test_the_file_is_where_all_caches_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, str]
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XMPPCTL_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in more.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    monkeypatch.chdir(tmp_path)
    keep(dict(os.environ), start(starts.digest(LINE, VERB), VERB))
    assert (paths.cache_dir() / "starts").is_file()
    assert starts.match(LINE) is not None
    starts.forget()
    assert not (paths.cache_dir() / "starts").exists()


def test_where_nothing_can_be_written(env: dict[str, str]) -> None:
    Path(env["XMPPCTL_CACHE_DIR"]).write_text("a file")
    keep(env, start(starts.digest(LINE, VERB, env), VERB))
    assert starts.match(LINE, env) is None


def test_forgotten_with_any_account(env: dict[str, str]) -> None:
    keep(env, start())
    memory.forget("alice@x.test", env)
    assert list(Path(env["XMPPCTL_CACHE_DIR"]).iterdir()) == []
    starts.forget(env)
