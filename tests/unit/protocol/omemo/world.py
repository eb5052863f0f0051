"""Accounts with their nodes, in memory: what OMEMO needs of servers."""

import asyncio
import copy
import json
from contextlib import contextmanager
from xml.etree.ElementTree import fromstring, tostring

from tests.unit.session.streams import account, come, make_wire
from xmppctl.model.jid import parse as jid
from xmppctl.protocol.opening import Opener
from xmppctl.session.stream import Session
from xmppctl.session.xml import parse

PS = "http://jabber.org/protocol/pubsub"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
CLIENT = "{jabber:client}"


class Memory:
    """``model.omemostate.State`` in a dictionary; ``copy()`` is what a crash would leave."""

    def __init__(self, values=None):
        self.values = dict(values or {})
        self.inside = False

    @contextmanager
    def transaction(self):
        assert not self.inside, "another transaction is open"
        before, self.inside = dict(self.values), True
        try:
            yield
        except BaseException:
            self.values = before
            raise
        finally:
            self.inside = False

    def load(self, key):
        return self.values.get(key)

    def store(self, key, value):
        assert self.inside
        self.values[key] = value

    def delete(self, key):
        assert self.inside
        self.values.pop(key, None)

    def items(self, prefix):
        return iter([pair for pair in sorted(self.values.items()) if pair[0].startswith(prefix)])

    def copy(self):
        return Memory(self.values)


_made = {}


class World:
    """``nodes``: items (id to XML text) by account and node. ``refusals``: conditions by account.

    ``told``: what users were told; ``published``: (account, node) in their order.
    """

    def __init__(self):
        self.nodes = {}
        self.refusals = {}
        self.published = []
        self.affiliations = {}
        self.features = {}
        self.sessions = []

    def person(self, text, number=1):
        """Somebody with a device, which was made once for all tests."""
        if (text, number) not in _made:
            elsewhere = World()
            made = Person(elsewhere, text)
            made.init()
            _made[text, number] = made.state.values, elsewhere.nodes
        values, nodes = _made[text, number]
        for place, items in nodes.items():
            if number > 1 and place in self.nodes:
                (name, here), (_, there) = *self.nodes[place].items(), *items.items()
                if name == "current":
                    child = there[there.index(">") + 1 :]
                    items = {name: here[: here.rindex("</")] + child}
                else:
                    items = {**self.nodes[place], **items}
            self.nodes[place] = dict(items)
        return Person(self, text, Memory(values))

    def session(self, text):
        wire, transport = make_wire()
        full = jid(f"{text}/r")
        from dataclasses import replace

        session = Session(wire, replace(account(), jid=full.bare), full, parse("<f/>"), wire.trace)
        self.sessions.append((session, wire, transport))
        return session

    def run(self, operation):
        """The result of ``operation``; what it sends is answered. Messages are in ``sent``."""
        self.sent = []

        async def both():
            task = asyncio.ensure_future(operation)
            while not task.done():
                await asyncio.sleep(0)
                for session, wire, transport in self.sessions:
                    text = transport.text
                    if not text:
                        continue
                    for stanza in fromstring(f"<s xmlns='jabber:client'>{text}</s>"):
                        if stanza.tag == f"{CLIENT}message":
                            stanza.set("from", str(session.jid))
                            self.sent.append(stanza)
                            continue
                        if stanza.tag != f"{CLIENT}iq":
                            continue
                        to = stanza.get("to", session.bare)
                        kind, payload = self._handle(session.bare, to, stanza[0])
                        sender = f" from='{to}'" if stanza.get("to") else ""
                        come(
                            wire,
                            f"<iq type='{kind}' id='{stanza.get('id')}'{sender}>{payload}</iq>",
                        )
            return task.result()

        return asyncio.run(both())

    def _handle(self, sender, to, payload):
        if to in self.refusals:
            condition = self.refusals[to]
            return "error", f"<error type='auth'><{condition} xmlns='{STANZAS}'/></error>"
        if payload.tag.endswith("#info}query"):
            features = self.features.get(to, [f"{PS}#publish-options"])
            rows = "".join(f"<feature var='{each}'/>" for each in features)
            return "result", f"<query xmlns='{payload.tag[1:].split('}')[0]}'>{rows}</query>"
        if payload.tag.endswith("#admin}query"):
            wanted = payload[0].get("affiliation")
            rows = "".join(
                f"<item jid='{each}' affiliation='{wanted}'/>"
                for each in self.affiliations.get(wanted, ())
            )
            return "result", f"<query xmlns='http://jabber.org/protocol/muc#admin'>{rows}</query>"
        action = payload[0]
        name, place = action.tag.rpartition("}")[2], (to, action.get("node"))
        if name == "publish":
            assert sender == to
            item = action[0]
            self.published.append(place)
            self.nodes.setdefault(place, {})[item.get("id")] = tostring(item[0]).decode()
            if place[1] != "urn:xmpp:omemo:2:bundles":
                self.nodes[place] = {item.get("id"): self.nodes[place][item.get("id")]}
            return "result", ""
        if place not in self.nodes:
            return "error", f"<error type='cancel'><item-not-found xmlns='{STANZAS}'/></error>"
        if name == "delete":
            del self.nodes[place]
            return "result", ""
        if name == "retract":
            self.nodes[place].pop(action[0].get("id"), None)
            return "result", ""
        wanted = {each.get("id") for each in action}
        rows = "".join(
            f"<item id='{key}'>{text}</item>"
            for key, text in self.nodes[place].items()
            if not wanted or key in wanted
        )
        return "result", f"<pubsub xmlns='{PS}'><items node='{place[1]}'>{rows}</items></pubsub>"


