"""``xmppctl omemo``: devices for end-to-end encryption, and whom their keys belong to.

Every module of this package adds its verbs to ``cmd``; none is listed, a new one is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xmppctl import cli
from xmppctl.cli.modules import modules

if TYPE_CHECKING:
    from xmppctl.config.omemostate import FileState
    from xmppctl.protocol.omemo.manager import Omemo
    from xmppctl.session import Session

cmd = cli.group(
    "omemo",
    section="Encryption",
    help="Devices and keys of end-to-end encryption (XEP-0384).",
    home=__name__,
    modules=modules(__path__),
)


def state_of(app: cli.App, session: Session) -> FileState:
    """What this machine knows for OMEMO of the account; made where there is nothing yet."""
    from xmppctl.config import omemostate

    return omemostate.FileState(omemostate.file(session.bare, app.env))


def known_state(app: cli.App) -> FileState | None:
    """The same without a session; None where there is nothing yet."""
    from xmppctl.config import omemostate

    path = omemostate.file(str(app.account.jid.bare), app.env)
    return omemostate.FileState(path) if path.exists() else None


def omemo_of(app: cli.App, session: Session) -> Omemo:
    """OMEMO of the account."""
    from xmppctl.protocol.omemo.manager import Omemo

    return Omemo(session, state_of(app, session))


def require() -> None:
    """Raise UsageError where the extra is not installed."""
    from xmppctl.protocol import omemo

    omemo.require()
