"""The checks with an account against a scripted server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element

from tests.unit.protocol.serving import INFO, ITEMS, Serving, error, info
from tests.unit.session.streams import account
from xmppctl.model.check import CHECKS, Finding, expand
from xmppctl.protocol.check import account as checks
from xmppctl.protocol.check.context import Context, Limits

PUBSUB = "http://jabber.org/protocol/pubsub"
OWNER = f"{PUBSUB}#owner"
EXTDISCO = "urn:xmpp:extdisco:2"
FORM = "jabber:x:data"

Answer = str | tuple[str, str] | Callable[[Element], Any] | None

PEP = "<identity category='pubsub' type='pep'/>"
FEATURES = (
    "urn:xmpp:mam:2", "urn:xmpp:carbons:2", "urn:xmpp:blocking", "urn:xmpp:push:0",
    f"{PUBSUB}#publish-options",
)  # fmt: skip
CONTACTS = (
    f"<x xmlns='{FORM}' type='result'><field var='FORM_TYPE' type='hidden'>"
    "<value>http://jabber.org/network/serverinfo</value></field>"
    "<field var='abuse-addresses'><value>mailto:abuse@fake.test</value></field></x>"
)


def items(*jids: str) -> str:
    """An answer to disco#items."""
    rows = "".join(f"<item jid='{jid}'/>" for jid in jids)
    return f"<query xmlns='{ITEMS}'>{rows}</query>"


def access(model: str) -> str:
    """The configuration of a node."""
    return (
        f"<pubsub xmlns='{OWNER}'><configure><x xmlns='{FORM}' type='form'>"
        f"<field var='pubsub#access_model' type='list-single'><value>{model}</value></field>"
        "</x></configure></pubsub>"
    )


class World:
    """A healthy server; ``answers`` of another one, by the tag of the payload, or JID and tag.

    An answer is a payload, an error, a function of the iq, or None for silence.
    """

    def __init__(self, **more: Any) -> None:
        self.answers: dict[str | tuple[str, str], Answer] = {
            "{urn:xmpp:ping}ping": "",
            "{jabber:iq:version}query": (
                "<query xmlns='jabber:iq:version'><name>Fake</name><version>1.2</version>"
                "<os>GNU</os></query>"
            ),
            "{jabber:iq:last}query": "<query xmlns='jabber:iq:last' seconds='3600'/>",
            "{urn:xmpp:time}time": clock(),
            f"{{{INFO}}}query": info(*FEATURES, identities=PEP, forms=CONTACTS),
            f"{{{ITEMS}}}query": items(),
            "{jabber:iq:roster}query": (
                "<query xmlns='jabber:iq:roster'><item jid='bob@fake.test'/></query>"
            ),
            "{urn:xmpp:mam:2}query": (
                "<fin xmlns='urn:xmpp:mam:2' complete='true'>"
                "<set xmlns='http://jabber.org/protocol/rsm'><count>7</count></set></fin>"
            ),
            "{urn:xmpp:carbons:2}enable": "",
            "{urn:xmpp:blocking}blocklist": "<blocklist xmlns='urn:xmpp:blocking'/>",
            f"{{{PUBSUB}}}publish": "",
            f"{{{PUBSUB}}}items": (
                f"<pubsub xmlns='{PUBSUB}'><items node='n'><item id='current'>"
                "<check xmlns='urn:xmppctl:check'/></item></items></pubsub>"
            ),
            f"{{{OWNER}}}configure": access("whitelist"),
            f"{{{OWNER}}}delete": "",
        }
        self.account = account(**more)
        self.findings: list[Finding] = []
        self.asked: list[str] = []

    def run(
        self,
        *names: str,
        limits: Limits | None = None,
        domain: str = "fake.test",
        peers: tuple[str, ...] = (),
    ) -> dict[tuple[str, str], Finding]:
        """The findings by check and target."""
        wanted = expand(names) if names else set(CHECKS)
        context = Context(domain, self.account, limits or Limits(), wanted, self.findings.append)
        serving = Serving(self._answer)
        serving.session.account = self.account
        serving.run(lambda session: checks.probe(context, session, peers=peers))
        found = {(each.check, each.target): each for each in self.findings}
        assert len(found) == len(self.findings), "more than one finding for one check and target"
        return found

    def one(self, name: str, **more: Any) -> Finding:
        """The only finding of one check."""
        self.run(name, **more)
        (found,) = self.findings
        return found

    def _answer(self, iq: Element) -> Any:
        payload = iq[0]
        tag = payload.tag
        if tag in (f"{{{PUBSUB}}}pubsub", f"{{{OWNER}}}pubsub"):
            tag = payload[0].tag
        self.asked.append(tag)
        for key in ((iq.get("to", ""), tag), tag):
            if key in self.answers:
                answer = self.answers[key]
                return answer(iq) if callable(answer) else answer
        return error("service-unavailable")


def clock(seconds: float = 0.0) -> Callable[[Element], str]:
    """A clock that is so far ahead."""

    def answer(iq: Element) -> str:
        now = datetime.now(UTC) + timedelta(seconds=seconds)
        return (
            f"<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>{now:%Y-%m-%dT%H:%M:%S}Z</utc>"
            "</time>"
        )

    return answer
