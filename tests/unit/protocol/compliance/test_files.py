"""The file that is uploaded for a test."""

import pytest

from tests.unit.protocol.compliance.domain import FILES, Domain
from tests.unit.protocol.serving import error
from xmppctl.errors import ConnectError, RefusedError
from xmppctl.model.disco import DiscoInfo
from xmppctl.protocol import upload
from xmppctl.protocol.compliance import files
from xmppctl.session import http

REQUEST = f"{{{upload.NS}}}request"
SLOT = (
    f"<slot xmlns='{upload.NS}'><put url='https://up.test/f'><header name='Authorization'>x"
    "</header></put><get url='https://up.test/f'/></slot>"
)


@pytest.fixture
def stored(monkeypatch):
    """What a web server was given; it gives back ``back``, if that is set."""

    class Stored:
        data = b""
        back: list | Exception | None = None

    async def put(web, url, headers, size, blocks):
        Stored.data = b"".join(blocks)
        assert (len(Stored.data), url.host) == (size, "up.test")
        return http.Answer(201, "Created", {}, url)

    async def get(web, url, receive):
        if isinstance(Stored.back, Exception):
            raise Stored.back
        write = receive(None)
        for block in [Stored.data] if Stored.back is None else Stored.back:
            write(block)

    monkeypatch.setattr(http, "put", put)
    monkeypatch.setattr(http, "get", get)
    return Stored


def outcome(answer):
    domain = Domain({REQUEST: answer})
    return domain.run(lambda session: files.test(session, DiscoInfo(FILES, None)))["0363"]


def test_it_comes_back(stored):
    assert outcome(SLOT).met is True


@pytest.mark.parametrize(
    "back", [[b""], [b"other"], [b"x" * 1000] * 1000, RefusedError("gone"), ConnectError("no")]
)
def test_it_does_not_come_back(stored, back):
    stored.back = back
    found = outcome(SLOT)
    assert (found.met, found.method) == (False, "live")


@pytest.mark.parametrize(
    ("condition", "met"),
    [("resource-constraint", True), ("forbidden", True), ("service-unavailable", False)],
)
def test_no_slot(stored, condition, met):
    found = outcome(error(condition, "wait"))
    assert found.met is met
    assert found.method == ("disco" if met else "live")


@pytest.mark.parametrize("answer", ["", SLOT.replace("https:", "http:"), None])
def test_a_slot_that_is_none(stored, answer):
    assert outcome(answer).met is False
