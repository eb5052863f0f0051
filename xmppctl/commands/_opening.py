"""What opens encrypted messages, for the commands that show messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xmppctl import cli

if TYPE_CHECKING:
    from pathlib import Path

    from xmppctl.config.omemostate import FileState
    from xmppctl.model.openpgp import KeyStore
    from xmppctl.protocol.opening import Opener
    from xmppctl.session import Session


def opener(app: cli.App, session: Session) -> Opener:
    """Opens what comes for the account of ``session``, with the keys of this machine."""
    from xmppctl.protocol.opening import Opener

    def state() -> Path:
        from xmppctl.config import paths

        return paths.state_dir(app.env)

    def keys() -> KeyStore:
        from xmppctl.config.openpgpkeys import Store

        return Store(session.bare, app.env)

    return Opener(
        session,
        state=state,
        keys=keys,
        omemo_state=lambda: omemo_state(app, session.bare),
        tell=app.status,
    )


def omemo_state(app: cli.App, jid: str) -> FileState | None:
    """What this machine knows for OMEMO of the account; None where it has no device yet."""
    from xmppctl.config import omemostate

    path = omemostate.file(jid, app.env)
    return omemostate.FileState(path) if path.exists() else None
