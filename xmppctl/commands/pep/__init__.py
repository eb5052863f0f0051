"""``xmppctl pep``: what the account tells its contacts, and what they tell (XEP-0163).

Every module of this package adds its verbs to ``cmd``; none is listed, a new one is found.
"""

from __future__ import annotations

from xmppctl import cli
from xmppctl.cli.modules import modules

cmd = cli.group(
    "pep",
    section="Data",
    help="What accounts tell of themselves (XEP-0163).",
    home=__name__,
    modules=modules(__path__),
)
