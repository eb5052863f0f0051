"""``xmppctl muc``: rooms, what is said there, and who may do what.

Every module of this package adds its verbs to ``cmd``; none is listed, a new one is found.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from xmppctl import cli

cmd = cli.group("muc", section="Rooms", help="Join, speak in and administer rooms (XEP-0045).")

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
