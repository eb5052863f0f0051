"""What is left of a bug of ours: a private file with the traceback."""

from __future__ import annotations

import traceback
from datetime import UTC
from pathlib import Path

KEPT = 20


def record(error: BaseException, command: str) -> Path:
    """Write the traceback of ``error`` to a new file of mode 0600 in the state directory.

    Arguments and local variables are left out: they hold what people wrote to each other. Only
    the last KEPT files stay. Raises LocalError where nothing can be written.
    """
    import platform
    from datetime import datetime

    from xmppctl import __version__
    from xmppctl.config import paths

    directory = paths.ensure_private_dir(paths.state_dir())
    now = datetime.now(UTC)
    file = directory / f"crash-{now:%Y%m%dT%H%M%S}-{now.microsecond:06}.txt"
    lines = [
        f"xmppctl {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"command: {command}",
        "".join(traceback.format_exception(error)),
    ]
    paths.write_private(file, "\n".join(lines).encode("utf-8", "backslashreplace"))
    for old in sorted(directory.glob("crash-*.txt"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return file
