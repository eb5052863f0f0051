"""``xmppctl account``: the accounts of the configuration file, what logins left behind, and moving.

Every module of this package adds its verbs to ``cmd``; none is listed, a new one is found.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from xmppctl import cli

cmd = cli.group("account", section="Account", help="Keep accounts, and move what they hold.")

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
