"""A node of the account that is made, read, and removed again (XEP-0163, XEP-0223)."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import forms, pep
from xmppctl.protocol.compliance.asking import answers, unanswered
from xmppctl.protocol.compliance.verdict import Verdict
from xmppctl.protocol.pubsub import NS, OWNER, PUBSUB
from xmppctl.protocol.pubsub.asking import is_error, query
from xmppctl.session.stream import Session

_WANTED: Mapping[str, str] = {"persist_items": "1", "access_model": "whitelist"}
"""What XEP-0223 §3 asks for, and every server that has it understands."""

_ITEM = f"{PUBSUB}/{{{NS}}}items/{{{NS}}}item"
_ID = "current"


async def test(session: Session) -> dict[str, Verdict]:
    """Publish as private data, and as any data where that is refused; nothing stays behind.

    Raises what ended the stream.
    """
    node = f"xmppctl-compliance-{session.new_id()}"
    private = await _publish(session, node, _WANTED)
    published = private.get("publish")
    if published is not None and published.get("type") == "result":
        return {"0163": _read(private), "0223": _private(private)}
    refusal = unanswered(published)
    open_one = await _publish(session, node, None)
    answer = open_one.get("publish")
    taken = answer is not None and answer.get("type") == "result"
    return {
        "0163": _read(open_one) if taken else unanswered(answer),
        "0223": refusal._replace(detail=f"with publish options: {refusal.detail}"),
    }


async def _publish(
    session: Session, node: str, options: Mapping[str, str] | None
) -> dict[str, Element]:
    """The answers to a publication, a look at it, and the removal of the node.

    All of it goes out at once, so that the removal is on its way whatever happens here.
    """
    item = pep.holder(_ID, None)
    SubElement(item, "{urn:xmpp:compliance:test}test")
    reading, _ = query("items", node)
    looking, _ = query("configure", node, owner=True)
    removing, _ = query("delete", node, owner=True)
    requests = {
        "publish": (pep.publication(node, item, options), "set"),
        "items": (reading, "get"),
        "configuration": (looking, "get"),
        "removal": (removing, "set"),
    }
    asked = {name: session.ask(each, type=kind) for name, (each, kind) in requests.items()}
    session.send(*(each.element for each in asked.values()))
    found = await answers(session, asked)
    published, removal = found.get("publish"), found.get("removal")
    taken = published is not None and published.get("type") == "result"
    if taken and removal is not None and is_error(removal, "item-not-found"):
        # a server that does things side by side did the last one first
        again, _ = query("delete", node, owner=True)
        once_more = {"removal": session.ask(again, type="set")}
        session.send(once_more["removal"].element)
        await answers(session, once_more)
    return found


def _read(found: Mapping[str, Element]) -> Verdict:
    answer = found.get("items")
    if answer is not None and answer.get("type") == "result":
        if any(item.get("id") == _ID for item in answer.iterfind(_ITEM)):
            return Verdict(True, "live", "an item was published, and read back")
        return Verdict(False, "live", "what was published is not there when it is read")
    return unanswered(answer)


def _private(found: Mapping[str, Element]) -> Verdict:
    """Whether the node became what was asked for: some take any options, and ignore them."""
    answer = found.get("configuration")
    form = None
    if answer is not None and answer.get("type") == "result":
        configure = answer.find(f"{OWNER}/{OWNER.partition('}')[0]}}}configure")
        form = None if configure is None else forms.find(configure)
    if form is None:
        return unanswered(answer)
    values = {each.var: each.values for each in forms.read(form).fields}
    if values.get("pubsub#access_model") != ["whitelist"]:
        told = ", ".join(values.get("pubsub#access_model", [])) or "none"
        return Verdict(False, "live", f"the access model became {told}, not whitelist")
    return Verdict(True, "live", "a node for private data was made and read; it is whitelist")
