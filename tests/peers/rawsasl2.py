"""A raw client that logs in by SASL2 (XEP-0388), Bind 2 (XEP-0386) and FAST (XEP-0484)."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, tostring
from xml.sax.saxutils import quoteattr

from tests.peers.mechanisms import HashedToken, Scram, b64
from tests.peers.rawweb import RawBosh, RawWebSocket
from tests.peers.rawxml import RawClient
from tests.peers.stream import BIND2, FAST, SASL, SASL2

if TYPE_CHECKING:
    from tests.servers.base import Account

REQUEST_TOKEN = f"<request-token xmlns='{FAST}' mechanism='{HashedToken.mechanism}'/>"


def bind2(inner: str = "", tag: str | None = "raw") -> str:
    """A request to bind a resource; ``inner`` enables things inline."""
    name = "" if tag is None else f"<tag>{tag}</tag>"
    return f"<bind xmlns='{BIND2}'>{name}{inner}</bind>"


class Refused(PermissionError):  # noqa: N818 - an answer, often the one that was wanted
    """The server sent <failure/>; ``condition`` is that of RFC 6120 §6.5."""

    def __init__(self, failure: Element) -> None:
        super().__init__(tostring(failure, encoding="unicode"))
        children = [child.tag for child in failure if child.tag.startswith(f"{{{SASL}}}")]
        self.condition = children[0].rpartition("}")[2] if children else None


@dataclass(frozen=True)
class Success:
    """What <success/> said; ``element`` is all of it, ``data`` the mechanism's last word."""

    element: Element = field(repr=False)
    jid: str
    data: bytes = b""
    token: str | None = field(default=None, repr=False)
    expiry: str | None = None

    @property
    def bound(self) -> Element | None:
        """The answer to ``bind2``."""
        return self.element.find(f"{{{BIND2}}}bound")


class _Login(RawClient):
    """What a client of ``account`` does by SASL2; ``device`` is its user-agent id.

    ``open`` keeps the stream's offer in ``features``.
    """

    account: Account
    device: str
    features: Element | None = None

    def _of(self, account: Account, device: str | None, sender: bool) -> None:
        self.account = account
        self.device = device or str(uuid.uuid4())
        self.sender = account.jid if sender else None

    def open(self) -> Element:
        """As ``RawClient.open``."""
        self.features = super().open()
        return self.features

    def offers(self, name: str, namespace: str) -> list[str | None]:
        """The texts of all such elements in <authentication/>."""
        assert self.features is not None
        offer = self.features.find(f"{{{SASL2}}}authentication")
        return [] if offer is None else [e.text for e in offer.iter(f"{{{namespace}}}{name}")]

    def authenticate_xml(self, mechanism: str, first: bytes, *more: str) -> str:
        """<authenticate/> with the user agent and ``more`` elements."""
        return (
            f"<authenticate xmlns='{SASL2}' mechanism={quoteattr(mechanism)}>"
            f"<initial-response>{b64(first)}</initial-response>"
            f"<user-agent id={quoteattr(self.device)}><software>raw</software></user-agent>"
            f"{''.join(more)}</authenticate>"
        )

    def scram(self, *more: str, password: str | None = None, name: str = "SHA-256") -> Success:
        """Log in with the password; raises Refused. The features come next."""
        scram = Scram(name, self.account.local, password or self.account.password)
        self.send(self.authenticate_xml(scram.mechanism, scram.first, *more))
        challenge = self.recv()
        if challenge.tag != f"{{{SASL2}}}challenge":
            raise Refused(challenge)
        final = scram.final(base64.b64decode(challenge.text or ""))
        self.send(f"<response xmlns='{SASL2}'>{b64(final)}</response>")
        success = self.outcome()
        assert scram.verify(success.data)
        return success

    def fast(self, token: str, *more: str, invalidate: bool = False) -> Success:
        """Log in with a token; raises Refused."""
        ht = HashedToken(self.account.local, token)
        self.send(self.fast_xml(token, *more, invalidate=invalidate))
        success = self.outcome()
        assert ht.verify(success.data)
        return success

    def fast_xml(self, token: str, *more: str, invalidate: bool = False) -> str:
        """The <authenticate/> of a login with a token."""
        ht = HashedToken(self.account.local, token)
        end = " invalidate='true'" if invalidate else ""
        return self.authenticate_xml(ht.mechanism, ht.first, f"<fast xmlns='{FAST}'{end}/>", *more)

    def outcome(self) -> Success:
        """The <success/> that comes next; raises Refused."""
        answer = self.recv()
        if answer.tag != f"{{{SASL2}}}success":
            raise Refused(answer)
        jid = answer.findtext(f"{{{SASL2}}}authorization-identifier")
        assert jid is not None
        self.jid = jid
        data = answer.findtext(f"{{{SASL2}}}additional-data")
        token = answer.find(f"{{{FAST}}}token")
        return Success(
            answer,
            jid,
            base64.b64decode(data or ""),
            None if token is None else token.get("token"),
            None if token is None else token.get("expiry"),
        )


class Sasl2Client(_Login):
    """By default over direct TLS; without ``sender`` the header does not name the account."""

    def __init__(
        self,
        account: Account,
        *,
        direct: bool = True,
        device: str | None = None,
        sender: bool = True,
        timeout: float = 10.0,
    ) -> None:
        server = account.server
        address = server.direct_tls if direct else server.starttls
        super().__init__(account.domain, address, server.ca_file, direct=direct, timeout=timeout)
        self._of(account, device, sender)


class Sasl2WebSocket(_Login, RawWebSocket):
    """The same over WebSocket."""

    def __init__(self, account: Account, *, device: str | None = None, sender: bool = True) -> None:
        server = account.server
        RawWebSocket.__init__(self, account.domain, server.websocket_url, server.ca_file)
        self._of(account, device, sender)


class Sasl2Bosh(_Login, RawBosh):
    """The same over BOSH."""

    def __init__(self, account: Account, *, device: str | None = None, sender: bool = True) -> None:
        server = account.server
        RawBosh.__init__(self, account.domain, server.bosh_url, server.ca_file)
        self._of(account, device, sender)
