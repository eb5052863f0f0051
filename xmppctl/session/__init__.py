"""The connection: discovery, TLS, login, one stream with its requests and answers, the close.

``open_session(account)`` is the way in for operations, ``open_stream(account)`` for what has to
happen before a login (registration, checks).
"""

from __future__ import annotations

from xmppctl.session.connect import open_session, open_stream
from xmppctl.session.stream import Inbox, Pending, Session
from xmppctl.session.trace import Trace

__all__ = ["Inbox", "Pending", "Session", "Trace", "open_session", "open_stream"]
