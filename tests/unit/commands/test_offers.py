"""--accept-oob: the directory, the names in it, and which options belong to it."""

import asyncio
import os
from types import SimpleNamespace

import pytest

from tests.unit.session.streams import account
from xmppctl.cli.main import main
from xmppctl.commands import _offers
from xmppctl.errors import DeadlineError, LocalError, RefusedError
from xmppctl.session import download as downloads
from xmppctl.session.trace import Trace
from xmppctl.session.weburl import parse_url

URL = parse_url("https://x.test/a/report.pdf?key=1")


class Headers(dict):
    def get_filename(self):
        return self.get("name")


@pytest.fixture
def serve(monkeypatch):
    """Let ``download`` give these blocks; a block that is an exception is raised."""

    def use(*blocks, name=None, wait=None):
        async def download(web, url, receive, *, max_size):
            answer = SimpleNamespace(headers=Headers(name=name) if name else Headers(), url=url)
            use.webs.append(web)
            use.limits.append(max_size)
            write = receive(answer)
            for block in blocks:
                if isinstance(block, Exception):
                    raise block
                write(block)
            if wait is not None:
                await wait.wait()
            return downloads.Received(sum(map(len, blocks)), "image/png; x=y", "00")

        monkeypatch.setattr(downloads, "download", download)

    use.webs, use.limits = [], []
    return use


def directory(path, max_size=10, **more):
    app = SimpleNamespace(account=account(), trace=Trace())
    return _offers.OfferDir(app, str(path), max_size, **{"insecure": False, **more})


def names(path):
    return sorted(each.name for each in path.iterdir())


def test_a_file(serve, tmp_path):
    serve(b"ab", b"c")
    files = directory(tmp_path / "a" / "b", insecure=True)
    for name in ("report.pdf", "report-2.pdf", "report-3.pdf"):
        found = asyncio.run(files.fetch(URL))
        assert found.path == str(tmp_path / "a" / "b" / name)
        assert (found.source, found.urls, found.size) == ("oob", [URL.text], 3)
        assert found.media_type == "image/png; x=y"
        assert (tmp_path / "a" / "b" / name).read_bytes() == b"abc"
    assert names(tmp_path / "a" / "b") == ["report-2.pdf", "report-3.pdf", "report.pdf"]
    assert {web.insecure for web in serve.webs} == {True}
    assert set(serve.limits) == {10}


@pytest.mark.parametrize("name", ["../../up", "/etc/passwd", "a\\b\\passwd", ".hidden", "-rf"])
def test_names_of_strangers(serve, tmp_path, name):
    serve(b"x", name=name)
    found = asyncio.run(directory(tmp_path / "d").fetch(URL))
    assert names(tmp_path) == ["d"]
    (kept,) = names(tmp_path / "d")
    assert found.path == str(tmp_path / "d" / kept)
    assert kept[0] not in ".-"


def test_nothing_is_replaced_and_no_link_followed(serve, tmp_path):
    serve(b"x")
    target = tmp_path / "target"
    files = directory(tmp_path / "d")
    (tmp_path / "d" / "report.pdf").symlink_to(target)
    assert asyncio.run(files.fetch(URL)).path.endswith("report-2.pdf")
    assert not target.exists()


def test_two_of_a_name_at_once(serve, tmp_path):
    async def scenario():
        event = asyncio.Event()
        serve(b"x", wait=event)
        files = directory(tmp_path)
        tasks = [asyncio.ensure_future(files.fetch(URL)) for _ in range(2)]
        await asyncio.sleep(0)
        event.set()
        return [(await task).path for task in tasks]

    paths = asyncio.run(scenario())
    assert sorted(paths) == [str(tmp_path / "report-2.pdf"), str(tmp_path / "report.pdf")]
    assert names(tmp_path) == ["report-2.pdf", "report.pdf"]


def test_half_a_file_is_none(serve, tmp_path):
    serve(b"ab", RefusedError("too large", condition="file-too-large"))
    with pytest.raises(RefusedError):
        asyncio.run(directory(tmp_path).fetch(URL))
    assert names(tmp_path) == []


def test_what_is_given_up(serve, tmp_path):
    async def scenario():
        serve(b"ab", wait=asyncio.Event())
        task = asyncio.ensure_future(directory(tmp_path).fetch(URL))
        await asyncio.sleep(0)
        assert len(names(tmp_path)) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert names(tmp_path) == []


def test_what_takes_too_long(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(_offers, "LONGEST", 0.01)

    async def scenario():
        serve(b"ab", wait=asyncio.Event())
        await directory(tmp_path).fetch(URL)

    with pytest.raises(DeadlineError, match="not complete"):
        asyncio.run(scenario())
    assert names(tmp_path) == []


def test_a_directory_that_cannot_be_used(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match="cannot make the directory"):
        directory(tmp_path / "file" / "d")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(LocalError, match="not writable"):
        directory(tmp_path)


@pytest.mark.parametrize("args", [["--max-size", "1M"], ["--insecure-http"]])
def test_what_needs_the_directory(args, capsys):
    assert main(["-j", "a@x.test", "listen", *args]) == 2
    assert f"{args[0]} needs --accept-oob" in capsys.readouterr().err


def test_the_default_is_a_limit(tmp_path):
    values = {"accept_oob": str(tmp_path), "max_size": None, "insecure_http": False}
    fetch = _offers.fetcher(SimpleNamespace(), values)
    assert fetch.__self__._max_size == 100 * 2**20
    assert _offers.fetcher(SimpleNamespace(), {**values, "accept_oob": None}) is None
