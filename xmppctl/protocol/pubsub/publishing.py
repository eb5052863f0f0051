"""XEP-0060 §7.1: publishing items one by one, each with an outcome of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from xmppctl.errors import UsageError, XmppctlError
from xmppctl.model.jid import Jid
from xmppctl.model.pubsub import Published
from xmppctl.protocol import forms, pep
from xmppctl.protocol.pubsub.asking import flight, is_error, name_of, query
from xmppctl.protocol.pubsub.configuring import PREFIX, form_of, named
from xmppctl.session.stream import Session

_AT_ONCE = 50


class Draft(NamedTuple):
    """What is to be published; without ``item`` the publication carries none.

    ``payload`` None is an item that has none; ``id`` None leaves it to the service.
    """

    id: str | None
    payload: Element | None
    item: bool = True


async def options(
    session: Session, service: Jid | None, given: forms.Answers
) -> dict[str, Sequence[str]]:
    """Publish options by their names without prefix, checked by what the service knows.

    One server drops what it does not know without a word, where it has to refuse (§7.1.5).
    Raises UsageError for an unknown name and a value that the field does not take.
    """
    (answer,) = await flight(session, service, [("get", query("default", owner=True)[0])])
    if is_error(answer):  # a service need not tell; the names are checked by itself then
        return {name.removeprefix(PREFIX): list(values) for name, values in given.items()}
    form = form_of(session, service, answer, "default", "the default configuration")
    try:
        checked = named(form, given)
    except UsageError as error:
        error.text = error.text.replace("nothing was submitted", "nothing was published")
        raise
    return {name.removeprefix(PREFIX): values for name, values in checked.items()}


async def publish(
    session: Session,
    service: Jid | None,
    node: str,
    drafts: Sequence[Draft],
    with_options: pep.Want | None = None,
) -> AsyncGenerator[Published, None]:
    """Publish each of ``drafts``; a failure is the ``error`` of its record.

    Raises DeadlineError and what ends the stream.
    """
    by = name_of(session, service)
    for begin in range(0, len(drafts), _AT_ONCE):
        now = drafts[begin : begin + _AT_ONCE]
        answers = await flight(
            session,
            service,
            [("set", pep.publication(node, _item(each), with_options)) for each in now],
        )
        for draft, answer in zip(now, answers, strict=True):
            if is_error(answer):
                error: XmppctlError = await pep.refused(session, service, node, answer)
                yield Published(by, node, draft.id, error.info())
            else:
                yield Published(by, node, pep.published(answer, draft.id))


def _item(draft: Draft) -> Element | None:
    return pep.holder(draft.id, draft.payload) if draft.item else None
