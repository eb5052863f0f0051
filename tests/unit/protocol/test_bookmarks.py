"""Bookmarks without a server: which store, what is kept, what is believed, and races."""

from dataclasses import replace
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.protocol.bookmarks import COMPAT, LEGACY, NS, Account, storage
from xmppctl.errors import UnsupportedError
from xmppctl.model.bookmark import Bookmark
from xmppctl.model.jid import parse
from xmppctl.protocol.bookmarks import changes, elements
from xmppctl.protocol.bookmarks.elements import Wish
from xmppctl.protocol.bookmarks.manner import Manner
from xmppctl.session.xml import serialise

PLAY = parse("theplay@conference.shakespeare.lit")
ORCHARD = parse("orchard@conference.shakespeare.lit")
COUNCIL = parse("council@conference.underhill.org")
SHAKESPEARE = "http://the-tech.mit.edu/Shakespeare/"

# XEP-0402 §3.2
THE_PLAY = (
    f"<conference xmlns='{NS}' name='The Play&apos;s the Thing' autojoin='true'><nick>JC</nick>"
    "</conference>"
)
STATE = "<state xmlns='http://myclient.example/bookmark/state' minimized='true'/>"
THE_ORCHARD = (
    f"<conference xmlns='{NS}' name='The Orcard' autojoin='1'><nick>JC</nick>"
    f"<extensions>{STATE}</extensions></conference>"
)
# XEP-0048 §2
THE_COUNCIL = (
    "<conference name='Council of Oberon' autojoin='true' jid='council@conference.underhill.org'>"
    "<nick>Puck</nick></conference>"
)
THE_PAGE = f"<url name='Complete Works of Shakespeare' url='{SHAKESPEARE}'/>"


def room(name, jid=COUNCIL):
    return f"<conference jid='{jid}' name='{name}'/>"


# --- reading


def test_the_examples_of_0402():
    account = Account(pep={PLAY: THE_PLAY, ORCHARD: THE_ORCHARD})
    orchard, play = account.fetch()
    assert play == Bookmark(
        str(PLAY), "The Play's the Thing", nick="JC", autojoin=True, source="pep"
    )
    assert orchard == Bookmark(
        str(ORCHARD), "The Orcard", nick="JC", autojoin=True, extensions=[STATE], source="pep"
    )
    assert sorted(account.log) == ["disco", "get private", "items pep", "items pep-legacy"]


def test_the_examples_of_0048():
    account = Account(private=THE_COUNCIL + THE_PAGE)
    council = Bookmark(
        str(COUNCIL), "Council of Oberon", nick="Puck", autojoin=True, source="private"
    )
    page = Bookmark(None, "Complete Works of Shakespeare", source="private", url=SHAKESPEARE)
    assert account.fetch() == [council, page]
    account = Account(legacy=THE_COUNCIL)
    assert account.fetch("pep-legacy") == [replace(council, source="pep-legacy")]
    assert account.log == ["items pep-legacy"]


def test_the_newest_store_counts():
    account = Account(
        pep={COUNCIL: f"<conference xmlns='{NS}' name='new'/>"},
        private=room("old") + room("P", PLAY),
        legacy=room("older") + room("Q", PLAY) + room("O", ORCHARD),
    )
    found = {each.jid: (each.name, each.source) for each in account.fetch()}
    assert found == {
        str(COUNCIL): ("new", "pep"),
        str(PLAY): ("P", "private"),
        str(ORCHARD): ("O", "pep-legacy"),
    }


def test_a_store_that_shows_another_one_is_not_looked_at():
    account = Account(*COMPAT, pep={}, private=room("x"), legacy=room("x"))
    assert account.fetch() == []
    assert [each.source for each in account.fetch("private")] == ["private"]


def test_what_is_no_bookmark_hides_nothing():
    odd = {"@@": THE_PLAY, "dom.test": THE_PLAY, f"{PLAY}/nick": THE_PLAY, "xmpp:a@b.c": THE_PLAY}
    odd[str(ORCHARD)] = "<conference xmlns='urn:xmpp:bookmarks:0'/>"
    account = Account(
        pep={**odd, PLAY: THE_PLAY},
        private="<conference/><conference jid=''/><url/><other xmlns='x' jid='a@b.c'/>text",
    )
    assert [each.jid for each in account.fetch()] == [str(PLAY)]
    assert account.warnings == ["left out: 8 entries that are no bookmark of a room; -v tells more"]
    twice = "<conference/><url/>"
    account = Account(private=twice, legacy=twice)
    assert account.fetch() == []
    assert account.warnings == ["left out: 2 entries that are no bookmark of a room; -v tells more"]


