"""``xmppctl admin``: the administration of a service from afar (XEP-0133).

Every module of this package adds its verbs to ``cmd``; none is listed, a new one is found.
"""

from __future__ import annotations

from xmppctl import cli
from xmppctl.cli.modules import modules

cmd = cli.group(
    "admin",
    section="Services",
    help="Administer a server or service (XEP-0133).",
    home=__name__,
    modules=modules(__path__),
)
