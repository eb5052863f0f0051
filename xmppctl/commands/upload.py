"""``xmppctl upload``: give files to an upload service, and tell where they are."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xmppctl import cli
from xmppctl.cli.files import Source
from xmppctl.cli.params import BARE_JID, JID, NONEMPTY
from xmppctl.cli.progress import Progress
from xmppctl.commands import _room
from xmppctl.commands._purpose import PurposeType
from xmppctl.commands._uploadname import ANY_TYPE, check_name, hidden, media_type
from xmppctl.errors import UsageError, XmppctlError, from_info
from xmppctl.model.file import SharedFile
from xmppctl.model.upload import EncryptedUpload, Upload, UploadService

if TYPE_CHECKING:
    from xmppctl.protocol.aesgcm import Sealed
    from xmppctl.protocol.upload import Service, Slot, Wanted

_MEDIA_TYPE = re.compile(r"[!#$&^_.+A-Za-z0-9-]{1,127}/[!#$&^_.+A-Za-z0-9-]{1,127}(;[\x20-\x7e]*)?")
_EXPIRED = (401, 403, 404, 410)
_FLIGHT_FILES, _FLIGHT_BYTES = 8, 8 * 1024 * 1024
"""Slots asked for at once: they expire, so only for what is quickly done."""


@cli.command(
    "upload",
    section="Messages",
    examples=(
        "xmppctl upload report.pdf",
        "xmppctl upload --to bob@example.org --sfs photo.jpg",
        "pg_dump shop | gzip | xmppctl -o plain upload --name shop.sql.gz -",
        "xmppctl upload --muc ops@conference.example.org --nick cron graph.png",
        "xmppctl -o plain upload --encrypt photo.jpg",
        "xmppctl upload --info",
    ),
    targets=True,
)
@click.argument("files", metavar="FILE...|-", nargs=-1, type=click.Path(allow_dash=True))
@click.option("--to", type=JID, metavar="JID", help="Send the URL of each file to this JID.")
@click.option("--muc", "room", type=BARE_JID, metavar="ROOM",
              help="Send the URL of each file to this room.")  # fmt: skip
@_room.nick
@_room.room_password
@click.option("--sfs", is_flag=True,
              help="With --to or --muc: describe the file too (XEP-0447).")  # fmt: skip
@click.option("--service", type=JID, metavar="JID",
              help="Use this upload service instead of looking for one.")  # fmt: skip
@click.option("--content-type", type=NONEMPTY, metavar="TYPE",
              help="Media type of the files; by default what their names tell.")  # fmt: skip
@click.option("--name", type=NONEMPTY, help="Name to upload the file under; its own by default.")
@click.option("--purpose", type=PurposeType(), metavar="PURPOSE",
              help="What the files are for: message, profile, permanent, or ephemeral=TIME with "
              "a duration or date after which they must be gone.")  # fmt: skip
@click.option("--info", is_flag=True,
              help="Upload nothing; list the upload services with their limits.")  # fmt: skip
@click.option("--insecure-http", is_flag=True, help="Allow URLs without TLS.")
@click.option("--encrypt", is_flag=True,
              help="Encrypt the files first, under names that say nothing, and print URLs with "
              "their keys, for OMEMO messages (XEP-0454).")  # fmt: skip
@cli.pass_app
async def cmd(app: cli.App, /, **options: Any) -> AsyncIterator[Upload]:
    """Upload files, and print the URLs to fetch them from.

    Exit code 0 means that the service has confirmed every file and, with --to or --muc, that
    the message was delivered as send proves it. Anybody who knows the URL can get the file.
    Standard input (-) and pipes are read to their end first, into a temporary file.
    """
    async for record in _Request(app, options).run():
        yield record


@cmd.instead("info")
@cli.pass_app
async def _info(app: cli.App, /, **options: Any) -> list[UploadService]:
    if options["files"]:
        raise UsageError("--info uploads nothing: it takes no files")
    from xmppctl.protocol import upload

    async with app.session() as session:
        found = await upload.discover(session, options["service"])
    return [UploadService(each.jid, each.max_size, list(each.purposes)) for each in found]


@cmd.instead("encrypt")
@cli.pass_app
async def _encrypted(app: cli.App, /, **options: Any) -> AsyncIterator[EncryptedUpload]:
    for name in ("to", "room", "name", "content_type", "insecure_http"):
        if options[name]:
            flag = {"room": "muc", "content_type": "type"}.get(name, name.replace("_", "-"))
            hint = "xmppctl send --omemo --file encrypts the message too" if flag == "to" else None
            raise UsageError(f"--{flag} and --encrypt exclude each other", hint=hint)
    async for record in _Request(app, options).run():
        assert isinstance(record, EncryptedUpload)
        yield record


class _File:
    """One file on its way: what is to be sent, and the record of what became of it."""

    def __init__(self, app: cli.App, path: str, options: dict[str, Any]) -> None:
        kind = EncryptedUpload if options["encrypt"] else Upload
        self.record = kind(file=path.encode(errors="surrogateescape").decode(errors="replace"))
        self.source: Source | Sealed | None = None
        self.name = options["name"] or ("stdin" if path == "-" else Path(path).name)
        self.type = options["content_type"] or media_type(self.name)
        self.wanted: Wanted | None = None
        self.slot: Slot | None = None
        try:
            check_name(self.name)
            self.source = Source(app, path)
            if options["encrypt"]:
                self._seal(self.source)
        except XmppctlError as error:
            self.fail(error)
        else:
            self.learn(size=self.source.size, type=self.type)

    def _seal(self, source: Source) -> None:
        from xmppctl.protocol.aesgcm import Sealed

        self.name, self.type = hidden(self.name), ANY_TYPE
        self.source = Sealed(source)

    @property
    def ready(self) -> bool:
        """Whether nothing has gone wrong yet."""
        return self.record.error is None

    @property
    def size(self) -> int:
        """Bytes; 0 where it could not even be opened."""
        return self.record.size or 0

    @property
    def expired(self) -> bool:
        """Whether the server does not know its slot, any more perhaps."""
        return not self.ready and self.record.put_status in _EXPIRED

    def revive(self) -> None:
        """Forget how it went."""
        self.slot = None
        self.learn(put_status=None, error=None)

    def learn(self, **facts: Any) -> None:
        """Put into the record what has become known."""
        self.record = replace(self.record, **facts)

    def tell_secret(self) -> None:
        """It is there: of what was encrypted, the URL with the key."""
        from xmppctl.protocol import aesgcm

        secret = getattr(self.source, "secret", None)
        if secret is not None:
            self.learn(aesgcm=aesgcm.compose(self.record.get or "", secret))

    def fail(self, error: XmppctlError) -> None:
        """It went wrong."""
        self.learn(error=error.info())


class _Request:
    """What is to be uploaded; made and checked before anything is connected."""

    def __init__(self, app: cli.App, options: dict[str, Any]) -> None:
        self.app = app
        self.options = options
        self._check()
        self.password = app.room_password(
            file=options["room_password_file"], fd=options["room_password_fd"]
        )
        self.files = [_File(app, path, self.options) for path in options["files"]]

    def _check(self) -> None:
        options = self.options
        files = options["files"]
        if not files:
            raise UsageError("no file was given", hint="- reads standard input")
        if files.count("-") > 1:
            raise UsageError("standard input can be read only once")
        if options["name"] is not None:
            if len(files) > 1:
                raise UsageError("--name names one file, and several were given")
            check_name(options["name"])
        if options["to"] is not None and options["room"] is not None:
            raise UsageError("--to and --muc exclude each other")
        if options["sfs"] and options["to"] is None and options["room"] is None:
            raise UsageError("--sfs describes the file in a message: give --to or --muc too")
        for name in ("nick", "room_password_file", "room_password_fd"):
            if options[name] is not None and options["room"] is None:
                flag = name.replace("_", "-")
                raise UsageError(f"--{flag} is for rooms: give --muc too")
        self.nick = _room.checked_nick(options["room"], options["nick"])
        given = options["content_type"]
        if given is not None and _MEDIA_TYPE.fullmatch(given) is None:
            raise UsageError(f"{given!r} is not a media type such as image/png")

    async def run(self) -> AsyncIterator[Upload]:
        """One record for each file, in their order."""
        if not any(each.ready for each in self.files):
            for each in self.files:
                yield each.record
            return
        from xmppctl.protocol import room, upload

        largest = max(each.size for each in self.files)
        purpose = self.options["purpose"]

        def enough(service: Service) -> bool:
            fits = service.max_size is None or largest <= service.max_size
            return fits and (purpose is None or purpose.name in service.purposes)

        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(self.app.session())
            services: list[Service] = []
            here: Any = None
            try:
                services = await upload.discover(session, self.options["service"], enough=enough)
                if self.options["room"] is not None:  # a room that is closed costs no upload
                    nick = self.nick or room.own_nick(session)
                    join = room.joined(session, self.options["room"], nick, password=self.password)
                    here = await stack.enter_async_context(join)
            except XmppctlError as error:
                for each in self.files:
                    if each.ready:
                        each.fail(error)
            for batch in _batches(self.files):
                if any(each.ready for each in batch):
                    await self._ask(session, services, batch)
                for each in batch:
                    if each.ready and each.slot is not None:
                        await self._put(session, each)
                    if each is not batch[0] and each.expired:  # while others went first
                        each.revive()
                        await self._ask(session, services, [each])
                        if each.ready:
                            await self._put(session, each)
                    if each.ready and each.record.get is not None:
                        await self._deliver(session, each, here)
                    if each.source is not None:
                        each.source.close()
                    yield each.record

    async def _ask(self, session: Any, services: list[Service], batch: list[_File]) -> None:
        """A slot for every file of the batch that some service takes."""
        from xmppctl.protocol import upload

        purpose = self.options["purpose"]
        asking: list[tuple[_File, Wanted]] = []
        for each in batch:
            if not each.ready:
                continue
            try:
                service = upload.choose(services, each.size, purpose)
            except XmppctlError as error:
                each.learn(service=error.by, max_size=error.limit)
                each.fail(error)
                continue
            each.learn(service=service.jid, max_size=service.max_size)
            each.wanted = upload.Wanted(service, each.name, each.size, each.type, purpose)
            asking.append((each, each.wanted))
        slots = await upload.slots(
            session,
            [wanted for _, wanted in asking],
            insecure=self.options["insecure_http"],
        )
        for (each, _), slot in zip(asking, slots, strict=True):
            if not isinstance(slot, XmppctlError):
                each.slot = slot
                continue
            each.learn(max_size=slot.limit or each.record.max_size)
            each.fail(slot)

    async def _put(self, session: Any, file: _File) -> None:
        """The file itself; the URL is known to hold it when the service says so."""
        from xmppctl.protocol import upload

        source, slot, wanted = file.source, file.slot, file.wanted
        assert source is not None
        assert slot is not None
        assert wanted is not None
        progress = Progress(self.app, file.record.file or "", source.size)
        web = upload.web(session, insecure=self.options["insecure_http"])
        try:
            await upload.store(
                web,
                slot,
                wanted,
                source.blocks(progress),
                lambda status: file.learn(put_status=status),
            )
        except XmppctlError as error:
            file.fail(error)
        else:
            file.learn(get=slot.get.text, sha256=source.sha256)
            file.tell_secret()
        finally:
            progress.end()

    async def _deliver(self, session: Any, file: _File, here: Any) -> None:
        """The message with the URL; where it fails the file is there all the same."""
        to = self.options["room"] or self.options["to"]
        if to is None:
            return
        from xmppctl.protocol import filesharing, room, send
        from xmppctl.session import Session

        record = file.record
        assert record.get is not None
        message = filesharing.message(
            to,
            record.get,
            id=Session.new_id(),
            type="chat" if here is None else "groupchat",
            facts=_facts(file) if self.options["sfs"] else None,
        )
        if here is not None:
            result = await room.speak(session, here, message)
        else:
            (result,) = [each async for each in send.send(session, _only(message))]
        file.learn(delivery=result, error=result.error)


class One:
    """One file that is uploaded for a message of another command.

    With ``encrypt`` it is encrypted first, and its URL has the key. Raises UsageError for a name
    that cannot be, LocalError for a file that cannot be read.
    """

    def __init__(self, app: cli.App, path: str, *, encrypt: bool = False) -> None:
        names = (parameter.name for parameter in cmd.params if parameter.name is not None)
        options = {**dict.fromkeys(names), "files": (path,), "encrypt": encrypt}
        self._request = _Request(app, options)
        (self._file,) = self._request.files
        self._raise()

    async def store(self, session: Any) -> SharedFile:
        """Upload it; what is known of it then. Raises what the services answer."""
        from xmppctl.protocol import upload

        request, file = self._request, self._file

        def enough(service: Service) -> bool:
            return service.max_size is None or file.size <= service.max_size

        services = await upload.discover(session, None, enough=enough)
        await request._ask(session, services, [file])
        if file.ready:
            await request._put(session, file)
        if file.source is not None:
            file.source.close()
        self._raise()
        return _facts(file)

    def _raise(self) -> None:
        if self._file.record.error is not None:
            raise from_info(self._file.record.error)


async def _only(message: Any) -> AsyncIterator[Any]:
    yield message


def _facts(file: _File) -> SharedFile:
    record = file.record
    url = getattr(record, "aesgcm", None) or record.get or ""
    return SharedFile(file.name, file.size, file.type, sha256=record.sha256 or "", url=url)


def _batches(files: list[_File]) -> Iterator[list[_File]]:
    batch: list[_File] = []
    size = 0
    for each in files:
        if batch and (len(batch) == _FLIGHT_FILES or size + each.size > _FLIGHT_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += each.size
    if batch:
        yield batch
