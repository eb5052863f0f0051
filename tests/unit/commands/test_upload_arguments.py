"""What `upload` and `fetch` refuse; nothing is connected."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.commands.refusing import Run, refuser


@pytest.fixture
def refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Run:
    """Run something that is a usage error; standard error."""
    for name in "fg":
        (tmp_path / name).touch()
    return refuser(capsys, monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ([], "no file"),
        (["-", "-"], "only once"),
        (["--info", "f"], "no files"),
        (["--name", "x", "f", "g"], "several"),
        (["--name", "a/b", "f"], "name"),
        (["--name", "a\nb", "f"], "name"),
        (["--sfs", "f"], "--to or --muc"),
        (["--nick", "n", "f"], "--muc too"),
        (["--muc", "a@b", "--nick", "\x01", "f"], "nickname"),
        (["--to", "a@b", "--muc", "c@d", "f"], "exclude"),
        (["--to", "a b", "f"], "JID"),
        (["--content-type", "text", "f"], "media type"),
        (["--content-type", "text/x\r\nEvil: 1", "f"], "media type"),
        (["--purpose", "profile=3h", "f"], "ephemeral"),
        (["--purpose", "ephemeral", "f"], "ephemeral"),
        (["--purpose", "ephemeral=2020-01-01", "f"], "passed"),
        (["--purpose", "ephemeral=0", "f"], "passed"),
        (["--purpose", "ephemeral=soon", "f"], "date"),
        (["--purpose", "fun", "f"], "none of"),
    ],
)
def test_upload(refused: Run, args: list[str], reason: str) -> None:
    assert reason in refused("upload", *args)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://x.test/f", "no http"),
        ("file:///etc/passwd", "no http"),
        ("aesgcm://x.test/f#00", "no key"),
        ("cid:sha1+1@bob.xmpp.org", "XEP-0231"),
        ("https:///f", "no host"),
        ("https://user:secret@x.test/", "user name"),
        ("https://x.test:99999/", "malformed"),
        ("https://x.test/\x1b", "control"),
        ("f.txt", "no http"),
    ],
)
def test_urls(refused: Run, url: str, reason: str) -> None:
    for err in (refused("fetch", "--", url), refused("fetch", "-", stdin=f"{url}\n")):
        assert reason in err
        assert "secret" not in err


@pytest.mark.parametrize(
    "hash_", ["sha-1:" + "0" * 40, "md5:" + "0" * 32, "sha-256:12", "nonsense", "sha-256"]
)
def test_hashes(refused: Run, hash_: str) -> None:
    assert "--verify" in refused("fetch", "--verify", hash_, "https://x.test/")


def test_force_and_standard_output(refused: Run) -> None:
    assert "--force" in refused("fetch", "--force", "--out", "-", "https://x.test/")
    assert "size" in refused("fetch", "--max-size", "much", "https://x.test/")
