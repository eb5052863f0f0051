"""Login by a client certificate (SASL EXTERNAL), without any password.

ejabberd alone: it has a port that asks for certificates and compares their xmppAddr with the JID.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.failing import failure
from tests.peers.process import Result, Xmppctl
from tests.servers.base import Account
from tests.servers.ca import Authority, Certificate
from tests.servers.ejabberd import Ejabberd
from xmppctl.errors import Exit


@pytest.fixture
def alice(ejabberd: Ejabberd) -> Account:
    return ejabberd.account("alice")


def login(xmppctl: Xmppctl, who: Account, certificate: Certificate, *more: str) -> Result:
    server = who.server
    assert isinstance(server, Ejabberd)
    files = ("--cert", str(certificate.chain), "--key", str(certificate.key))
    return xmppctl(
        *(*files, "--tls", "direct", *more, "account", "test", "--json"),
        jid=who.jid,
        connect=server.client_certificate,
        ca_file=server.ca_file,
    )


@pytest.mark.parametrize("others", [(), ("carol@ejabberd.test",)])
def test_the_certificate_is_enough(
    xmppctl: Xmppctl, authority: Authority, alice: Account, others: tuple[str, ...]
) -> None:
    run = login(xmppctl, alice, authority.client(*others, alice.jid)).expect(0)
    assert run.json()["mechanism"] == "EXTERNAL"
    assert run.json()["jid"].startswith(f"{alice.jid}/")


def test_key_in_the_certificates_file(
    xmppctl: Xmppctl, authority: Authority, alice: Account
) -> None:
    bundle = authority.client(alice.jid).bundle
    run = login(xmppctl, alice, Certificate(bundle, bundle, bundle)).expect(0)
    assert run.json()["mechanism"] == "EXTERNAL"


def test_certificate_of_somebody_else(
    xmppctl: Xmppctl, authority: Authority, ejabberd: Ejabberd, alice: Account
) -> None:
    run = login(xmppctl, alice, authority.client(ejabberd.account("bob").jid))
    error = failure(run, Exit.AUTH, "auth", "not-authorized")
    assert "client certificate (EXTERNAL)" in error["text"]
    assert "xmppAddr" in error["hint"]
    assert "password" not in error["hint"]


def test_certificate_of_an_unknown_authority(
    xmppctl: Xmppctl, tmp_path: Path, alice: Account
) -> None:
    stranger = Authority(tmp_path / "stranger", "a stranger").client(alice.jid)
    error = failure(login(xmppctl, alice, stranger), Exit.AUTH, "auth", "not-authorized")
    assert "issuer" in error["hint"]


def test_password_where_certificates_do_not_count(
    xmppctl: Xmppctl, authority: Authority, alice: Account
) -> None:
    """The usual port offers no EXTERNAL: without a password nothing is left."""
    certificate = authority.client(alice.jid)
    files = ("--cert", str(certificate.chain), "--key", str(certificate.key))
    run = xmppctl(
        *(*files, "account", "test", "--json"),
        jid=alice.jid,
        connect=alice.server.direct_tls,
        ca_file=alice.server.ca_file,
    )
    failure(run, Exit.USAGE, "auth", "no-password")
    with_password = xmppctl(
        *(*files, "account", "test", "--json"), account=alice, connect=alice.server.direct_tls
    )
    assert with_password.expect(0).json()["mechanism"].startswith("SCRAM-")
