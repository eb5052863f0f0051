"""A small file that is uploaded and fetched again (XEP-0363). It stays at the service."""

from __future__ import annotations

from xmppctl.errors import ConnectError, RefusedError, XmppctlError
from xmppctl.model.disco import DiscoInfo
from xmppctl.protocol import upload
from xmppctl.protocol.compliance.verdict import Verdict, failed
from xmppctl.session import http
from xmppctl.session.http import Answer, Write
from xmppctl.session.stream import Session
from xmppctl.session.trace import Trace
from xmppctl.session.web import Web

_CONTENT = b"a test by xmppctl\n"
_BUSY = frozenset({"resource-constraint", "file-too-large", "forbidden", "not-allowed"})
"""With these a service refuses this file now, or this account, and not to be one."""


async def test(session: Session, info: DiscoInfo) -> dict[str, Verdict]:
    """Whether a file comes back as it was. Raises what ended the stream."""
    wanted = upload.Wanted(
        upload.Service(info.jid, None, ()), "xmppctl.txt", len(_CONTENT), "text/plain"
    )
    (slot,) = await upload.slots(session, [wanted], insecure=False)
    if isinstance(slot, XmppctlError):
        return {"0363": _no_slot(slot, info)}
    account = session.account
    # with steps of its own: other tests are under way
    web = Web(account.ca_file, account.connect_timeout, account.timeout, Trace(), pins=account.pins)
    got = bytearray()

    def receive(_: Answer) -> Write:
        def take(block: bytes) -> None:
            if len(got) <= len(_CONTENT):
                got.extend(block)

        return take

    try:
        await upload.store(web, slot, wanted, [_CONTENT], lambda _: None)
        await http.get(web, slot.get, receive)
    except XmppctlError as error:
        return {"0363": failed(error)}
    if bytes(got) != _CONTENT:
        return {"0363": Verdict(False, "live", "the file that came back is another")}
    return {"0363": Verdict(True, "live", f"a file went to {info.jid} and came back")}


def _no_slot(error: XmppctlError, info: DiscoInfo) -> Verdict:
    if isinstance(error, ConnectError):
        raise error
    if isinstance(error, RefusedError) and error.condition in _BUSY:
        return Verdict(True, "disco", f"announced; {info.jid} gave no slot ({error.condition})")
    return failed(error)
