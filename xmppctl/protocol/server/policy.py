"""XEP-0504: Data Policy. Where data are (XEP-0080, on a node of the server) is not asked."""

from __future__ import annotations

import re
from typing import Any

from xmppctl.model.disco import DiscoInfo
from xmppctl.model.jid import Jid
from xmppctl.model.server import Policy
from xmppctl.protocol import Xep, disco
from xmppctl.protocol.server.asking import fields_of, lacking
from xmppctl.session.stream import Session

XEPS = (Xep("0504", "0.1.0", "partial", "shown, without the location of the data"),)

MAIN = "urn:xmpp:data-policy:0"

_SCOPED = re.compile(r"urn:xmpp:data-policy:identity:([^:]+):([^:]+):0")
_TEXTS = (
    "auth_data", "data_transmission", "encryption_algorithm", "data_retention", "tos",
    "backup_frequency", "backup_retention",
)  # fmt: skip
_BOOLEANS = ("data_deletion", "encryption_at_rest", "data_export", "full_erasure")
_KNOWN = {*_TEXTS, *_BOOLEANS, "access_policy", "extra_info"}


async def fetch(session: Session, jid: Jid) -> list[Policy]:
    """The policy of ``jid``, and of each network behind it.

    Raises UnsupportedError where it does not tell any, RefusedError, DeadlineError.
    """
    found = read(await disco.info(session, jid))
    if not found:
        raise lacking(jid, "a data policy (XEP-0504)", "disco#info")
    return found


def read(info: DiscoInfo) -> list[Policy]:
    """The policies in what an entity tells of itself, that of the service itself first."""
    types = dict.fromkeys(form.form_type for form in info.forms)
    scopes: dict[str, str | None] = {MAIN: None} if MAIN in types else {}
    for each in types:
        match = _SCOPED.fullmatch(each or "")
        if match is not None:
            scopes[match[0]] = f"{match[1]}/{match[2]}"
    return [_policy(info, form_type, scope) for form_type, scope in scopes.items()]


def _policy(info: DiscoInfo, form_type: str, scope: str | None) -> Policy:
    values = fields_of(info, form_type) or {}
    texts: dict[str, Any] = {name: next(iter(values.get(name, [])), None) for name in _TEXTS}
    booleans: dict[str, Any] = {
        name: values.get(name, [])[:1] in (["1"], ["true"]) for name in _BOOLEANS
    }
    return Policy(
        jid=info.jid,
        scope=scope,
        **texts,
        **booleans,
        access_policy=values.get("access_policy", []),
        extra_info="\n".join(values.get("extra_info", [])) or None,
        others={name: told for name, told in values.items() if name not in _KNOWN},
    )
