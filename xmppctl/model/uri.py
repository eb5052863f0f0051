"""RFC 5122 and XEP-0147: ``xmpp:`` URIs, what they ask for, and which command does that.

Nothing here is carried out. What comes from a URI is a stranger's: it chooses no account, and the
command that is shown has it where it cannot be taken for an option.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Annotated, ClassVar

from xmppctl.errors import ErrorInfo, UsageError
from xmppctl.model.jid import Jid
from xmppctl.model.jid import parse as parse_jid
from xmppctl.model.xep import Xep
from xmppctl.records import dataclass

XEPS = (Xep("0147", "1.2", "partial", "shown with the command for it, not carried out"),)

_LONGEST = 10_000
_BAD_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_NAME = re.compile(r"[A-Za-z0-9._~+-]+")


@dataclass(frozen=True)
class UriParam:
    """A parameter of a URI."""

    name: Annotated[str, "its key"]
    value: Annotated[str, "its value, decoded; empty where it has none"]

    def __str__(self) -> str:
        """For a table."""
        return f"{self.name}={self.value}"


@dataclass(frozen=True)
class Uri:
    """What an ``xmpp:`` URI says."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "action", "pairs", "command", "error")

    uri: Annotated[str, "the URI itself"]
    jid: Annotated[str | None, "the entity that it is about; null where it is none"] = None
    action: Annotated[str | None, "what it asks for, its query type, such as message"] = None
    params: Annotated[dict[str, str], "its parameters, decoded; the first of several"] = field(
        default_factory=dict
    )
    pairs: Annotated[list[UriParam], "all its parameters, in their order"] = field(
        default_factory=list
    )
    known: Annotated[bool, "whether the query type is registered"] = False
    account: Annotated[str | None, "account that it wants to be used; no command here heeds it"] = (
        None
    )
    fragment: Annotated[str | None, "what stands behind #"] = None
    command: Annotated[str | None, "the command line that does it, for a shell; null: none"] = None
    error: Annotated[ErrorInfo | None, "why it cannot be read, null where it can"] = None


@dataclass(frozen=True)
class MadeUri:
    """A URI that was made."""

    PLAIN: ClassVar[str] = "uri"

    uri: Annotated[str, "the URI"]
    jid: Annotated[str, "the entity that it is about"]
    action: Annotated[str | None, "what it asks for"]
    pairs: Annotated[list[UriParam], "its parameters"]


def parse(text: str) -> Uri:
    """The URI or IRI, as RFC 5122 §2.2 has it. Raises ValueError with a sentence."""
    if len(text) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST} characters")
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zs", "Zl", "Zp") for char in text):
        raise ValueError("it contains a space or control character, which a URI has encoded")
    scheme, colon, rest = text.partition(":")
    if not colon or scheme.lower() != "xmpp":
        raise ValueError("it does not begin with xmpp:")
    rest, hash_, fragment = rest.partition("#")
    path, question, query = rest.partition("?")
    account = None
    if path.startswith("//"):
        authority, _, path = path[2:].partition("/")
        account = str(parse_jid(_decoded(authority, "account")))
    jid = parse_jid(_decoded(path, "JID")) if path else None
    if jid is None and account is None:
        raise ValueError("it names no JID")
    action, *rests = query.split(";") if question else [""]
    pairs = []
    for each in rests:
        name, _, value = each.partition("=")
        if name:
            pairs.append(UriParam(_decoded(name, "key"), _decoded(value, "value", lines=True)))
    params = {each.name: each.value for each in reversed(pairs)}
    kind = _decoded(action, "query type") or None
    about = jid if jid is not None else parse_jid(account or "")
    return Uri(
        uri=text,
        jid=str(about),
        action=kind,
        params={each.name: params[each.name] for each in pairs},
        pairs=pairs,
        known=kind in _COMMANDS,
        account=account if jid is not None else None,
        fragment=_decoded(fragment, "fragment") if hash_ else None,
        command=_command(about, kind, pairs),
    )


def make(jid: Jid, action: str | None, pairs: Sequence[tuple[str, str]]) -> MadeUri:
    """A URI that asks for ``action``. Raises ValueError with a sentence."""
    from urllib.parse import quote

    if action is not None and _NAME.fullmatch(action) is None:
        raise ValueError(f"{action!r} is not the name of an action")
    text = "" if jid.local is None else f"{quote(jid.local, safe='')}@"
    text += quote(jid.domain, safe="[]:")
    if jid.resource is not None:
        text += f"/{quote(jid.resource, safe='')}"
    query = ""
    for name, value in pairs:
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} is not the name of a parameter")
        query += f";{name}={quote(value, safe='')}"
    made = f"xmpp:{text}" + (f"?{action or ''}{query}" if action or query else "")
    parse(made)  # what nobody could read is not made
    return MadeUri(made, str(jid), action, [UriParam(*pair) for pair in pairs])


def failed(text: str, reason: str) -> Uri:
    """The record of a text that is no URI."""
    error = UsageError(
        f"{text[:200]!r} is not an xmpp: URI: {reason}", step="input", condition="malformed-uri"
    )
    return Uri(uri=text, error=error.info())


