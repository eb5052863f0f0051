"""XEP-0363: the XEP's own examples, and what services may say instead."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from xmppctl.errors import RefusedError, TlsError, UnsupportedError, XmppctlError
from xmppctl.model.disco import DiscoInfo, InfoField, InfoForm
from xmppctl.model.upload import Purpose
from xmppctl.protocol import upload
from xmppctl.protocol.upload import NS, Service, Wanted
from xmppctl.session.trace import Trace
from xmppctl.session.web import Web
from xmppctl.session.xml import serialise

SERVICE = Service("upload.montague.tld", 5242880, ())
WANTED = Wanted(SERVICE, "très cool.jpg", 23456, "image/jpeg")
SLOT = """
<slot xmlns='urn:xmpp:http:upload:0'>
  <put url='https://upload.montague.tld/4a771ac1/tr%C3%A8s%20cool.jpg'>
    <header name='Authorization'>Basic Base64String==</header>
    <header name='Cookie'>foo=bar; user=romeo</header>
  </put>
  <get url='https://download.montague.tld/4a771ac1/tr%C3%A8s%20cool.jpg' />
</slot>"""


def web(*, insecure: bool = False) -> Web:
    return Web(Path("ca.pem"), 10, 30, Trace(), insecure=insecure)


def read(xml: str, *, insecure: bool = False) -> upload.Slot:
    return upload._read(fromstring(xml), web(insecure=insecure))


def info(*forms: InfoForm, features: tuple[str, ...] = (NS,)) -> DiscoInfo:
    return DiscoInfo("upload.montague.tld", None, features=list(features), forms=list(forms))


def limit(*values: str, form_type: str | None = NS) -> InfoForm:
    return InfoForm(form_type, [InfoField("max-file-size", list(values), None)])


def test_the_request() -> None:
    assert serialise(upload._request(WANTED), "") == (
        "<request xmlns='urn:xmpp:http:upload:0' filename='très cool.jpg' size='23456' "
        "content-type='image/jpeg'/>"
    )


def test_the_request_with_a_purpose() -> None:
    until = datetime(2025, 9, 10, 23, 8, 25, tzinfo=UTC)
    wanted = Wanted(SERVICE, "a.jpg", 100, "image/jpeg", Purpose("ephemeral", until))
    assert (
        "<ephemeral xmlns='urn:xmpp:http:upload:purpose:0' expire-before='2025-09-10T23:08:25Z'/>"
    ) in serialise(upload._request(wanted), "")


def test_the_slot() -> None:
    slot = read(SLOT)
    assert slot.put.text == "https://upload.montague.tld/4a771ac1/tr%C3%A8s%20cool.jpg"
    assert slot.get.text == "https://download.montague.tld/4a771ac1/tr%C3%A8s%20cool.jpg"
    assert slot.headers == (
        ("Authorization", "Basic Base64String=="),
        ("Cookie", "foo=bar; user=romeo"),
    )


def test_no_url_without_tls() -> None:
    plain = SLOT.replace("https://download", "http://download")
    with pytest.raises(TlsError):
        read(plain)
    assert read(plain, insecure=True).get.scheme == "http"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<slot xmlns='urn:xmpp:http:upload:0'>", "<slot xmlns='urn:xmpp:http:upload'>"),
        ("<get ", "<got "),
        ("<put url='https://upload.montague.tld/4a771ac1/tr%C3%A8s%20cool.jpg'>", "<put>"),
        ("https://upload.", "https://romeo@upload."),
        ("https://download.", "javascript:"),
    ],
)
def test_what_is_no_slot(before: str, after: str) -> None:
    assert before in SLOT
    with pytest.raises(RefusedError) as refused:
        read(SLOT.replace(before, after))
    assert refused.value.condition == "malformed-answer"


@pytest.mark.parametrize(
    ("found", "size"),
    [
        (info(limit("5242880")), 5242880),
        (info(limit(" 20000 ")), 20000),
        (info(limit("0")), 0),
        (info(), None),
        (info(limit()), None),
        (info(limit("-1")), None),
        (info(limit("5 MB")), None),
        (info(limit("9" * 30)), None),
        (info(limit("٣")), None),
        (info(limit("1", form_type="urn:xmpp:http:upload"), limit("2")), 2),
        (info(limit("1", form_type=None)), None),
    ],
)
def test_the_limit(found: DiscoInfo, size: int | None) -> None:
    service = upload.service_of(found)
    assert service is not None
    assert service.max_size == size


def test_what_is_no_service() -> None:
    assert upload.service_of(info(limit("5"), features=("urn:xmpp:http:upload",))) is None


SMALL, LARGE = Service("a", 10, ()), Service("b", 100, ("profile",))
UNLIMITED = Service("c", None, ())


@pytest.mark.parametrize(
    ("services", "size", "purpose", "chosen"),
    [
        ([SMALL, LARGE], 10, None, SMALL),
        ([SMALL, LARGE], 11, None, LARGE),
        ([LARGE, SMALL], 1, None, LARGE),
        ([SMALL, UNLIMITED], 10**15, None, UNLIMITED),
        ([SMALL, LARGE], 1, Purpose("profile"), LARGE),
    ],
)
def test_the_first_that_fits(
    services: list[Service], size: int, purpose: Purpose | None, chosen: Service
) -> None:
    assert upload.choose(services, size, purpose) is chosen


def test_none_fits() -> None:
    with pytest.raises(RefusedError) as refused:
        upload.choose([SMALL, LARGE, SMALL], 101)
    error = refused.value.info()
    assert (error.condition, error.limit, error.by) == ("file-too-large", 100, "b")
    with pytest.raises(UnsupportedError, match="#permanent"):
        upload.choose([SMALL, LARGE], 1, Purpose("permanent"))


def refusal(children: str, *, kind: str = "modify") -> XmppctlError:
    stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"
    text = children.replace("/>", f" xmlns='{stanzas}'/>", 1)
    answer: Element = fromstring(
        "<iq xmlns='jabber:client' type='error' from='upload.montague.tld'>"
        f"<request xmlns='{NS}'/><error type='{kind}'>{text}</error></iq>"
    )
    return upload._refusal(answer, WANTED)


@pytest.mark.parametrize(
    ("told", "known"),
    [("<max-file-size>20000</max-file-size>", 20000), ("", None),
     ("<max-file-size>much</max-file-size>", None)],
)  # fmt: skip
def test_too_large(told: str, known: int | None) -> None:
    error = refusal(f"<not-acceptable/><file-too-large xmlns='{NS}'>{told}</file-too-large>")
    assert isinstance(error, RefusedError)
    assert (error.condition, error.limit) == ("file-too-large", known)


def test_try_again_later() -> None:
    error = refusal(
        f"<resource-constraint/><retry xmlns='{NS}' stamp='2017-12-03T23:42:05Z'/>", kind="wait"
    )
    assert (error.condition, error.type) == ("resource-constraint", "wait")
    assert "2017-12-03T23:42:05Z" in (error.hint or "")
    assert refusal(f"<resource-constraint/><retry xmlns='{NS}' stamp='soon'/>").hint is None


@pytest.mark.parametrize(
    ("condition", "kind"),
    [("forbidden", RefusedError), ("service-unavailable", UnsupportedError)],
)
def test_other_errors(condition: str, kind: type[XmppctlError]) -> None:
    error = refusal(f"<{condition}/>")
    assert isinstance(error, kind)
    assert error.condition == condition
