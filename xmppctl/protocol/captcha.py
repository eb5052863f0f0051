"""XEP-0158: CAPTCHA Forms: which questions of a form are challenges, which are to be answered.

Pictures are bits of binary (XEP-0231) that a form's field points to (XEP-0221); hashcash (§6.2) is
work that needs nobody. What is to be heard or seen on the web is only named.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import threading
from collections.abc import Container, Mapping
from dataclasses import replace

from xmppctl.errors import RefusedError, XmppctlError
from xmppctl.model.form import Form, FormField
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.register import Challenge
from xmppctl.protocol import Xep, bob
from xmppctl.session.stream import Session

XEPS = (Xep("0158", "1.0.1", "partial", "what is to be heard or seen on the web is only named"),)

NS = "urn:xmpp:captcha"
HASHCASH = "SHA-256"
MAX_BITS = 24
"""The hardest hashcash that is tried: some 16 million hashes, which take about 20 seconds."""

_TYPES = frozenset(
    {
        "audio_recog", "ocr", "picture_q", "picture_recog", "qa", "speech_q", "speech_recog",
        "video_q", "video_recog", HASHCASH,
    }
)  # fmt: skip
_FALLBACK = "captcha-fallback-url"
_ATTEMPTS = 40
"""Times the expected number of hashes: none has been found then once in 10^17 cases."""


def challenges(form: Form) -> list[FormField]:
    """The fields of a form that are challenges (§6)."""
    return [f for f in _visible(form) if f.var in _TYPES or f.media]


def read(form: Form, oob_url: str | None = None) -> Challenge | None:
    """The challenge of a form, None where it has none."""
    fields = challenges(form)
    if not fields:
        return None
    url = _value(form, _FALLBACK) or oob_url
    if url is None:
        uris = [media.uri for field in fields for media in field.media]
        url = next((uri for uri in uris if uri.lower().startswith(("http:", "https:"))), None)
    return Challenge(
        _value(form, "challenge"), _value(form, "from"), _value(form, "sid"), fields, url
    )


def outstanding(form: Form, given: Container[str]) -> list[FormField]:
    """The challenges that still need an answer (§3.2), where ``given`` have one.

    All required ones, and of the others as many as the form's ``answers`` ask for, but one at
    least where none is required; hashcash before what needs a person.
    """
    fields = challenges(form)
    required = [field for field in fields if field.required]
    optional = [field for field in fields if not field.required]
    optional.sort(key=lambda field: (field.var not in given, not solvable(field)))
    count = 0 if required else 1
    wanted = _value(form, "answers") or ""
    if wanted.isascii() and wanted.isdigit():
        count = max(count, int(wanted[:4]) - sum(f.required for f in _visible(form)))
    return [field for field in required + optional[:count] if field.var not in given]


def solvable(field: FormField) -> bool:
    """Whether it is hashcash of a bearable difficulty."""
    if field.var != HASHCASH:
        return False
    try:
        return _target(field.label or "")[1] <= MAX_BITS
    except ValueError:
        return False


async def hashcash(jid: str, field: FormField) -> str:
    """The answer to a SHA-256 challenge (§6.2) about something sent to ``jid``.

    Raises RefusedError where it cannot be read or is harder than MAX_BITS.
    """
    if not solvable(field):
        raise RefusedError(
            f"the hashcash challenge {field.label!r} is none, or one of more than {MAX_BITS} bits",
            step="captcha",
            condition="not-acceptable",
        )
    stop = threading.Event()
    try:
        return await asyncio.to_thread(search, jid, field.label or "", stop)
    finally:
        stop.set()


def search(jid: str, label: str, stop: threading.Event | None = None) -> str:
    """A text that begins with ``jid`` and whose SHA-256 ends in the bits of ``label``."""
    target, bits = _target(label)
    mask = (1 << bits) - 1
    length = (bits + 7) // 8
    start = f"{jid}{secrets.token_hex(8)}"
    begun = hashlib.sha256(start.encode())
    for number in range(_ATTEMPTS << bits):
        text = format(number, "x")
        attempt = begun.copy()
        attempt.update(text.encode())
        if int.from_bytes(attempt.digest()[-length:], "big") & mask == target:
            return start + text
        if not number & 0xFFFF and stop is not None and stop.is_set():
            break
    raise RefusedError("no hashcash was found", step="captcha", condition="not-acceptable")


def _target(label: str) -> tuple[int, int]:
    """The number of a label and its bits. Raises ValueError."""
    if not re.fullmatch("[0-9A-Fa-f]{1,64}", label):
        raise ValueError(label)
    number = int(label, 16)
    return number, number.bit_length()


async def picture(
    session: Session, field: FormField, known: Mapping[str, bob.Data], to: Jid | str | None
) -> tuple[int, bob.Data] | None:
    """The data of a field's media, and their place in ``field.media``.

    The URIs of a media element are one thing in several forms (XEP-0221 §3), so the first that is
    a content id is asked for; nothing is fetched from the web.
    """
    for place, media in enumerate(field.media):
        cid = bob.cid_of(media.uri)
        if cid is None:
            continue
        if cid in known:
            return place, known[cid]
        try:
            return place, await bob.fetch(session, cid, to)
        except XmppctlError as error:
            session.trace.note(error.text)
            return None
    return None


def saved(challenge: Challenge, paths: Mapping[tuple[str, int], str]) -> Challenge:
    """The challenge with the files of its media, by field name and place."""
    fields = [
        replace(
            field,
            media=[
                replace(media, path=paths.get((field.var or "", place)))
                for place, media in enumerate(field.media)
            ],
        )
        for field in challenge.fields
    ]
    return replace(challenge, fields=fields)


def speaks_for(sender: str, challenger: str) -> bool:
    """Whether they are one entity, or the domain and somebody that belongs to it (§3.1.3)."""
    if not sender or not challenger:
        return False
    by, of = lenient(sender), lenient(challenger)
    return by.bare == of.bare or (by.is_domain and by.domain == of.domain)


def _visible(form: Form) -> list[FormField]:
    return [field for field in form.fields if field.type not in ("hidden", "fixed")]


def _value(form: Form, name: str) -> str | None:
    found = (field.values for field in form.fields if field.var == name)
    return next((values[0] for values in found if values and values[0]), None)
