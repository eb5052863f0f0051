"""``xmppctl file``: files from client to client, without a server that keeps them.

Every module of this package adds its verbs to ``cmd``; none is listed, a new one is found.
"""

from __future__ import annotations

from xmppctl import cli
from xmppctl.cli.modules import modules

cmd = cli.group(
    "file",
    section="Messages",
    help="Give files from client to client (Jingle, XEP-0234).",
    home=__name__,
    modules=modules(__path__),
)
