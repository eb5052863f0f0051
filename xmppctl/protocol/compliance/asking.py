"""What can be asked of the own server in one flight, and what its answers show.

Nothing is changed by it that outlasts the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import DeadlineError, XmppctlError
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.jid import Jid
from xmppctl.protocol import blocking, caps, carbons, csi, disco, push, rsm
from xmppctl.protocol.compliance.verdict import Verdict, refused, unknown
from xmppctl.protocol.mam.query import NS as NS_MAM
from xmppctl.protocol.privatexml import NS as NS_PRIVATE
from xmppctl.protocol.roster import NS as NS_ROSTER
from xmppctl.protocol.server import extdisco
from xmppctl.protocol.vcard import NS_TEMP
from xmppctl.session import acks
from xmppctl.session.conditions import stanza_error
from xmppctl.session.inbox import Pending
from xmppctl.session.payload import to_element
from xmppctl.session.stream import Session

STEP = "compliance"

_ITEMS = "{http://jabber.org/protocol/disco#items}"
_VERSION = "{jabber:iq:version}"
_COMMANDS = "http://jabber.org/protocol/commands"
_INVITATIONS = ("urn:xmpp:invite#invite", "urn:xmpp:invite#create-account")
_UNHEARD_OF = "{urn:xmpp:compliance:unheard-of}query"

_COMPONENTS = {"prosody": "Prosody", "ejabberd": "ejabberd", "openfire": "Openfire"}
"""Software that by its own word implements XEP-0114, by what its version begins with."""


class Question(NamedTuple):
    """A request that shows whether a specification is there.

    ``tag``: of the payload that its result has, None where it has none. ``known``: conditions of
    an error that is no refusal, but an answer; ``empty``: so is a result without payload.
    ``found``: what a good answer shows, in words.
    """

    payload: Element
    tag: str | None
    found: str
    kind: str = "get"
    to_domain: bool = False
    known: tuple[str, ...] = ()
    empty: bool = False


class Answers(NamedTuple):
    """What the own server answered.

    ``domain``, ``account``: what they say of themselves, None where they say nothing.
    """

    verdicts: dict[str, Verdict]
    domain: DiscoInfo | None
    account: DiscoInfo | None


class Other(NamedTuple):
    """What another domain answered; ``error``: why it does not say what it is."""

    verdicts: dict[str, Verdict]
    info: DiscoInfo | None
    error: XmppctlError | None


def questions() -> dict[str, Question]:
    """By the name of what is tested."""
    storage = Element(f"{{{NS_PRIVATE}}}query")
    SubElement(storage, "{storage:bookmarks}storage")
    archive = Element(f"{{{NS_MAM}}}query")
    # not one message: what comes unasked would have to be acknowledged, or come again elsewhere
    archive.append(to_element(rsm.request(maximum=0)))
    ending = Element(
        f"{{{push.NS}}}disable", {"jid": "push.invalid", "node": f"xmppctl-{Session.new_id()}"}
    )
    return {
        "6121": Question(
            Element(f"{{{NS_ROSTER}}}query"), f"{{{NS_ROSTER}}}query", "the contact list was read"
        ),
        "0054": Question(
            Element(f"{{{NS_TEMP}}}vCard"), f"{{{NS_TEMP}}}vCard", "the vCard was read",
            known=("item-not-found",), empty=True,
        ),
        "0280": Question(Element(carbons.ENABLE), None, "copies were turned on", kind="set"),
        "0191": Question(
            Element(f"{{{blocking.NS}}}blocklist"), f"{{{blocking.NS}}}blocklist",
            "the block list was read",
        ),
        "0049": Question(storage, f"{{{NS_PRIVATE}}}query", "the store of bookmarks was read"),
        "0313": Question(archive, f"{{{NS_MAM}}}fin", "the archive was asked", kind="set"),
        "0357": Question(
            ending, None, "a request to end notifications was answered", kind="set",
            known=("item-not-found",),
        ),
        "0215": Question(
            Element(f"{{{extdisco.NS}}}services"), f"{{{extdisco.NS}}}services",
            "external services were asked for", to_domain=True,
        ),
    }  # fmt: skip


async def ask(session: Session) -> Answers:
    """Ask all of it side by side; what is not answered costs one timeout.

    Raises what ended the stream.
    """
    domain, own = session.domain, questions()
    commands = Element(f"{_ITEMS}query", {"node": _COMMANDS})
    asked: dict[str, Pending] = {
        "domain": session.ask(disco.info_request(None), to=domain),
        "account": session.ask(disco.info_request(None), to=session.bare),
        "unheard of": session.ask(Element(_UNHEARD_OF), to=domain),
        "version": session.ask(Element(f"{_VERSION}query"), to=domain),
        "commands": session.ask(commands, to=domain),
    }
    for test, each in own.items():
        to = domain if each.to_domain else None
        asked[test] = session.ask(each.payload, to=to, type=each.kind)
    session.send(*session.enabling(), *(each.element for each in asked.values()))
    came = await answers(session, asked)
    verdicts = {test: _judge(each, came.get(test)) for test, each in own.items()}
    verdicts |= {
        "6120": _core(came.get("unheard of")),
        "0114": _components(came.get("version")),
        "0401": _invitations(came.get("commands")),
        **_stream(session),
    }
    told = came.get("domain")
    info = _info(told, domain)
    if info is None:
        verdicts["0030"] = unanswered(told)
    else:
        verdicts["0030"] = Verdict(True, "live", "the domain tells what it is")
    return Answers(verdicts, info, _info(came.get("account"), session.bare))


async def ask_other(session: Session, domain: Jid) -> Other:
    """Ask another domain what it is. Raises what ended the stream."""
    asked = {
        "info": session.ask(disco.info_request(None), to=domain),
        "version": session.ask(Element(f"{_VERSION}query"), to=domain),
    }
    session.send(*(each.element for each in asked.values()))
    came = await answers(session, asked)
    verdicts = {"0114": _components(came.get("version"))}
    answer = came.get("info")
    error: XmppctlError | None = None
    if answer is None:
        error = DeadlineError(
            f"no answer from {domain} within {session.account.timeout:g} s",
            step="disco#info",
            condition="timeout",
            by=str(domain),
        )
    elif answer.get("type") == "error":
        error = stanza_error(answer, f"disco info of {domain}")
        error.step, error.by = "disco#info", error.by or str(domain)
    if error is not None:
        verdicts["0030"] = unknown(f"it could not be asked: {error.text}")
        return Other(verdicts, None, error)
    info = _info(answer, str(domain))
    if info is None:
        verdicts["0030"] = unanswered(answer)
    return Other(verdicts, info, None)


async def answers(session: Session, asked: Mapping[str, Pending]) -> dict[str, Element]:
    """What was answered, results and errors; what was not is left out.

    Raises what ended the stream.
    """
    came = await asyncio.gather(
        *(session.answer(each, step=STEP) for each in asked.values()), return_exceptions=True
    )
    found: dict[str, Element] = {}
    for name, answer in zip(asked, came, strict=True):
        if isinstance(answer, Element):
            found[name] = answer
        elif not isinstance(answer, DeadlineError):
            raise answer
    return found


def unanswered(answer: Element | None) -> Verdict:
    """What follows from no answer, an error, or a result that is none."""
    if answer is None:
        return Verdict(False, "live", "no answer came")
    if answer.get("type") == "error":
        return refused(answer)
    return Verdict(False, "live", "the answer cannot be understood")


def _judge(question: Question, answer: Element | None) -> Verdict:
    if answer is None:
        return unanswered(answer)
    if answer.get("type") == "error":
        known = stanza_error(answer, "").condition in question.known
        return Verdict(True, "live", question.found) if known else refused(answer)
    payload = next(iter(answer), None)
    empty = question.empty or question.tag is None
    if (empty and payload is None) or (payload is not None and payload.tag == question.tag):
        return Verdict(True, "live", question.found)
    return unanswered(answer)


def _core(answer: Element | None) -> Verdict:
    if answer is None:
        return Verdict(False, "live", "a request that it does not know was not answered")
    if answer.get("type") == "error":
        return Verdict(True, "live", "logged in; a request that it does not know was refused")
    return Verdict(False, "live", "a request that nobody can know was answered with a result")


def _components(answer: Element | None) -> Verdict:
    """No client can see whether a component may attach, but the software is known for it."""
    name = None
    if answer is not None and answer.get("type") == "result":
        name = answer.findtext(f"{_VERSION}query/{_VERSION}name")
    for begin, software in _COMPONENTS.items():
        if (name or "").strip().lower().startswith(begin):
            return Verdict(
                True, "software", f"{software} implements it; whether it is open, no client can see"
            )
    return Verdict(None, "none", "components attach by a port that no client can see")


def _invitations(answer: Element | None) -> Verdict:
    items = () if answer is None else answer.iterfind(f"{_ITEMS}query/{_ITEMS}item")
    if any(item.get("node") in _INVITATIONS for item in items):
        return Verdict(True, "disco", "a command makes invitations")
    return Verdict(False, "disco", "no command for invitations is listed")


def _stream(session: Session) -> dict[str, Verdict]:
    """What the stream offers after the login."""
    found: dict[str, Verdict] = {}
    by_http = session.trace.facts.get("transport") == "bosh"
    offered = session.offers(acks.FEATURE)
    if session.inbound is not None:
        found["0198"] = Verdict(True, "live", "acknowledgements were turned on")
    elif offered:
        found["0198"] = Verdict(False, "live", "it is offered, and was refused")
    elif by_http:
        found["0198"] = unknown("it cannot be seen over BOSH")
    else:
        found["0198"] = Verdict(False, "stream", "the stream does not offer it")
    if session.offers(f"{{{csi.NS}}}csi"):
        found["0352"] = Verdict(True, "stream", "the stream offers it")
    elif by_http:
        found["0352"] = unknown("it cannot be seen over BOSH")
    else:
        found["0352"] = Verdict(False, "stream", "the stream does not offer it")
    hashes = session.offers(f"{{{caps.NS_HASHES}}}c")
    words = "the stream has the hashes" if hashes else "the stream has no such hashes"
    found["0390"] = Verdict(hashes, "stream", words)
    return found


async def capabilities(session: Session) -> dict[str, Verdict]:
    """Whether what the stream announces of the server is true (XEP-0115 §6.3)."""
    await session.settled()
    announced = caps.read(session.features)
    if announced is None or announced.info_node is None:
        return {}
    pending = session.ask(disco.info_request(announced.info_node), to=session.domain)
    session.send(pending.element)
    try:
        answer = await session.answer(pending, step=STEP)
        query = disco.check_info(next(iter(answer), None), session.domain)
        computed = caps.verification(query, announced.hash or "")
    except (caps.IllFormedError, KeyError, XmppctlError):
        return {"0115": Verdict(True, "stream", "the stream announces them; not verified")}
    if computed != announced.ver:
        text = "the hash in the stream is another than that of what the domain says"
        return {"0115": Verdict(False, "live", text)}
    return {"0115": Verdict(True, "live", "the hash in the stream fits what the domain says")}


def _info(answer: Element | None, jid: str) -> DiscoInfo | None:
    if answer is None or answer.get("type") != "result":
        return None
    query = next(iter(answer), None)
    try:
        return disco.read_info(disco.check_info(query, jid), jid, None)
    except XmppctlError:
        return None
