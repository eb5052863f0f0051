"""HTTP/1.1 over one TLS connection of the event loop, kept open from request to request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from xmppctl.model.account import Account
from xmppctl.session import weblink
from xmppctl.session.httpreply import NoHttpError, Reply, ReplyParser
from xmppctl.session.link import Link
from xmppctl.session.trace import Trace
from xmppctl.session.weburl import Url


class Lane:
    """One connection, for one request at a time; ``usable``: for another one."""

    link: Link

    def __init__(self) -> None:
        self.usable = True
        self._parser = ReplyParser()
        self._waiter: asyncio.Future[Reply] | None = None

    @classmethod
    async def open(cls, account: Account, url: Url, trace: Trace, limit: float) -> Lane:
        """A connection with the host of ``url``. Raises as ``weblink.connect``."""
        lane = cls()
        lane.link = await weblink.connect(account, url, trace, limit, lane._data_came, lane._ended)
        return lane

    async def post(self, request: bytes, sent: Callable[[], None]) -> Reply:
        """The answer to a whole request; ``sent`` is called when that has left.

        Raises ConnectionError, NoHttpError.
        """
        if not self.usable:
            raise ConnectionResetError
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            self.link.write(request)
            sent()
            reply = await self._waiter
            self.usable = self.usable and reply.keep
            return reply
        except BaseException:
            self.usable = False
            raise
        finally:
            self._waiter = None

    def _data_came(self, data: bytes) -> None:
        try:
            reply = self._parser.feed(data)
            if self._waiter is None:
                raise NoHttpError("it speaks without being asked")
        except NoHttpError as error:
            self._fail(error)
            return
        if reply is not None and not self._waiter.done():
            self._waiter.set_result(reply)

    def _ended(self, error: Exception | None) -> None:
        self.usable = False
        reply = None
        with suppress(NoHttpError):
            reply = self._parser.end()
        if reply is not None and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(reply)
        else:
            self._fail(ConnectionResetError())

    def _fail(self, error: Exception) -> None:
        self.usable = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
        self.link.abort()
