"""What servers tell about themselves: the questions that the modules about it share."""

from __future__ import annotations

from collections.abc import Collection
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.jid import Jid
from xmppctl.protocol import disco
from xmppctl.session.conditions import stanza_error
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session


async def ask(
    session: Session,
    server: Jid,
    payload: Element,
    *,
    feature: str,
    named: str,
    step: str,
    what: str,
    tags: Collection[str] = (),
) -> Element:
    """The payload of the result that ``server`` answers to ``payload``, of the same tag.

    ``tags``: others that it may have. Whether it has the ``feature`` at all, disco#info tells in
    the same flight; ``named`` is the feature in words. Raises UnsupportedError where it has not,
    RefusedError, DeadlineError.
    """
    info, question = (
        session.ask(disco.info_request(None), to=server),
        session.ask(payload, to=server),
    )
    session.send(info.element, question.element)
    try:
        told = await session.answer(info, step="disco#info")
        query = disco.answered(told, str(server))
        if feature not in disco.read_info(query, str(server), None).features:
            raise lacking(server, named, step)
        answer = await session.answer(question, step=step)
    finally:
        session.forget(question)
    if answer.get("type") == "error":
        error = stanza_error(answer, what)
        error.step, error.by = step, error.by or str(server)
        raise error
    found = next(iter(answer), None)
    if found is None or found.tag not in (payload.tag, *tags):
        raise misread(f"{what} is missing", server, step)
    return found


def lacking(server: Jid | str, named: str, step: str) -> UnsupportedError:
    """``server`` does not offer what is called ``named``."""
    return UnsupportedError(
        f"{server} does not offer {named}",
        step=step,
        condition="feature-not-implemented",
        by=str(server),
    )


def misread(text: str, server: Jid | str, step: str) -> RefusedError:
    """An answer of ``server`` that cannot be understood."""
    error = malformed(text, str(server))
    error.step = step
    return error


def fields_of(info: DiscoInfo, form_type: str) -> dict[str, list[str]] | None:
    """The values by field of all forms of that type; None where there is none.

    A host has several where more than one of its modules tells something (XEP-0128).
    """
    found = [form for form in info.forms if form.form_type == form_type]
    if not found:
        return None
    values: dict[str, dict[str, None]] = {}
    for form in found:
        for field in form.fields:
            told = (value.strip() for value in field.values)
            values.setdefault(field.var, {}).update(dict.fromkeys(v for v in told if v))
    return {var: list(each) for var, each in values.items()}


def number(text: str | None) -> int | None:
    """A whole number that is not negative, as an attribute or a field has it; None for others."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
