"""Every setting by its name: what its text means, where it may stand, what it is by default.

A name is the option's with underscores; the environment variable is ``XMPPCTL_`` and the name in
capitals. Options, environment and file give text (or TOML values, which have one); all go
through the same parser, so that a value means the same wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from xmppctl.config import values
from xmppctl.config.paths import expand
from xmppctl.records import dataclass

Kind = Literal["text", "number", "switch", "path", "list"]

OUTPUTS = ("table", "json", "jsonl", "csv", "tsv", "plain", "nagios", "prometheus")


@dataclass(frozen=True)
class Key:
    """One setting.

    ``account`` and ``top``: whether it may stand in ``[accounts.NAME]`` and at the top of the
    file. ``option``: whether there is an option of this name.
    """

    name: str
    parse: Callable[[str], object] = str
    kind: Kind = "text"
    builtin: object = None
    account: bool = True
    top: bool = False
    option: bool = True

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"XMPPCTL_{self.name.upper()}"

    @property
    def toml_types(self) -> tuple[type, ...]:
        """The types that a value in the configuration file may have."""
        if self.kind == "switch":
            return (bool,)
        if self.kind == "number":
            return (int, float, str)
        return (str, list) if self.kind == "list" else (str,)


@dataclass(frozen=True)
class Value:
    """A setting's value, its text as a person would write it, and where it comes from."""

    value: object
    text: str | None
    origin: str


def _command(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise ValueError("the command is empty")
    return text


def _account(text: str) -> str:
    if not text:
        raise ValueError("the account name is empty")
    return text


def _wait(text: str) -> float:
    seconds = values.duration(text)
    if seconds <= 0:
        raise ValueError(f"{text!r} leaves no time at all")
    return seconds


def _one_of(*choices: str) -> Callable[[str], object]:
    return partial(values.choice, choices=choices)


KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("account", _account, account=False),
        Key("jid", values.jid),
        Key("password_file", kind="path"),
        Key("password_fd", values.number, account=False),
        Key("password_command", _command),
        Key("anonymous", kind="switch", builtin=False),
        Key("cert", kind="path"),
        Key("key", kind="path"),
        Key("resource", values.resource),
        Key("connect", values.host_port),
        Key("tls", _one_of("auto", "direct", "starttls"), builtin="auto"),
        Key("transport", _one_of("auto", "tcp", "websocket", "bosh"), builtin="auto"),
        Key("endpoint", values.endpoint),
        Key("ca_file", kind="path"),
        Key("pin", values.pin, kind="list", builtin=()),
        Key("sasl", _one_of("auto", "sasl2", "sasl1"), builtin="auto"),
        Key("sasl_mechanism", values.mechanism),
        # for one run: an account that always accepts a downgrade has no protection against it
        Key("allow_downgrade", kind="switch", builtin=False, account=False),
        Key("connect_timeout", _wait, kind="number", builtin=10.0),
        Key("timeout", _wait, kind="number", builtin=30.0, top=True),
        Key("retry", values.number, kind="number", builtin=0),
        Key("nameserver", values.nameserver, account=False, option=False),
        Key("output", _one_of(*OUTPUTS), builtin="table", account=False, top=True),
        Key("color", _one_of("auto", "always", "never"), builtin="auto", account=False, top=True),
    )
}


def convert(key: Key, raw: object, origin: str, base: Path | None = None) -> Value:
    """The value of ``key`` from what an option, a variable or the file gave.

    ``base``: where relative paths start (the working directory by default). Raises ValueError.
    """
    if key.kind == "switch":
        on = raw if isinstance(raw, bool) else values.boolean(str(raw))
        return Value(on, "true" if on else "false", origin)
    if key.kind == "list":
        texts = _texts(raw)
        return Value(tuple(key.parse(text) for text in texts), " ".join(texts), origin)
    text = as_text(raw)
    if key.kind == "path":
        path = expand(text, base)
        return Value(path, str(path), origin)
    return Value(key.parse(text), text, origin)


def as_text(raw: object) -> str:
    """``raw`` as a person would write it: the parsers of options may have been there before."""
    if isinstance(raw, bytes):
        return f"sha256:{raw.hex()}"
    if isinstance(raw, float):
        return f"{raw:.12g}"
    if isinstance(raw, tuple) and len(raw) == 2 and isinstance(raw[1], int):
        host, port = raw
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return str(raw)


def builtin(key: Key) -> Value:
    """What holds where nothing was given."""
    default = key.builtin
    if isinstance(default, bool):
        text: str | None = "true" if default else "false"
    else:
        text = None if default in (None, ()) else as_text(default)
    return Value(default, text, "built-in")


def _texts(raw: object) -> list[str]:
    if isinstance(raw, (list, tuple)):
        return [as_text(item) for item in raw]
    # A variable holds several values in one text. The bytes of a pin may be parted by blanks
    # too, so a value starts only where its algorithm does.
    return [part.strip() for part in re.split(r"[,\s]+(?=sha)", as_text(raw).strip(", "))]


def as_toml(key: Key, value: Value) -> bool | int | float | str | list[str]:
    """What stands for ``value`` in the configuration file; paths are absolute."""
    if isinstance(value.value, bool):
        return value.value
    if isinstance(value.value, (int, float)):
        return int(value.value) if value.value == int(value.value) else value.value
    if isinstance(value.value, tuple) and key.kind == "list":
        return [as_text(item) for item in value.value]
    return value.text or ""
