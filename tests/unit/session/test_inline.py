"""What rides along with a login by SASL2, and when a device is taken for it."""

from xml.etree.ElementTree import Element, SubElement

import pytest

from xmppctl.errors import ConnectError
from xmppctl.model.account import Account
from xmppctl.model.jid import parse
from xmppctl.model.memory import Known, Token
from xmppctl.session.inline import Inline
from xmppctl.session.offer import NS_BIND2, NS_FAST, NS_SASL2, Offer
from xmppctl.session.secret import has_token

TOKEN = Token("HT-SHA-256-NONE", "T", None, "device", "2026-01-01T00:00:00Z")
CARBONS = "urn:xmpp:carbons:2"
OFFER = Offer(
    sasl2=("SCRAM-SHA-256",), fast=("HT-SHA-256-NONE",), inline=(NS_BIND2, CARBONS, "urn:xmpp:sm:3")
)


class OneRun:
    """A memory that tells what it was asked for."""

    def __init__(self, known=None, token=None, device="device"):
        self._known, self._token, self._device = known, token, device
        self.asked = []
        self.kept = []
        self.dropped = []

    def known(self):
        return self._known

    def token(self):
        self.asked.append("token")
        return self._token

    def device(self):
        self.asked.append("device")
        return self._device

    def keeps_tokens(self):
        return self._device is not None

    def keep_token(self, token):
        self.kept.append(token)
        return True

    def drop_token(self, token):
        self.dropped.append(token)


def account(memory, jid="alice@x.test", **more):
    return Account(jid=parse(jid), memory=memory, **more)


@pytest.mark.parametrize(
    ("known", "token", "found", "asked"),
    [
        (Known(), TOKEN, False, []),
        (Known(mechanisms=("PLAIN",)), TOKEN, False, []),
        (Known(fast=("HT-SHA-256-NONE",)), TOKEN, True, ["token"]),
        (Known(fast=("HT-SHA-256-EXPR",)), TOKEN, False, ["token"]),
        (Known(fast=("HT-SHA-256-NONE",)), None, False, ["token"]),
        (None, TOKEN, True, ["token"]),
        (None, None, False, ["token"]),
    ],
)
def test_no_token_is_asked_for_where_a_server_takes_none(known, token, found, asked):
    memory = OneRun(known, token)
    assert has_token(account(memory)) is found
    assert memory.asked == asked


@pytest.mark.parametrize("more", [{"sasl": "sasl1"}, {"sasl_mechanism": "PLAIN"}])
def test_no_token_is_asked_for_where_the_user_says_how(more):
    memory = OneRun(None, TOKEN)
    assert not has_token(account(memory, **more))
    assert memory.asked == []


def requests(memory, known, token=None, offer=OFFER, jid="alice@x.test", **more):
    """The requests by their names, and the elements."""
    found = Inline(account(memory, jid), known, **more).requests(offer, token, {})
    return [each.tag.partition("}")[2] for each in found], found


def test_bind_2_is_for_accounts_with_an_archive():
    archive = Known(archive=True)
    names, found = requests(OneRun(), archive, enable=(Element(f"{{{CARBONS}}}enable"),))
    assert names == ["user-agent", "bind", "request-token"]
    assert found[0].get("id") == "device"
    assert [each.tag for each in found[1]] == [f"{{{NS_BIND2}}}tag", f"{{{CARBONS}}}enable"]
    assert found[2].get("mechanism") == "HT-SHA-256-NONE"
    assert requests(OneRun(), archive, TOKEN)[0] == ["user-agent", "bind", "fast"]
    without = ["user-agent", "request-token"]
    assert requests(OneRun(), None)[0] == without
    assert requests(OneRun(), Known())[0] == without
    assert requests(OneRun(), archive, jid="alice@x.test/mine")[0] == without
    assert requests(OneRun(), archive, offer=Offer(sasl2=("PLAIN",)))[0] == ["user-agent"]
    # what the server cannot enable with the login is not asked for
    [_, bind, _] = requests(OneRun(), archive, enable=(Element("{urn:xmpp:csi:0}inactive"),))[1]
    assert [each.tag for each in bind] == [f"{{{NS_BIND2}}}tag"]


def test_without_a_device_there_is_no_token_and_no_name():
    names, found = requests(OneRun(device=None), Known(archive=True))
    assert names == ["user-agent", "bind"]
    assert found[0].get("id") is None
    assert requests(None, Known(archive=True))[0] == ["user-agent", "bind"]


def test_the_end_of_a_token_binds_nothing():
    names, found = requests(OneRun(), Known(archive=True), TOKEN, invalidate=True)
    assert names == ["user-agent", "fast"]
    assert found[1].get("invalidate") == "true"


def success(token=None, bound=None):
    element = Element(f"{{{NS_SASL2}}}success")
    if token is not None:
        SubElement(element, f"{{{NS_FAST}}}token", {"token": token, "expiry": "2100-01-01"})
    if bound is not None:
        SubElement(element, f"{{{NS_BIND2}}}bound")
        SubElement(element, f"{{{NS_SASL2}}}authorization-identifier").text = bound
    return element


def test_a_token_is_kept_for_the_device_that_asked():
    memory = OneRun()
    inline = Inline(account(memory), None)
    # one that nobody asked for is for no mechanism
    inline.keep_token(success("T2"), None)
    assert memory.kept == []
    inline.requests(OFFER, None, {})
    inline.keep_token(success(), None)
    inline.keep_token(success(""), None)
    assert memory.kept == []
    inline.keep_token(success("T2"), None)
    [kept] = memory.kept
    assert kept[:4] == ("HT-SHA-256-NONE", "T2", "2100-01-01", "device")
    # a new one in the place of the one of this login
    inline.keep_token(success("T3"), TOKEN)
    assert memory.kept[1].token == "T3"
    assert memory.dropped == []


def test_a_token_that_ends_is_dropped():
    memory = OneRun()
    Inline(account(memory), None, invalidate=True).keep_token(success(), TOKEN)
    assert memory.dropped == [TOKEN]


def test_what_was_bound():
    bound = Inline(account(None), None).bound
    assert bound(success(), "x.test") == (None, None)
    jid, element = bound(success(bound="alice@x.test/xmppctl~1"), "x.test")
    assert str(jid) == "alice@x.test/xmppctl~1"
    assert element is not None
    for bad in ("", "@"):
        with pytest.raises(ConnectError, match="an address that is none") as caught:
            bound(success(bound=bad), "x.test")
        assert (caught.value.step, caught.value.by) == ("bind", "x.test")
