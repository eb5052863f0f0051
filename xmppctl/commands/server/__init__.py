"""``xmppctl server``: what servers tell about themselves.

Every module of this package adds its verbs to ``cmd``; none is listed, a new one is found.
"""

from __future__ import annotations

from xmppctl import cli
from xmppctl.cli.modules import modules

cmd = cli.group(
    "server",
    section="Services",
    help="Ask servers for contacts, services, limits, status.",
    home=__name__,
    modules=modules(__path__),
)
