"""`xmppctl muc activity` (XEP-0437): no server of the tests has it, so a component plays one."""

import signal
import threading

import pytest

from tests.peers.rawxml import RawComponent
from tests.peers.stream import StreamClosed

pytestmark = pytest.mark.in_turn

RAI = "urn:xmpp:rai:0"
INFO = "http://jabber.org/protocol/disco#info"


@pytest.fixture
def service(server):
    """A room service in a thread: tells of ``rooms`` when it is asked, then answers disco."""

    class Service:
        def __init__(self, component):
            self.jid = server.component
            self.rooms = []
            self.identity = "<identity category='conference' type='text'/>"
            self.refusal = ""
            self.presence = []
            self._component = component
            self._changed = threading.Condition()
            self._thread = threading.Thread(target=self._serve, daemon=True)
            self._thread.start()

        def tell(self, to, *rooms, sender=None):
            inner = "".join(f"<activity>{room}</activity>" for room in rooms)
            self._component.send(
                f"<message from='{sender or self.jid}' to='{to}'><rai xmlns='{RAI}'>{inner}</rai>"
                "</message>"
            )

        def wait(self, kind):
            with self._changed:
                found = self._changed.wait_for(lambda: kind in [k for k, _ in self.presence], 10)
            assert found, self.presence

        def _serve(self):
            while True:
                try:
                    stanza = self._component.recv(60)
                except (StreamClosed, OSError):
                    return
                sender, kind = stanza.get("from"), stanza.get("type")
                if stanza.tag.endswith("}iq"):
                    self._component.send(
                        f"<iq type='result' id='{stanza.get('id')}' from='{self.jid}' "
                        f"to='{sender}'><query xmlns='{INFO}'>{self.identity}</query></iq>"
                    )
                elif stanza.tag.endswith("}presence"):
                    if kind is None and self.refusal:
                        self._component.send(
                            f"<presence type='error' from='{self.jid}' to='{sender}'>"
                            f"<error type='cancel'><{self.refusal} "
                            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>"
                        )
                    elif kind is None and self.rooms:
                        self.tell(sender, *self.rooms)
                    with self._changed:
                        rai = stanza.find(f"{{{RAI}}}rai") is not None
                        self.presence.append((kind, rai))
                        self._changed.notify_all()

    with RawComponent.attach(server) as component:
        yield Service(component)


def test_rooms_with_news_each_once(xmppctl, alice, bob, raw, service):
    one, two, three = (f"{name}@{service.jid}" for name in ("one", "two", "three"))
    service.rooms = [one, two, "not@a@jid", service.jid]
    args = ("muc", "activity", service.jid, "--count", "3", "--for", "15s")
    run = xmppctl.start("-o", "jsonl", *args, account=alice)
    jid = run.wait_line(r"^listening as (\S+)$", "err")[1]
    run.wait_line("two@")
    rai = f"<rai xmlns='{RAI}'><activity>forged@{service.jid}</activity></rai>"
    raw(bob).send(f"<message to='{jid}'>{rai}</message>")
    service.tell(jid, one, sender=f"one@{service.jid}")  # a room is not the service
    service.tell(jid, two, one)  # more of it says no more
    service.tell(jid, three)
    records = xmppctl.finish(run).expect().jsonl()
    assert records == [{"room": room, "active": True} for room in (one, two, three)]
    service.wait("unavailable")
    assert service.presence == [(None, True), ("unavailable", False)]


def test_how_it_ends(xmppctl, alice, service):
    service.rooms = [f"one@{service.jid}"]
    plain = xmppctl("-o", "plain", "muc", "activity", service.jid, "--for", "300ms", account=alice)
    assert plain.expect().out == f"one@{service.jid}\n"
    service.presence.clear()
    args = ("--count", "2", "--for", "300ms")
    few = xmppctl("--json", "muc", "activity", service.jid, *args, account=alice)
    assert few.expect(8).error()["step"] == "listen"
    service.wait("unavailable")
    service.presence.clear()
    run = xmppctl.start("muc", "activity", service.jid, account=alice)
    run.wait_line("^listening as", "err")
    run.signal(signal.SIGTERM)
    xmppctl.finish(run, 5).expect(143)
    service.wait("unavailable")


def test_who_does_not_offer_it(xmppctl, alice, server, service):
    missing = f"no-such.{server.domain}"
    service.refusal = "service-unavailable"
    for jid, code in ((server.conference, 7), (service.jid, 7), (server.domain, 7), (missing, 6)):
        run = xmppctl("--json", "muc", "activity", jid, "--for", "9s", account=alice)
        error = run.expect(code).error()
        assert jid in error["text"]
        assert run.seconds < 9
    assert error["condition"] == "remote-server-not-found"
    service.refusal = "forbidden"
    run = xmppctl("--json", "muc", "activity", service.jid, "--for", "9s", account=alice)
    assert run.expect(6).error()["condition"] == "forbidden"