def test_stores_that_the_server_lacks():
    account = Account(pep={PLAY: THE_PLAY}, lacking=("private", "pep-legacy"))
    assert len(account.fetch()) == 1
    assert account.warnings == []
    with pytest.raises(UnsupportedError):
        account.fetch("private")
    with pytest.raises(UnsupportedError):
        Account(lacking=("pep", "private", "pep-legacy")).fetch()
    # without personal eventing the older storage is the place
    account = Account(lacking=("pep", "pep-legacy"))
    assert account.put(PLAY, Wish(name="A"), mode="add").source == "private"


def test_a_password_is_told_only_if_wanted():
    account = Account(private=f"<conference jid='{PLAY}'><password>s</password></conference>")
    (hidden,) = account.fetch()
    assert (hidden.password, hidden.has_password, hidden.extensions) == (None, True, [])
    (shown,) = account.fetch(password=True)
    assert shown.password == "s"


# --- writing


def test_a_new_one_is_an_item():
    account = Account(private=THE_COUNCIL)
    record = account.put(PLAY, Wish(name="The Play's the Thing", nick="JC", autojoin=True))
    assert (record.action, record.source, record.error) == ("added", "pep", None)
    assert serialise(account.item(PLAY), "") == serialise(fromstring(THE_PLAY), "")
    assert "set private" not in account.log
    # reading in one flight, the item, and a look at what is there now
    assert len(account.log) == 6


def test_what_is_not_understood_is_kept():
    more = THE_ORCHARD.replace("<nick>", "<x xmlns='u'/><nick xml:lang='en'>").replace(
        "autojoin", "zoom='2' autojoin"
    )
    account = Account(pep={ORCHARD: more})
    account.put(ORCHARD, Wish(name="The Orchard", nick="J", pinned=True, password="p"))
    element = account.item(ORCHARD)
    assert element.attrib == {"name": "The Orchard", "zoom": "2", "autojoin": "1"}
    assert [each.tag.partition("}")[2] for each in element.iter()] == [
        "conference", "x", "password", "nick", "extensions", "state", "pinned",
    ]  # fmt: skip
    account.put(ORCHARD, Wish(pinned=False, password="", name="", nick="", autojoin=False))
    assert account.item(ORCHARD).attrib == {"zoom": "2", "autojoin": "false"}
    assert account.item(ORCHARD).find(f"{{{NS}}}extensions/*").get("minimized") == "true"


def test_it_is_changed_wherever_it_is():
    foreign = "<other xmlns='u' a='1'>t</other>"
    account = Account(
        pep={COUNCIL: THE_PLAY},
        private=foreign + room("old") + room("P", PLAY),
        legacy=room("older") + foreign,
    )
    record = account.put(COUNCIL, Wish(name="N"), mode="edit")
    assert (record.name, record.source, record.action) == ("N", "pep", "changed")
    for store in ("private", "pep-legacy"):
        blob = account.blob(store)
        (found,) = (each for each in blob if each.get("jid") == str(COUNCIL))
        assert found.get("name") == "N"
        assert blob.find("{u}other").text == "t"
    assert len(account.blob()) == 3
    (removal,) = account.remove(COUNCIL)
    assert (removal.removed, removal.error) == (True, None)
    assert account.nodes[NS] == {}
    assert [each.get("jid") for each in account.blob()] == [None, str(PLAY)]
    assert len(account.blob("pep-legacy")) == 1


def test_one_store_alone():
    account = Account(pep={COUNCIL: THE_PLAY}, private=room("old"))
    account.put(COUNCIL, Wish(name="N"), "private")
    assert account.blob()[0].get("name") == "N"
    assert account.item(COUNCIL).get("name") == "The Play's the Thing"
    account.remove(COUNCIL, choice="private")
    assert len(account.blob()) == 0 and len(account.nodes[NS]) == 1
    # in what shows another store nothing is ever written
    account = Account(*COMPAT, pep={COUNCIL: THE_ORCHARD}, private=room("The Orcard"))
    assert account.put(COUNCIL, Wish(name="N"), "private").source == "pep"
    assert account.item(COUNCIL).find(f"{{{NS}}}extensions") is not None
    account.remove(COUNCIL, choice="pep-legacy")
    assert not [each for each in account.log if each.startswith(("set", "publish pep-legacy"))]


def test_adding_what_is_there():
    account = Account(pep={PLAY: THE_PLAY})
    assert account.put(PLAY, Wish(nick="JC"), mode="add").action == "unchanged"
    refused = account.put(PLAY, Wish(nick="X"), mode="add")
    assert (refused.action, refused.error.condition, refused.nick) == (None, "conflict", "JC")
    assert not [each for each in account.log if each.startswith("publish")]


