"""``xmppctl openpgp``: keys for OpenPGP (XEP-0373), with the extra xmppctl[openpgp].

Every module of this package adds its verbs to ``cmd``; none is listed, a new one is found.
"""

from __future__ import annotations

from xmppctl import cli
from xmppctl.cli.modules import modules

cmd = cli.group(
    "openpgp",
    section="Encryption",
    help="Keys for OpenPGP, own ones and others' (XEP-0373).",
    home=__name__,
    modules=modules(__path__),
)
