"""``xmppctl roster``: the contact list, and what is kept beside it.

Every module of this package adds its verbs to ``cmd``; none is listed, a new one is found.
"""

from __future__ import annotations

from xmppctl import cli
from xmppctl.cli.modules import modules

cmd = cli.group(
    "roster",
    section="Contacts",
    help="The contact list (RFC 6121).",
    home=__name__,
    modules=modules(__path__),
)
