"""The own device in a file: what moves it to another machine.

The ratchets of two copies would use the same keys, and neither could read what is for the other:
a device is to be on one machine alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from xmppctl.errors import LocalError, UsageError
from xmppctl.protocol.omemo import STEP

if TYPE_CHECKING:
    from xmppctl.model.omemostate import State

_FORMAT = "xmppctl-omemo-1"


def dump(state: State, jid: str) -> str:
    """All that makes the device, as JSON."""
    values = {key: json.loads(value) for key, value in state.items("")}
    return json.dumps({"format": _FORMAT, "jid": jid, "state": values}) + "\n"


def load(text: bytes, jid: str) -> dict[str, Any]:
    """What ``dump`` wrote of this account. Raises UsageError."""
    try:
        found = json.loads(text)
        if found["format"] != _FORMAT or not isinstance(found["state"], dict):
            raise ValueError("another format")
        values: dict[str, Any] = found["state"]
        int(values["/own_device_id"])
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            "that is no export of an OMEMO device", step=STEP, condition="malformed"
        ) from None
    if found.get("jid") != jid:
        raise UsageError(f"that is a device of {found.get('jid')}, not of {jid}", step=STEP)
    return values


def restore(state: State, values: dict[str, Any], *, replace: bool) -> None:
    """Make the state what ``values`` are. Raises LocalError where a device is there already."""
    with state.transaction():
        before = [key for key, _ in state.items("")]
        if state.load("/own_device_id") is not None and not replace:
            raise LocalError(
                "this machine has an OMEMO device for the account already",
                step=STEP,
                condition="conflict",
                hint="--replace puts the other one in its place: its keys are lost",
            )
        for key in before:
            state.delete(key)
        for key, value in values.items():
            state.store(key, json.dumps(value))