class Person:
    """An account's device: a session, a state, and what its user was told."""

    def __init__(self, world, text, state=None):
        self.world = world
        self.jid = text
        self.state = state if state is not None else Memory()
        self.told = []
        self.session = None

    def connect(self):
        """A new run of the program."""
        self.session = self.world.session(self.jid)
        return self

    def omemo(self):
        from xmppctl.protocol.omemo.manager import Omemo

        return Omemo(self.connect().session, self.state)

    @property
    def device(self):
        return json.loads(self.state.load("/own_device_id"))

    def init(self):
        from xmppctl.protocol.omemo import devices

        async def work():
            return await devices.init(self.omemo())

        return self.world.run(work())

    def do(self, operation):
        """The result of an operation that takes an Omemo."""

        async def work():
            return await operation(self.omemo())

        return self.world.run(work())

    def seal(self, to, text="hello", *, policy="btbv", version="auto", kind="chat", inside=()):
        """The message as it goes out, as an element from this account."""
        from xmppctl.protocol.omemo.sealing import Sealer
        from xmppctl.protocol.outgoing import compose

        async def work():
            session = self.connect().session
            sealer = Sealer(
                session, self.state, policy=policy, version=version, tell=self.told.append
            )
            message = compose(jid(to), id="m1", body=text, type=kind)
            for each in inside:
                message.stanza.append(parse(each))
            return (await sealer.encrypt(message)).stanza

        stanza = self.world.run(work())
        stanza.set("from", f"{self.jid}/r")
        return copy.deepcopy(stanza)

    def check(self, *to, policy="btbv", rooms=False):
        """Whether a message to them could be sealed; raises what keeps it from that."""
        from xmppctl.protocol.omemo.sealing import Sealer

        async def work():
            sealer = Sealer(
                self.connect().session,
                self.state,
                policy=policy,
                version="auto",
                tell=self.told.append,
            )
            await sealer.check([jid(each) for each in to], rooms=rooms)

        self.world.run(work())

    def open(self, *stanzas, orderly=True, handed=True):
        """What each message says to a new run; in the end what is to be done at the end is done."""

        async def work():
            session = self.connect().session
            opener = Opener(session, state=None, omemo_state=lambda: self.state,
                            tell=self.told.append)  # fmt: skip
            found = []
            for stanza in stanzas:
                clear = await opener.open(stanza)
                self.silent = opener.silent
                if handed is not None:
                    opener.handed_on(stanza, wanted=handed)
                found.append(clear)
            for last in session.at_end:
                await last(orderly)
            return found

        return self.world.run(work())


def encryption(stanza):
    """What became of an opened message."""
    return stanza[0].encryption


def body(stanza):
    return stanza.findtext(f"{CLIENT}body")
