"""The functions that chat libraries have as plugins: which commands serve each, proven by what.

Commands and tests that are not there are an error of the build (``check``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple


class Plugin(NamedTuple):
    """One function; ``tests`` are modules of tests/integration, without ``test_`` and ``.py``."""

    name: str
    specification: str
    commands: tuple[str, ...]
    tests: tuple[str, ...]


PLUGINS = (
    Plugin("block", "XEP-0191, XEP-0377", ("block",), ("block",)),
    Plugin(
        "bookmark",
        "XEP-0402, XEP-0048, XEP-0049, XEP-0411",
        ("bookmark",),
        ("bookmark",),
    ),
    Plugin("entity-time", "XEP-0202", ("entity time",), ("entity",)),
    Plugin(
        "http-file-upload",
        "XEP-0363",
        ("upload", "fetch"),
        ("upload", "upload_hostile", "fetch", "fetch_hostile"),
    ),
    Plugin(
        "message",
        "RFC 6120, RFC 6121, XEP-0198",
        ("send", "listen"),
        ("send", "send_truth", "send_delivery", "send_fate", "listen"),
    ),
    Plugin(
        "message-archive",
        "XEP-0313, XEP-0059, XEP-0441",
        ("mam",),
        ("mam", "mam_archives", "mam_questions", "mam_export"),
    ),
    Plugin(
        "message-carbons",
        "XEP-0280, XEP-0297",
        ("listen", "send"),
        ("listen", "send_delivery", "trust"),
    ),
    Plugin(
        "message-state",
        "XEP-0184, XEP-0333, ngxchat:contactmessagestates",
        ("send", "unread state"),
        ("send_delivery", "unread"),
    ),
    Plugin("message-uuid", "XEP-0359", ("send", "mam query"), ("send", "mam", "trust")),
    Plugin(
        "muc-sub",
        "urn:xmpp:mucsub:0",
        ("muc subscribe", "muc unsubscribe", "muc subscriptions", "muc subscribers"),
        ("muc_sub",),
    ),
    Plugin(
        "multi-user-chat",
        "XEP-0045, XEP-0249, XEP-0410, XEP-0421",
        ("muc",),
        ("muc_create", "muc_join", "muc_people", "muc_presence", "muc_rooms", "send_room"),
    ),
    Plugin("ping", "XEP-0199, XEP-0410", ("ping",), ("ping",)),
    Plugin(
        "publish-subscribe",
        "XEP-0060, XEP-0163, XEP-0222, XEP-0223",
        ("pubsub", "pep"),
        ("pubsub_data", "pubsub_subs", "pubsub_watch", "pep"),
    ),
    Plugin("push", "XEP-0357", ("push",), ("push",)),
    Plugin(
        "registration",
        "XEP-0077, XEP-0158, XEP-0445",
        ("register",),
        ("register", "register_captcha", "register_odd", "register_service", "register_tokens"),
    ),
    Plugin(
        "roster",
        "RFC 6121, XEP-0083, XEP-0144, XEP-0145, XEP-0209, XEP-0237",
        ("roster", "presence"),
        ("roster", "roster_list", "roster_data", "roster_exchange", "roster_subscription",
         "presence"),
    ),
    Plugin("service-discovery", "XEP-0030, XEP-0128", ("disco",), ("disco",)),
    Plugin(
        "unread-message-count",
        "XEP-0490, ngxchat:unreadmessagedate",
        ("unread",),
        ("unread",),
    ),
)  # fmt: skip


def check(paths: Collection[str], tests: Path) -> Iterator[str]:
    """What a plugin names and is not there; ``paths`` are all commands and verbs."""
    for plugin in PLUGINS:
        for command in plugin.commands:
            if command not in paths:
                yield f"{plugin.name}: no command {command}"
        for name in plugin.tests:
            if not (tests / f"test_{name}.py").is_file():
                yield f"{plugin.name}: no test {name}"


def table() -> str:
    """The rows for ``docs/xeps.md``."""
    lines = ["| Plugin | Specified by | Commands | Tests |", "|---|---|---|---|"]
    for plugin in PLUGINS:
        commands = ", ".join(f"`{each}`" for each in plugin.commands)
        tests = ", ".join(f"[{n}](../tests/integration/test_{n}.py)" for n in plugin.tests)
        lines.append(f"| {plugin.name} | {plugin.specification} | {commands} | {tests} |")
    return "\n".join(lines)
