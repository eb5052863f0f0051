"""The connection: discovery, TLS, login, one stream with its requests and answers, the close.

``open_session(account)`` is the way in for operations, ``open_stream(account)`` for what has to
happen before a login (registration, checks).

The names are imported when they are first used: ``Trace`` alone needs no TLS and no event loop.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # of ``typing``: see headstart
if TYPE_CHECKING:
    from xmppctl.session.connect import open_session, open_stream
    from xmppctl.session.inbox import Inbox, Pending
    from xmppctl.session.stream import Session
    from xmppctl.session.trace import Trace

__all__ = ["Inbox", "Pending", "Session", "Trace", "open_session", "open_stream"]

_HOMES = {
    "Inbox": "inbox",
    "Pending": "inbox",
    "Session": "stream",
    "Trace": "trace",
    "open_session": "connect",
    "open_stream": "connect",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
