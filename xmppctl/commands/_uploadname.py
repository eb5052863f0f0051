"""Names of files that are uploaded, and what they say of them."""

from __future__ import annotations

import mimetypes
import os
import re
from pathlib import Path

from xmppctl.cli.params import is_text
from xmppctl.errors import UsageError

ANY_TYPE = "application/octet-stream"
_PACKED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}")


def media_type(name: str) -> str:
    """What kind of file has this name."""
    found, packed = mimetypes.guess_type(name)
    if packed is not None:
        return _PACKED.get(packed, ANY_TYPE)
    return found or ANY_TYPE


def check_name(name: str) -> None:
    """Raise UsageError for a name that an upload cannot have."""
    from xmppctl.session.xml import illegal_character

    wrong = next((char for char in name if char < " " or char in "/\x7f"), None)
    if not is_text(name) or wrong is not None or illegal_character(name) is not None:
        raise UsageError(
            f"{name!r} can be the name of no upload",
            step="input",
            condition="bad-name",
            hint="--name gives it another",
        )


def hidden(name: str) -> str:
    """A name that says nothing, but by its end, which clients tell the kind of file by."""
    ending = Path(name).suffix
    return os.urandom(12).hex() + (ending if _ENDING.fullmatch(ending) else "")
