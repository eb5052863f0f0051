"""An import without a server: only what differs is sent, in bounded portions, and truly told."""

import asyncio
from xml.etree.ElementTree import fromstring

from tests.unit.session.streams import come, make_session
from xmppctl.errors import UsageError
from xmppctl.model.roster import Contact
from xmppctl.model.rosterfile import BadEntry, Entry
from xmppctl.protocol import roster, rosterimport

SESSION = make_session()[0]
BAD = BadEntry("@@", UsageError("line 1").info())


def plan(contacts, *entries, **how):
    return [
        (step.jid, step.action, step.name, step.groups, step.ask)
        for step in rosterimport.plan(SESSION, contacts, entries, **how)
    ]


def test_what_a_file_does_not_say_stays():
    known = [Contact("a@x.test", "A", groups=["g", "h"])]
    assert plan(known, Entry("a@x.test")) == [("a@x.test", "unchanged", "A", ("g", "h"), False)]
    assert plan(known, Entry("a@x.test", "A", ("h", "g")))[0][1] == "unchanged"
    assert plan(known, Entry("a@x.test", "B"))[0][1:4] == ("changed", "B", ("g", "h"))
    assert plan(known, Entry("a@x.test", ""))[0][1:4] == ("changed", None, ("g", "h"))
    assert plan(known, Entry("a@x.test", None, ()))[0][1:4] == ("changed", "A", ())
    assert plan(known, Entry("b@x.test", "B"))[0][1:4] == ("added", "B", ())


def test_the_own_account_is_no_contact():
    (step,) = rosterimport.plan(SESSION, [], [Entry("alice@fake.test")])
    assert (step.action, step.bad.code) == (None, 2)


def test_removal_only_by_prune():
    known = [Contact("a@x.test"), Contact("B@x.test")]
    assert [step[:2] for step in plan(known, Entry("b@x.test"))] == [("b@x.test", "unchanged")]
    assert [step[:2] for step in plan(known, Entry("b@x.test"), prune=True)] == [
        ("b@x.test", "unchanged"),
        ("a@x.test", "removed"),
    ]


def test_whose_presence_is_asked_for():
    def asks(contact=None, **facts):
        known = [] if contact is None else [contact]
        return plan(known, Entry("a@x.test", **facts), subscribe=True)[0][4]

    assert asks()
    assert asks(subscription="to")
    assert asks(subscription="both")
    assert asks(subscription="none", ask="subscribe")
    assert not asks(subscription="none")
    assert not asks(subscription="from")
    assert not asks(Contact("a@x.test", subscription="to"))
    assert not asks(Contact("a@x.test", ask="subscribe"))
    assert asks(Contact("a@x.test", subscription="from"))


def apply(steps, answer):
    """Carry ``steps`` out; ``answer(jid)`` is a condition, "" for yes, None for silence."""
    session, wire, transport = make_session()
    waiting, most = [], 0

    async def server(task):
        nonlocal most
        while not task.done():
            await asyncio.sleep(0)
            text = transport.text
            if text:
                waiting.extend(fromstring(f"<s xmlns='jabber:client'>{text}</s>"))
            most = max(most, len(waiting))
            if waiting and not text:  # all that may be under way is
                iq = waiting.pop(0)
                condition = answer(iq[0][0].get("jid"))
                if condition is None:
                    continue
                kind = "error" if condition else "result"
                error = (
                    f"<error type='modify'><{condition} "
                    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
                    if condition
                    else ""
                )
                come(wire, f"<iq type='{kind}' id='{iq.get('id')}'>{error}</iq>")

    async def both():
        async def collect():
            return [each async for each in rosterimport.apply(session, steps)]

        task = asyncio.ensure_future(collect())
        await server(task)
        return task.result()

    return asyncio.run(both()), most


def test_bounded_and_in_order():
    entries = [BAD, *(Entry(f"c{n:03}@x.test") for n in range(300))]
    steps = rosterimport.plan(SESSION, [Contact("c007@x.test")], entries)
    changes, most = apply(steps, lambda jid: "jid-malformed" if jid == "c100@x.test" else "")
    assert [change.jid for change in changes] == ["@@", *(e.jid for e in entries[1:])]
    assert (changes[0].action, changes[0].error.code) == (None, 2)
    assert changes[8].action == "unchanged"
    assert (changes[101].action, changes[101].error.condition) == (None, "jid-malformed")
    assert sum(change.action == "added" for change in changes) == 298
    assert 8 < most <= roster.FLIGHT


def test_silence_is_waited_for_once():
    steps = rosterimport.plan(SESSION, [], [Entry(f"c{n:03}@x.test") for n in range(300)])
    changes, _ = apply(steps, lambda jid: "" if jid < "c010" else None)
    assert [change.action for change in changes[:10]] == ["added"] * 10
    assert {change.error.name for change in changes[10:]} == {"TIMEOUT"}
    assert len(changes) == 300


def test_who_removed_it_first_does_not_matter():
    steps = rosterimport.plan(SESSION, [Contact("a@x.test")], [Entry("b@x.test")], prune=True)
    changes, _ = apply(steps, lambda jid: "item-not-found" if jid == "a@x.test" else "")
    assert [(change.jid, change.action) for change in changes] == [
        ("b@x.test", "added"),
        ("a@x.test", "removed"),
    ]
