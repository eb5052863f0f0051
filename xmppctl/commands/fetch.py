"""``xmppctl fetch``: the file that a message tells of."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.files import BLOCK, Sink
from xmppctl.cli.params import JID, NONEMPTY, SIZE
from xmppctl.cli.progress import Progress
from xmppctl.errors import LocalError, UsageError
from xmppctl.model.file import Fetched

if TYPE_CHECKING:
    from xmppctl.model.jid import Jid
    from xmppctl.protocol.aesgcm import Opening, Secret
    from xmppctl.session.download import Received
    from xmppctl.session.http import Answer, Write
    from xmppctl.session.weburl import Url


@cli.command(
    "fetch",
    section="Messages",
    examples=(
        "xmppctl fetch https://upload.example.org/4a77/report.pdf",
        "xmppctl fetch --out - https://upload.example.org/4a77/shop.sql.gz | gunzip | psql shop",
        'xmppctl fetch --max-size 20M --out inbox/ -- "$URL"',
        "xmppctl fetch --verify sha-256:"
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 "
        "https://upload.example.org/4a77/empty",
        'printf %s "$AESGCM_URL" | xmppctl fetch --out photo.jpg -',
        "xmppctl fetch --from bob@example.org/desk "
        "cid:sha1+8f35fef110ffc5df08d579a50083ff9308fb6242@bob.xmpp.org",
    ),
)
@click.argument("url", type=NONEMPTY)
@click.option("--out", type=click.Path(allow_dash=True), metavar="FILE|-",
              help="File or directory to write to; - is standard output. By default a file in "
              "this directory, named as the server or the URL says.")  # fmt: skip
@click.option("--from", "sender", type=JID, metavar="JID",
              help="Who has the data of a cid: URI; needs an account.")  # fmt: skip
@click.option("--verify", type=NONEMPTY, metavar="ALGO:HEX",
              help="Hash that the file must have, such as sha-256:1234...; nothing is kept of "
              "one that has another.")  # fmt: skip
@click.option("--max-size", type=SIZE, help="Take no more than this, such as 20M.")
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@click.option("--insecure-http", is_flag=True, help="Allow URLs without TLS.")
@cli.pass_app
async def cmd(
    app: cli.App,
    url: str,
    out: str | None,
    sender: Jid | None,
    verify: str | None,
    max_size: int | None,
    force: bool,
    insecure_http: bool,
) -> Fetched:
    """Fetch a file by its URL; http and https need no account.

    The file appears when it is complete and verified, and not before. With - as URL it is read
    from standard input. Small data that a message points to by a cid: URI (XEP-0231) are asked of
    the client that sent it, whose JID --from tells. An encrypted file, whose aesgcm URL came in an
    OMEMO message (XEP-0454), is decrypted; that URL has the key, and is better read from standard
    input than given as an argument, which others may see.
    """
    from xmppctl.model import digest
    from xmppctl.session.download import download
    from xmppctl.session.web import Web

    text = app.read_text(url)
    try:
        expected = None if verify is None else digest.parse(verify)
    except ValueError as error:
        raise UsageError(f"--verify: {error}") from None
    if out == "-" and force:
        raise UsageError("--force replaces a file, and there is none with --out -")
    cid = _parse_cid(text, sender)
    if cid is not None:
        if insecure_http:
            raise UsageError("--insecure-http is for http URLs")
        assert sender is not None
        return await _data(app, cid, sender, out, expected, max_size, force=force)
    target, secret = _parse(text)
    if secret is not None and (verify is not None or insecure_http):
        flag = "verify" if verify is not None else "insecure-http"
        raise UsageError(f"--{flag} is not for aesgcm URLs: what is encrypted verifies itself")
    web = Web(
        app.settings.get("ca_file"),
        app.settings.get("connect_timeout"),
        app.settings.get("timeout"),
        app.trace,
        insecure=insecure_http,
        pins=app.settings.get("pin"),
    )

    async def receive(take: Any) -> Received:
        return await download(web, target, take, verify=expected, max_size=max_size)

    cipher = _Cipher(secret, target)
    if out == "-":
        spooled = expected is not None or secret is not None
        await _to_stdout(app, receive, cipher, spooled=spooled)
        click.get_current_context().exit()
    path, received = await _to_file(app, target, out, receive, cipher, force=force)
    if cipher.opening is not None:
        opened = cipher.opening
        return Fetched(target.text, str(path), opened.size, None, opened.sha256, "aes-256-gcm")
    return Fetched(
        url=target.text,
        file=str(path),
        size=received.size,
        type=received.media_type,
        sha256=received.sha256,
        verified=None if expected is None else expected[0],
    )


class _Cipher:
    """What stands between the bytes that come and the file, where these are encrypted."""

    def __init__(self, secret: Secret | None, target: Url) -> None:
        self._secret = secret
        self._target = target
        self.opening: Opening | None = None

    def over(self, write: Write) -> Write:
        """Who takes the bytes that come, for who takes those of the file."""
        if self._secret is None:
            return write
        from xmppctl.protocol.aesgcm import Opening

        self.opening = Opening(self._secret, write)
        return self.opening.take

    def finish(self) -> None:
        """All has come. Raises RefusedError where it is not what was encrypted."""
        if self.opening is not None:
            self.opening.finish(self._target.peer)


def _parse_cid(text: str, sender: Jid | None) -> str | None:
    """The content id of a cid: URI, None for another URL. Raises UsageError."""
    scheme = text.strip().partition(":")[0].lower()
    if scheme != "cid":
        if sender is not None and scheme in ("http", "https"):
            raise UsageError("--from is for cid: URIs: who serves a URL, the URL says")
        return None
    from xmppctl.protocol import bob

    cid = bob.cid_of(text.strip()) or ""
    if not bob.is_checkable(cid):
        raise UsageError(
            f"{text.strip()!r} is no cid: URI (XEP-0231) that can be verified, such as"
            " cid:sha1+8f35fef110ffc5df08d579a50083ff9308fb6242@bob.xmpp.org"
        )
    if sender is None:
        raise UsageError("who has the data of a cid: URI is to be said by --from JID")
    return cid


async def _data(
    app: cli.App,
    cid: str,
    sender: Jid,
    out: str | None,
    expected: tuple[str, bytes] | None,
    max_size: int | None,
    *,
    force: bool,
) -> Fetched:
    """Bits of binary (XEP-0231), asked of who sent them."""
    from xmppctl.protocol import bob

    directory = Path(out or ".")
    named = out is not None and not out.endswith("/") and not directory.is_dir()  # noqa: ASYNC240
    # the name that was asked for is checked before anything is connected
    sink = Sink(directory, force=force) if named and out != "-" else None
    async with app.session() as session:
        data = await bob.fetch(session, cid, sender, verify=expected, max_size=max_size)
    if out == "-":
        _out(app)(data.content)
        click.get_current_context().exit()
    sink = sink or Sink(directory / bob.file_name(data.content, data.type), force=force)
    try:
        sink.write(data.content)
        sink.commit()
    finally:
        sink.discard()
    return Fetched(
        url=f"cid:{cid}",
        file=str(sink.path),
        size=len(data.content),
        type=data.type or None,
        sha256=bob.sha256(data.content),
        verified=data.algorithm if expected is None else expected[0],
    )


def _parse(text: str) -> tuple[Url, Secret | None]:
    """Where the file is, and with what it is encrypted. Raises UsageError."""
    from xmppctl.session.weburl import parse_url

    try:
        if text.strip().partition(":")[0].lower() != "aesgcm":
            return parse_url(text), None
        from xmppctl.protocol import aesgcm

        return aesgcm.parse(text)
    except ValueError as error:
        raise UsageError(f"the URL cannot be fetched: {error}") from None


async def _to_file(
    app: cli.App, url: Url, out: str | None, receive: Any, cipher: _Cipher, *, force: bool
) -> tuple[Path, Received]:
    from xmppctl.session.download import name_of

    directory = Path(out or ".")
    named = out is not None and not out.endswith("/") and not directory.is_dir()  # noqa: ASYNC240
    # the name that was asked for is checked before anything is connected
    sink = Sink(directory, force=force) if named else None
    progress: Progress | None = None

    def begin(answer: Answer) -> Write:
        nonlocal sink, progress
        if sink is None:
            sink = Sink(directory / name_of(answer, url), force=force)
        progress = _progress(app, sink.path.name, answer)
        return _counted(cipher.over(sink.write), progress)

    try:
        received = await receive(begin)
        cipher.finish()
        assert sink is not None
        sink.commit()
    finally:
        if sink is not None:
            sink.discard()
        if progress is not None:
            progress.end()
    return sink.path, received


async def _to_stdout(app: cli.App, receive: Any, cipher: _Cipher, *, spooled: bool) -> None:
    """The bytes; behind a file where they must be verified before anybody sees them."""
    progress: Progress | None = None
    with tempfile.TemporaryFile() as spool:

        def begin(answer: Answer) -> Write:
            nonlocal progress
            progress = _progress(app, "-", answer)
            write: Any = spool.write if spooled else _out(app)
            return _counted(cipher.over(write), progress)

        try:
            await receive(begin)
            cipher.finish()
        except OSError as error:
            raise LocalError(f"cannot keep the file: {error.strerror}", step="output") from None
        finally:
            if progress is not None:
                progress.end()
        spool.seek(0)
        write = _out(app)
        while block := spool.read(BLOCK):
            write(block)


def _out(app: cli.App) -> Write:
    from xmppctl.cli.stdout import stdout_errors

    def write(block: bytes) -> None:
        with stdout_errors():
            app.stdout.buffer.write(block)
            app.stdout.buffer.flush()

    return write


def _progress(app: cli.App, label: str, answer: Answer) -> Progress:
    announced = answer.headers.get("Content-Length", "")
    return Progress(app, label, int(announced) if announced.isdecimal() else None)


def _counted(write: Any, progress: Progress) -> Write:
    done = 0

    def take(block: bytes) -> None:
        nonlocal done
        write(block)
        done += len(block)
        progress(done)

    return take
