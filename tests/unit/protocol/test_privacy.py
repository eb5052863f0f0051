"""Privacy lists: the XEP's own example, and answers that lack something."""

import asyncio
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.privacy import PrivacyList
from xmppctl.protocol import privacy

LISTS = (
    "<active name='private'/><default name='public'/><list name='public'/><list name='private'/>"
    "<list name='special'/><list/>"
)
SPECIAL = (
    "<list name='special'><item type='jid' value='juliet@example.com' action='allow' order='6'/>"
    "<item action='deny' order='666'><presence-in/><iq xmlns='x'/></item></list>"
)


class Server:
    """``deaf``: says yes, and keeps the old default."""

    def __init__(self, *answers, announces=True, deaf=False):
        self.session, self.wire, self.transport = make_session()
        self.answers = list(answers)
        self.announces = announces
        self.deaf = deaf
        self.asked = []

    def run(self, operation):
        async def both():
            task = asyncio.ensure_future(operation(self.session))
            while not task.done():
                await asyncio.sleep(0)
                text = self.transport.text
                for iq in fromstring(f"<s xmlns='jabber:client'>{text}</s>") if text else ():
                    come(self.wire, self._respond(iq))
            return task.result()

        return asyncio.run(both())

    def _respond(self, iq):
        ns, payload = iq[0].tag[1:].partition("}")[0], ""
        if ns.endswith("disco#info"):
            payload = f"<feature var='{privacy.NS}'/>" if self.announces else ""
        elif iq.get("type") == "set":
            name = iq[0][0].get("name")
            self.asked.append(name)
            if not self.deaf:
                self.answers = ["<list name='a'/>" + (f"<default name='{name}'/>" if name else "")]
        else:
            payload = self.answers[0]
        return f"<iq type='result' id='{iq.get('id')}'><query xmlns='{ns}'>{payload}</query></iq>"


def test_the_examples():
    assert Server(LISTS).run(privacy.lists) == [
        PrivacyList("public", default=True),
        PrivacyList("private", active=True),
        PrivacyList("special"),
    ]
    rules = Server(SPECIAL).run(lambda session: privacy.rules(session, "special"))
    assert [(each.order, each.action, each.type, each.stanzas) for each in rules] == [
        (6, "allow", "jid", []),
        (666, "deny", None, ["presence-in"]),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        "",
        SPECIAL.replace("special", "public"),
        SPECIAL.replace("order='6'", "order='-6'"),
        SPECIAL.replace("order='6'", "order='x'"),
        SPECIAL.replace("order='6'", f"order='{'6' * 5000}'"),
        SPECIAL.replace("action='allow'", ""),
    ],
)
def test_rules_that_cannot_be_read(answer):
    with pytest.raises(RefusedError) as caught:
        Server(answer).run(lambda session: privacy.rules(session, "special"))
    assert caught.value.condition == "malformed-answer"


def test_the_default():
    server = Server("<list name='a'/>")
    assert server.run(lambda session: privacy.choose(session, "a")).changed
    assert not server.run(lambda session: privacy.choose(session, "a")).changed
    assert server.run(lambda session: privacy.choose(session, None)).default is None
    assert server.asked == ["a", None]
    with pytest.raises(RefusedError) as caught:
        Server("<list name='a'/>", deaf=True).run(lambda s: privacy.choose(s, "a"))
    assert caught.value.condition == "not-applied"


def test_a_server_that_does_not_announce_it():
    with pytest.raises(UnsupportedError):
        Server(LISTS, announces=False).run(privacy.lists)
