"""What the hosts with SASL2, Bind 2 and FAST do, asked by a raw client; and that the others do not.

That these modules answer as they do is what the tests of xmppctl's own login stand on.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers.rawsasl2 import (
    REQUEST_TOKEN,
    Refused,
    Sasl2Bosh,
    Sasl2Client,
    Sasl2WebSocket,
    bind2,
)
from tests.peers.rawxml import RawClient
from tests.peers.stream import BIND2, FAST, SASL, SASL2, SM, STREAMS, StreamClosed
from tests.servers.base import Account
from tests.servers.prosody import Prosody
from tests.servers.sasl2 import PatchError, write_modules

PING = "<ping xmlns='urn:xmpp:ping'/>"
CARBONS = "urn:xmpp:carbons:2"
FAST_HOSTS = ("sasl2", "sasl2_rotating", "sasl2_short")


def account_on(prosody: Prosody, host: str = "sasl2") -> Account:
    return prosody.account("fay", prosody.hosts[host])


def token_of(client: Sasl2Client) -> str:
    client.open()
    token = client.scram(bind2(), REQUEST_TOKEN).token
    assert token is not None
    return token


def again(client: Sasl2Client) -> Sasl2Client:
    """Another connection from the same device, opened."""
    other = Sasl2Client(client.account, device=client.device)
    other.open()
    return other


# --- the offer ----------------------------------------------------------------------------------


@pytest.mark.parametrize("direct", [True, False], ids=["direct", "starttls"])
@pytest.mark.parametrize("host", FAST_HOSTS)
def test_the_offer(prosody: Prosody, host: str, direct: bool) -> None:
    with Sasl2Client(account_on(prosody, host), direct=direct) as client:
        features = client.open()
        assert set(client.offers("mechanism", SASL2)) == {"PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"}
        assert client.offers("mechanism", FAST) == ["HT-SHA-256-NONE"]
        inline = features.findall(f".//{{{BIND2}}}feature")
        assert {each.get("var") for each in inline} == {CARBONS, "urn:xmpp:csi:0", SM}
        # the old way stands beside it
        assert features.find(f"{{{SASL}}}mechanisms") is not None


def test_fast_is_for_whom_the_header_names(prosody: Prosody) -> None:
    with Sasl2Client(account_on(prosody), sender=False) as client:
        client.open()
        assert client.offers("mechanism", FAST) == []
        with pytest.raises(Refused, match="FAST is not available on this stream"):
            client.fast("whatever", bind2())


def test_the_other_hosts_know_nothing_of_it(prosody: Prosody) -> None:
    others = {host for purpose, host in prosody.hosts.items() if purpose not in FAST_HOSTS}
    for domain in {prosody.domain, *others}:
        with RawClient(domain, prosody.direct_tls, prosody.ca_file, direct=True) as client:
            client.sender = f"somebody@{domain}"
            assert client.open().find(f"{{{SASL2}}}authentication") is None
    with Sasl2Client(prosody.account("old")) as client:
        client.open()
        client.send(client.fast_xml("x"))
        with pytest.raises(StreamClosed, match="unsupported-stanza-type"):
            client.recv()


def test_sasl1_works_beside_it(prosody: Prosody) -> None:
    with RawClient.login_as(account_on(prosody), direct=True) as client:
        assert client.iq(PING).get("type") == "result"


# --- logging in ---------------------------------------------------------------------------------


@pytest.mark.parametrize("direct", [True, False], ids=["direct", "starttls"])
@pytest.mark.parametrize("name", ["SHA-1", "SHA-256"])
def test_scram_binds_and_enables_in_one_go(prosody: Prosody, name: str, direct: bool) -> None:
    inline = f"<enable xmlns='{CARBONS}'/><enable xmlns='{SM}' resume='true'/>"
    with Sasl2Client(account_on(prosody), direct=direct) as client:
        client.open()
        success = client.scram(bind2(inline), name=name)
        assert success.jid.startswith(f"{client.account.jid}/raw~")
        assert success.token is None
        assert success.bound is not None
        enabled = success.bound.find(f"{{{SM}}}enabled")
        assert enabled is not None
        assert enabled.get("id")
        assert success.bound.find(f"{{{CARBONS}}}enabled") is not None
        # the features come without being asked for, and without a new stream header
        assert client.recv().tag == f"{{{STREAMS}}}features"
        assert client.iq(PING).get("type") == "result"
        client.send(f"<r xmlns='{SM}'/>")
        assert client.expect(lambda e: e.tag == f"{{{SM}}}a").get("h") == "1"


def test_without_bind_the_jid_is_bare_and_binding_is_as_ever(prosody: Prosody) -> None:
    with Sasl2Client(account_on(prosody)) as client:
        client.open()
        assert client.scram().jid == client.account.jid
        client.recv()
        assert client.bind("here") == f"{client.account.jid}/here"


def test_device_and_tag_are_the_resource_and_a_second_one_throws_the_first_off(
    prosody: Prosody,
) -> None:
    with Sasl2Client(account_on(prosody)) as first:
        first.open()
        jid = first.scram(bind2()).jid
        first.recv()
        with again(first) as other:
            assert other.scram(bind2(tag="other")).jid != jid
        with again(first) as second:
            assert second.scram(bind2()).jid == jid
            with pytest.raises(StreamClosed, match="conflict"):
                first.recv()


def test_a_wrong_password_is_refused_and_ends_what_the_stream_is_good_for(
    prosody: Prosody,
) -> None:
    with Sasl2Client(account_on(prosody)) as client:
        client.open()
        with pytest.raises(Refused) as refused:
            client.scram(bind2(), password="wrong")
        assert refused.value.condition == "not-authorized"
        with pytest.raises(Refused) as refused:
            client.scram(bind2())
        assert refused.value.condition == "invalid-mechanism"


@pytest.mark.parametrize("kind", [Sasl2WebSocket, Sasl2Bosh], ids=["websocket", "bosh"])
def test_all_of_it_works_over_http(
    prosody: Prosody, kind: type[Sasl2WebSocket] | type[Sasl2Bosh]
) -> None:
    account = account_on(prosody)
    with kind(account) as first:
        first.open()
        assert first.offers("mechanism", FAST) == ["HT-SHA-256-NONE"]
        token = first.scram(bind2(f"<enable xmlns='{SM}'/>"), REQUEST_TOKEN).token
        assert first.recv().tag == f"{{{STREAMS}}}features"
        assert first.iq(PING).get("type") == "result"
    with kind(account, device=first.device) as client:
        client.open()
        assert client.fast(token or "", bind2()).bound is not None
        assert client.recv().tag == f"{{{STREAMS}}}features"
        assert client.iq(PING).get("type") == "result"
    with kind(account, sender=False) as stranger:
        stranger.open()
        assert stranger.offers("mechanism", FAST) == []


# --- tokens -------------------------------------------------------------------------------------


def test_a_token_logs_in_any_number_of_times(prosody: Prosody) -> None:
    with Sasl2Client(account_on(prosody)) as first:
        token = token_of(first)
    for direct in (True, False, True):
        with Sasl2Client(first.account, device=first.device, direct=direct) as client:
            client.open()
            success = client.fast(token, bind2())
            assert success.jid.startswith(f"{first.account.jid}/raw~")
            assert success.token is None
            assert client.recv().tag == f"{{{STREAMS}}}features"
            assert client.iq(PING).get("type") == "result"


def test_a_token_is_good_for_its_device_alone(prosody: Prosody) -> None:
    with Sasl2Client(account_on(prosody)) as first:
        token = token_of(first)
    with Sasl2Client(first.account) as client:
        client.open()
        with pytest.raises(Refused) as refused:
            client.fast(token, bind2())
        assert refused.value.condition == "not-authorized"


def test_after_a_wrong_token_the_password_needs_another_stream(prosody: Prosody) -> None:
    with Sasl2Client(account_on(prosody)) as client:
        client.open()
        with pytest.raises(Refused) as refused:
            client.fast("wrong", bind2())
        assert refused.value.condition == "not-authorized"
        with pytest.raises(Refused) as refused:
            client.scram(bind2())
        assert refused.value.condition == "invalid-mechanism"
    with again(client) as other:
        assert other.scram(bind2(), REQUEST_TOKEN).token


def test_an_expired_token_is_told_once(prosody: Prosody) -> None:
    with Sasl2Client(account_on(prosody)) as first:
        token = token_of(first)
    prosody.expire_tokens(first.account)
    for condition in ("credentials-expired", "not-authorized"):
        with again(first) as client:
            with pytest.raises(Refused) as refused:
                client.fast(token, bind2())
            assert refused.value.condition == condition


def test_rotation_leaves_the_old_token_until_the_new_one_is_used(prosody: Prosody) -> None:
    with Sasl2Client(account_on(prosody, "sasl2_rotating")) as first:
        tokens = [token_of(first)]
    for used in (0, 0, 2):
        with again(first) as client:
            success = client.fast(tokens[used], bind2())
        assert success.token not in (None, *tokens)
        assert success.expiry is not None
        tokens.append(success.token or "")
    # 0 gave 1 and then 2, which replaced 1 before it was used; using 2 ended 0
    for gone in (0, 1):
        with again(first) as client:
            with pytest.raises(Refused) as refused:
                client.fast(tokens[gone], bind2())
            assert refused.value.condition == "not-authorized"


def test_a_token_is_invalidated_by_its_own_login(prosody: Prosody) -> None:
    with Sasl2Client(account_on(prosody)) as first:
        token = token_of(first)
    with again(first) as client:
        assert client.fast(token, bind2(), invalidate=True).token is None
    with again(first) as client:
        with pytest.raises(Refused) as refused:
            client.fast(token, bind2())
        assert refused.value.condition == "not-authorized"


def test_a_token_may_ask_for_the_next(prosody: Prosody) -> None:
    with Sasl2Client(account_on(prosody)) as first:
        token = token_of(first)
    with again(first) as client:
        following = client.fast(token, bind2(), REQUEST_TOKEN).token
    assert following not in (None, token)
    with again(first) as client:
        client.fast(following or "", bind2())


def test_a_short_token_says_when_it_ends(prosody: Prosody) -> None:
    with Sasl2Client(account_on(prosody, "sasl2_short")) as client:
        client.open()
        short = client.scram(REQUEST_TOKEN).expiry
    with Sasl2Client(account_on(prosody)) as client:
        client.open()
        usual = client.scram(REQUEST_TOKEN).expiry
    assert short is not None
    assert usual is not None
    assert short < usual


# --- the modules --------------------------------------------------------------------------------


def test_modules_of_another_version_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(PatchError, match="is missing"):
        write_modules(tmp_path / "plugins", tmp_path)
    (tmp_path / "mod_c2s.lua").write_text("-- another one\n")
    with pytest.raises(PatchError, match="0 times instead of once"):
        write_modules(tmp_path / "plugins", tmp_path)
