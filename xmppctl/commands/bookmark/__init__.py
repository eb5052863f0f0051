"""``xmppctl bookmark``: rooms (and web pages) that the account remembers.

Every module of this package adds its verbs to ``cmd``; none is listed, a new one is found.
"""

from __future__ import annotations

from xmppctl import cli
from xmppctl.cli.modules import modules

cmd = cli.group(
    "bookmark",
    section="Rooms",
    help="Bookmarks of rooms (XEP-0402, XEP-0048).",
    home=__name__,
    modules=modules(__path__),
)