def test_what_is_not_there():
    account = Account(pep={PLAY: THE_PLAY})
    assert account.put(ORCHARD, Wish(name="x"), mode="edit").error.condition == "item-not-found"
    gone, there = account.remove(ORCHARD, PLAY)
    assert (gone.removed, gone.error.condition) == (False, "item-not-found")
    assert (there.removed, there.error) == (True, None)
    (gone,) = account.remove(ORCHARD, if_exists=True)
    assert (gone.removed, gone.error) == (False, None)


def test_other_spellings_of_an_id():
    account = Account(pep={str(PLAY).upper(): THE_PLAY, PLAY: THE_PLAY})
    account.put(PLAY, Wish(name="N"))
    assert {fromstring(text).get("name") for text in account.nodes[NS].values()} == {"N"}
    account.remove(PLAY)
    assert account.nodes[NS] == {}


def test_a_yes_is_no_proof():
    account = Account(pep={PLAY: THE_PLAY}, private=room("old"), deaf=True)
    assert account.put(PLAY, Wish(name="N")).error.condition == "not-confirmed"
    assert account.put(COUNCIL, Wish(name="N")).error.condition == "not-confirmed"
    assert account.put(ORCHARD, Wish()).error.condition == "not-confirmed"
    errors = [each.error.condition for each in account.remove(PLAY, COUNCIL)]
    assert errors == ["not-confirmed", "not-confirmed"]


def test_web_pages():
    account = Account()
    record = account.put(SHAKESPEARE, Wish(name="W"), mode="add")
    assert (record.url, record.source, record.jid) == (SHAKESPEARE, "private", None)
    assert account.blob()[0].attrib == {"url": SHAKESPEARE, "name": "W"}
    assert account.put(SHAKESPEARE, Wish(name="W"), "pep").error.code == 7
    record = Account(*COMPAT).put(SHAKESPEARE, Wish(name="W"), mode="add")
    assert (record.url, record.error.code) == (SHAKESPEARE, 7)
    assert account.remove(SHAKESPEARE)[0].removed is True


def test_pinning_has_a_place_in_one_store_only():
    account = Account(private=room("old"))
    assert account.put(COUNCIL, Wish(pinned=True), mode="edit").error.code == 7
    assert account.put(PLAY, Wish(notify="never"), "private").error.code == 7
    assert account.put(PLAY, Wish(notify="never")).notify == "never"
    assert "set private" not in account.log


# --- others write too


def test_what_is_written_in_between_is_kept():
    def another(account, what):
        if what == "set private" and "set private" not in account.log[:-1]:
            account.private = storage(THE_COUNCIL + room("theirs", ORCHARD))

    account = Account(private=THE_COUNCIL, meddle=another)
    assert account.put(PLAY, Wish(name="ours"), "private").error is None
    # it came between the reading and the writing of one flight: only the last look can tell
    assert str(PLAY) in {each.get("jid") for each in account.blob()}

    def before(account, what):
        if what == "get private" and account.log.count("get private") == 3:
            account.private = storage(THE_COUNCIL + room("theirs", ORCHARD))

    account = Account(private=THE_COUNCIL, meddle=before)
    assert account.put(PLAY, Wish(name="ours"), "private").error is None
    assert {each.get("jid") for each in account.blob()} == {str(COUNCIL), str(ORCHARD), str(PLAY)}


@pytest.mark.parametrize("moment", ["before", "behind"])
def test_the_same_in_a_node(moment):
    theirs = storage(THE_COUNCIL + room("theirs", ORCHARD))

    def before(account, what):
        # what was read first is not what is there when it is written
        if what == "items pep-legacy" and account.log.count(what) == 3:
            account.nodes[LEGACY]["current"] = theirs

    def behind(account, what):
        # who had read earlier writes over it
        if what == "items pep-legacy" and account.log.count(what) == 4:
            account.nodes[LEGACY]["current"] = theirs

    account = Account(legacy=THE_COUNCIL, meddle=before if moment == "before" else behind)
    assert account.put(PLAY, Wish(name="ours"), "pep-legacy").error is None
    jids = {each.get("jid") for each in account.blob("pep-legacy")}
    assert jids == {str(COUNCIL), str(ORCHARD), str(PLAY)}
    assert account.log.count("publish pep-legacy") == 2


