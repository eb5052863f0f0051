"""Pictures that go into files, as a whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xmppctl.cli.app import App


def save(app: App, path: str, data: bytes) -> None:
    """Write ``data`` to a file, to standard output for ``-``. Raises LocalError."""
    if path == "-":
        from xmppctl.cli.stdout import stdout_errors

        with stdout_errors():
            app.stdout.buffer.write(data)
            app.stdout.buffer.flush()
        return
    from xmppctl.cli.files import Sink

    sink = Sink(Path(path), force=True)
    try:
        sink.write(data)
        sink.commit()
    finally:
        sink.discard()
