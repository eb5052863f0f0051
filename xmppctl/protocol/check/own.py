"""What the account itself needs of its server: contacts, archive, copies, blocking, push, nodes."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import blocking, carbons, forms, pep, push, roster, rsm
from xmppctl.protocol.check.facts import OPTIONAL, Facts, Lacking, absent, announced, judge, some
from xmppctl.protocol.mam import query as mam
from xmppctl.protocol.pubsub import NS, STEP, configuring
from xmppctl.protocol.pubsub.asking import PEP, flight, glance, is_error, is_service, query

_NODE = "urn:xmppctl:check:"
_PAYLOAD = "{urn:xmppctl:check}check"
_OPTIONS = f"{NS}#publish-options"

_OWN = {"persist_items": "1", "access_model": "whitelist"}
"""What a node for oneself has to be; of the options of XEP-0223 those that every server takes."""


def _wanted(what: str) -> Lacking:
    return Lacking("warn", False, f"users of today expect {what}: enable it")


async def contacts(facts: Facts) -> None:
    """roster.get."""

    async def work() -> None:
        found = await roster.fetch(facts.session)
        facts.context.tell(
            "roster.get",
            target,
            "ok",
            f"the list can be read: {some(len(found), 'contact')}",
            value=len(found),
            unit="contacts",
        )

    target = facts.who
    await judge(facts, "roster.get", target, work(), _wanted("a contact list"))


async def archive(facts: Facts) -> None:
    """mam.archive: how many messages the own archive has."""

    async def work() -> None:
        own = mam.Archive(facts.session)
        page = await facts.offered(
            mam.NS, "a message archive (XEP-0313)", own.page({}, rsm.request(maximum=0))
        )
        count = page.bounds.count
        words = (
            "the archive answers"
            if count is None
            else f"the archive holds {some(count, 'message')}"
        )
        facts.context.tell(
            "mam.archive",
            target,
            "ok",
            words,
            value=True if count is None else count,
            unit=None if count is None else "messages",
        )

    target = facts.who
    await judge(facts, "mam.archive", target, work(), _wanted("an archive (Prosody: mam)"))


async def copies(facts: Facts) -> None:
    """carbons.enable: offered, and switched on for this session, which ends with the checks."""

    async def work() -> None:
        await facts.offered(carbons.NS, "message carbons (XEP-0280)", enable())
        facts.context.tell("carbons.enable", target, "ok", "can be enabled", value=True)

    async def enable() -> None:
        if facts.session.carbons:
            return
        pending = facts.session.ask(Element(carbons.ENABLE), type="set")
        facts.session.send(pending.element)
        answer = await facts.session.answer(pending, step="carbons")
        carbons.check(answer, facts.session.domain)

    target = facts.who
    await judge(facts, "carbons.enable", target, work(), _wanted("carbons (Prosody: carbons)"))


async def blocked(facts: Facts) -> None:
    """blocking.list."""

    async def work() -> None:
        found = await facts.offered(
            blocking.NS, "a block list (XEP-0191)", blocking.fetch(facts.session)
        )
        facts.context.tell(
            "blocking.list",
            target,
            "ok",
            f"the list can be read: {some(len(found), 'JID')}",
            value=len(found),
            unit="JIDs",
        )

    target = facts.who
    await judge(facts, "blocking.list", target, work(), _wanted("blocking (Prosody: blocklist)"))


async def pushing(facts: Facts) -> None:
    """push.offered: whether; nothing is enabled, which would need a push service."""

    async def work() -> None:
        if push.NS not in await facts.features():
            raise absent(facts.session.domain, "push notifications (XEP-0357)")
        facts.context.tell("push.offered", target, "ok", "offered", value=True)

    target = facts.who
    await judge(facts, "push.offered", target, work(), OPTIONAL)


# --- nodes (XEP-0163, XEP-0223)


async def publishing(facts: Facts) -> None:
    """pep.publish: a node of its own, private, with one item; read back and deleted.

    All in one flight, which an entity handles in its order (RFC 6120 §10.1): whatever becomes of
    this run, the deletion is on its way with the rest.
    """

    async def work() -> None:
        offer = await facts.info(facts.session.bare)
        if not is_service(offer):
            raise absent(facts.session.bare, PEP)
        with announced():
            await _publish(facts, target, by_options=_OPTIONS in offer.features)

    target = facts.who
    lacking = _wanted("nodes for avatars, bookmarks and keys (Prosody: pep; ejabberd: mod_pubsub)")
    await judge(facts, "pep.publish", target, work(), lacking)


async def _publish(facts: Facts, target: str, *, by_options: bool) -> None:
    session = facts.session
    node = _NODE + secrets.token_hex(8)
    item = pep.holder("current", Element(_PAYLOAD))
    asked: list[tuple[str, Element]] = [
        ("get", each) for each in (_configuration(node), glance(node))
    ]
    if by_options:
        asked.insert(0, ("set", pep.publication(node, item, _OWN)))
    else:
        asked[:0] = [("set", _creation(node)), ("set", pep.publication(node, item, None))]
    *made, form, back, deleted = await flight(session, None, [*asked, ("set", _deletion(node))])
    for answer in made:
        if is_error(answer):
            raise await pep.refused(session, None, node, answer)
    if is_error(deleted):
        await session.request(
            _deletion(node), type="set", step=STEP, what=f"deleting the node {node}"
        )
    access = _access(facts, form, node)
    if access is None:
        text = "a node was made and deleted; the server does not tell who may read it"
        facts.context.tell("pep.publish", target, "unknown", text)
    elif access != "whitelist":
        facts.context.tell(
            "pep.publish",
            target,
            "fail",
            f"a node that was to be private became {access}",
            value=False,
            advice="update the server: private data may be open to others",
        )
    elif back.find(f".//{_PAYLOAD}") is None:
        text = "what was published does not come back"
        facts.context.tell("pep.publish", target, "fail", text, value=False)
    elif not by_options:
        facts.context.tell(
            "pep.publish",
            target,
            "warn",
            "private nodes can be made, but not by publish-options (XEP-0060 §7.1.5)",
            value=True,
            advice="clients need publish-options for bookmarks and keys: update the server",
        )
    else:
        text = "a private node was made by publish-options, read back and deleted"
        facts.context.tell("pep.publish", target, "ok", text, value=True)


def _access(facts: Facts, answer: Element, node: str) -> str | None:
    """The access model of the node; None where that is not told. Raises RefusedError."""
    if is_error(answer):
        return None
    what = f"the configuration of the node {node}"
    form = configuring.form_of(facts.session, None, answer, "configure", what)
    values = [f.values for f in form.fields if f.var == f"{configuring.PREFIX}access_model"]
    return ", ".join(values[0]) if values and values[0] else "something unknown"


def _creation(node: str) -> Element:
    whole, _ = query("create", node)
    options = {f"{configuring.PREFIX}{name}": [value] for name, value in _OWN.items()}
    configure = SubElement(whole, f"{{{NS}}}configure")
    configure.append(forms.submit(configuring.NODE_CONFIG, options))
    return whole


def _configuration(node: str) -> Element:
    return query("configure", node, owner=True)[0]


def _deletion(node: str) -> Element:
    return query("delete", node, owner=True)[0]


Check = Callable[[Facts], Awaitable[None]]

CHECKS: dict[str, Check] = {
    "roster.get": contacts,
    "mam.archive": archive,
    "carbons.enable": copies,
    "blocking.list": blocked,
    "push.offered": pushing,
    "pep.publish": publishing,
}
"""What is asked of the account, by check."""
