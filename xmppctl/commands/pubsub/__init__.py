"""``xmppctl pubsub``: nodes of publish-subscribe services and accounts, and what is in them.

Every module of this package adds its verbs to ``cmd``; none is listed, a new one is found.
"""

from __future__ import annotations

from xmppctl import cli
from xmppctl.cli.modules import modules

cmd = cli.group(
    "pubsub",
    section="Data",
    help="Publish, read and follow items of nodes (XEP-0060).",
    home=__name__,
    modules=modules(__path__),
)