def test_other_runs_wait_for_their_turn():
    held = []

    class Turn:
        def __enter__(self):
            held.append(len(account.log))

        def __exit__(self, *_):
            held.append(len(account.log))

    account = Account(private=THE_COUNCIL)
    wishes = {COUNCIL: Wish(name="N")}
    account.manner = Manner(account.warnings.append, Turn)
    account.run(changes.put(account.session, wishes, "private", "edit", account.manner))
    begin, end = held
    assert account.log[begin:end] == ["get private", "get private", "set private", "get private"]


def test_a_server_that_converts_is_not_written_twice():
    def mirror(account, what):
        if account.private is not None:
            account.nodes[LEGACY] = {"current": account.private}

    account = Account(private=room("old"), legacy=room("old"), meddle=mirror)
    assert account.put(COUNCIL, Wish(name="N")).error is None
    assert "publish pep-legacy" not in account.log
    assert account.remove(COUNCIL)[0].error is None
    assert "publish pep-legacy" not in account.log


def test_one_that_was_removed_meanwhile_is_not_made_again():
    def another(account, what):
        if what == "get private" and account.log.count(what) == 2:
            account.private = storage("")

    account = Account(private=room("old"), meddle=another)
    assert account.put(COUNCIL, Wish(name="N"), mode="edit").error.condition == "not-confirmed"
    assert len(account.blob()) == 0


def test_others_that_vanish_are_told():
    def limited(account, what):
        if what == "items pep" and account.log.count(what) == 2:
            del account.nodes[NS][str(ORCHARD)]

    account = Account(pep={ORCHARD: THE_ORCHARD}, meddle=limited)
    assert account.put(PLAY, Wish()).error is None
    assert "1 of the bookmarks that were there are gone" in account.warnings[0]


# --- from one store to another


def test_convert_to_the_new_store():
    clients = "<print_status xmlns='gajim:bookmarks'>all</print_status>"
    inner = THE_COUNCIL.replace("</c", f"{clients}</c") + THE_PAGE + room("P", PLAY)
    account = Account(pep={PLAY: THE_PLAY}, private=inner, legacy=THE_PAGE)
    records, one = account.convert("pep")
    assert [(each.jid, each.action) for each in records] == [
        (str(COUNCIL), "added"),
        (str(PLAY), "unchanged"),
    ]
    assert one is False
    assert account.item(PLAY).get("name") == "The Play's the Thing"
    assert records[0].extensions == [clients]
    assert account.warnings == ["left out: 1 of web pages, for which XEP-0402 has no place"]
    assert account.private == storage(inner)


def test_convert_to_an_old_store():
    account = Account(pep={ORCHARD: THE_ORCHARD}, private=THE_COUNCIL)
    records, _ = account.convert("private")
    assert [(each.jid, each.action, each.source) for each in records] == [
        (str(ORCHARD), "added", "private")
    ]
    assert len(account.blob()) == 2
    assert account.blob()[1].attrib == {
        "jid": str(ORCHARD), "name": "The Orcard", "autojoin": "true",
    }  # fmt: skip
    assert "has no place in private" in account.warnings[0]


def test_nothing_to_convert():
    assert Account(*COMPAT, pep={PLAY: THE_PLAY}).convert("private") == ([], True)
    with pytest.raises(UnsupportedError):
        Account(pep={PLAY: THE_PLAY}, lacking=("private",)).convert("private")


# --- settings for notifications


@pytest.mark.parametrize(
    ("before", "setting", "after"),
    [
        ("", "never", "<never/>"),
        ("<always/>", "never", "<never/>"),
        ("<always><advanced><x xmlns='u'/></advanced></always>", "never",
         "<never><advanced><x xmlns='u'/></advanced></never>"),
        ("<never identity-category='client'/><always/>", "on-mention",
         "<never identity-category='client'/><on-mention/>"),
        ("<never identity-category='client'/><always/>", "", "<never identity-category='client'/>"),
        ("<always/>", "", None),
    ],
)  # fmt: skip
def test_notify(before, setting, after):
    ns = "urn:xmpp:notification-settings:1"
    inner = f"<extensions><notify xmlns='{ns}'>{before}</notify></extensions>" if before else ""
    element = fromstring(f"<conference xmlns='{NS}'>{inner}</conference>")
    assert elements.apply(element, Wish(notify=setting)) is True
    assert elements.apply(element, Wish(notify=setting)) is False
    found = element.find(f"{{{NS}}}extensions/{{{ns}}}notify")
    expected = None if after is None else f"<notify xmlns='{ns}'>{after}</notify>"
    assert (None if found is None else serialise(found, "")) == expected
    assert elements.record(PLAY, element, "pep").notify == (setting or None)
