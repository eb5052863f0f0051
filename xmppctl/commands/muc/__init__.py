"""``xmppctl muc``: rooms, what is said there, and who may do what.

Every module of this package adds its verbs to ``cmd``; none is listed, a new one is found.
"""

from __future__ import annotations

from xmppctl import cli
from xmppctl.cli.modules import modules

cmd = cli.group(
    "muc",
    section="Rooms",
    help="Join, speak in and administer rooms (XEP-0045).",
    home=__name__,
    modules=modules(__path__),
)
