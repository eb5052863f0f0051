"""A session whose server keeps private XML (XEP-0049); another client may write in between."""

import asyncio
from xml.etree.ElementTree import fromstring

from tests.unit.session.streams import come, make_session
from xmppctl.session.xml import serialise


class Storage:
    """``stored``: the element as text, None for none. ``meddle`` is called before each request.

    ``deaf``: says yes, and stores nothing.
    """

    def __init__(self, stored=None, meddle=lambda storage, kind: None, deaf=False, refuse=None):
        self.session, self.wire, self.transport = make_session()
        self.stored = stored
        self.meddle = meddle
        self.deaf = deaf
        self.refuse = refuse
        self.asked = []

    @property
    def element(self):
        return fromstring(self.stored)

    def run(self, operation):
        async def both():
            task = asyncio.ensure_future(operation)
            while not task.done():
                await asyncio.sleep(0)
                text = self.transport.text
                for iq in fromstring(f"<s xmlns='jabber:client'>{text}</s>") if text else ():
                    self._respond(iq)
            return task.result()

        return asyncio.run(both())

    def _respond(self, iq):
        kind, payload, ident = iq.get("type"), iq[0][0], iq.get("id")
        assert iq.get("to") is None  # it belongs to the account (§2)
        self.meddle(self, kind)
        self.asked.append(kind)
        if self.refuse is not None:
            condition = f"<{self.refuse} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
            error = f"<error type='cancel'>{condition}</error>"
            come(self.wire, f"<iq type='error' id='{ident}'>{error}</iq>")
            return
        if kind == "set":
            if not self.deaf:
                self.stored = serialise(payload, "")
            come(self.wire, f"<iq type='result' id='{ident}'/>")
            return
        found = self.stored or serialise(payload, "")
        query = f"<query xmlns='jabber:iq:private'>{found}</query>"
        come(self.wire, f"<iq type='result' id='{ident}'>{query}</iq>")
