"""XEP-0402 and XEP-0048: bookmarks, in whichever stores a server keeps them.

Three stores may hold bookmarks, and servers connect them in different ways (XEP-0402 §5.3,
XEP-0411). All are read; a new bookmark goes into the newest of them, and one that is there is
changed wherever it stands, so that no client sees an old one.
"""

from __future__ import annotations

from xmppctl.protocol import Xep

XEPS = (
    Xep("0048", "1.2", "complete"),
    Xep("0402", "1.2.0", "complete", "no room is joined because of a bookmark"),
    Xep("0411", "1.1.0", "complete"),
)

NS = "urn:xmpp:bookmarks:1"
NS_LEGACY = "storage:bookmarks"

CONFERENCE = f"{{{NS}}}conference"
EXTENSIONS = f"{{{NS}}}extensions"

STORAGE = f"{{{NS_LEGACY}}}storage"
ROOM = f"{{{NS_LEGACY}}}conference"
PAGE = f"{{{NS_LEGACY}}}url"

STEP = "bookmarks"