def _decoded(text: str, what: str, *, lines: bool = False) -> str:
    from urllib.parse import unquote_to_bytes

    if _BAD_PERCENT.search(text):
        raise ValueError(f"the {what} has a % that encodes nothing")
    try:
        value = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise ValueError(f"the {what} is not UTF-8") from None
    for char in value:
        kind = unicodedata.category(char)
        if kind in ("Cc", "Cs") and not (lines and char in "\t\r\n"):
            raise ValueError(f"the {what} contains the control character U+{ord(char):04X}")
    return value


# --- which command does it

_Params = Mapping[str, list[str]]
_Words = list[str] | None


def _command(jid: Jid, action: str | None, pairs: Sequence[UriParam]) -> str | None:
    import shlex

    params: dict[str, list[str]] = {}
    for each in pairs:
        params.setdefault(each.name, []).append(each.value)
    choose = _COMMANDS.get(action or "")
    words = choose(jid, params) if choose is not None else None
    if words is None:
        return None
    line = shlex.join(["xmppctl", *words])
    if action in ("join", "invite") and params.get("password"):
        # a password is no argument, which others on the machine could read
        line = f"XMPPCTL_ROOM_PASSWORD={shlex.quote(params['password'][0])} {line}"
    return line


def _options(params: _Params, **names: str) -> list[str]:
    """``--option=value`` for the parameters that are there and not empty."""
    return [
        f"--{option.replace('_', '-')}={value}"
        for option, name in names.items()
        for value in params.get(name, [])[:1]
        if value
    ]


def _message(jid: Jid, params: _Params) -> _Words:
    """Behind the -- of ``send`` stands the text alone; without one it is standard input."""
    body = (params.get("body") or [""])[0]
    options = _options(params, subject="subject", thread="thread", id="id")
    kind = (params.get("type") or [""])[0]
    if kind == "groupchat":
        return ["muc", "send", "--", str(jid.bare), *([body] if body else [])]
    options += [f"--type={kind}"] if kind in ("chat", "normal", "headline") else []
    to = str(jid)
    if to.startswith("-"):
        to = make(jid, None, []).uri
    return ["send", *options, to, *(["--", body] if body else ["-"])]


def _roster(jid: Jid, params: _Params) -> _Words:
    groups = [f"--group={each}" for each in params.get("group", []) if each]
    options = _options(params, name="name", token="preauth")
    return ["roster", "add", *options, *groups, "--", str(jid.bare)]


def _register(jid: Jid, params: _Params) -> _Words:
    token = _options(params, token="preauth")
    if token:
        return ["register", "create", *token, "--", str(jid.bare)]
    return ["register", "form", "--", str(jid.bare)]


def _invite(jid: Jid, params: _Params) -> _Words:
    try:
        people = [str(parse_jid(each)) for each in params.get("jid", [])]
    except ValueError:
        return None
    return ["muc", "invite", "--", str(jid.bare), *people] if people else None


def _pubsub(jid: Jid, params: _Params) -> _Words:
    action, node = (params.get(name, [""])[0] for name in ("action", "node"))
    verb = {
        "subscribe": "subscribe",
        "unsubscribe": "unsubscribe",
        "retrieve": "items",
        "": "items",
    }
    if not node or action not in verb:
        return None
    items = _options(params, id="item") or _options(params, id="id")
    return ["pubsub", verb[action], *(items if verb[action] == "items" else []), "--",
            str(jid), node]  # fmt: skip


def _adhoc(jid: Jid, params: _Params) -> _Words:
    node = params.get("node", [""])[0]
    return ["adhoc", "run", "--", str(jid), node] if node else ["adhoc", "list", "--", str(jid)]


def _disco(jid: Jid, params: _Params) -> _Words:
    verb = params.get("request", ["info"])[0]
    if verb not in ("info", "items"):
        return None
    return ["disco", verb, *_options(params, node="node"), "--", str(jid)]


def _verb(*words: str) -> Callable[[Jid, _Params], _Words]:
    return lambda jid, params: [*words, "--", str(jid.bare)]


def _none(jid: Jid, params: _Params) -> _Words:
    return None


_COMMANDS: dict[str | None, Callable[[Jid, _Params], _Words]] = {
    "": lambda jid, params: _pubsub(jid, params) if "node" in params else None,
    "command": _adhoc,
    "disco": _disco,
    "invite": _invite,
    "join": _verb("muc", "join"),
    "message": _message,
    "pubsub": _pubsub,
    "recvfile": _none,
    "register": _register,
    "remove": _verb("roster", "remove"),
    "roster": _roster,
    "sendfile": _none,
    "subscribe": lambda jid, params: [
        "roster", "subscribe", *_options(params, token="preauth"), "--", str(jid.bare),
    ],
    "unregister": _verb("register", "cancel"),
    "unsubscribe": _verb("roster", "cancel"),
    "vcard": _verb("vcard", "get"),
}  # fmt: skip
"""The registered query types."""
