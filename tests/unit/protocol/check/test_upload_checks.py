"""Uploads to a web server that does what a test says."""

import pytest

from tests.servers.ca import Authority
from tests.servers.web import WebServer
from tests.unit.protocol.check.probing import INFO, ITEMS, World, items
from tests.unit.protocol.serving import error, info
from xmppctl.model.check import CHECKS

NS = "urn:xmpp:http:upload:0"
SERVICE = "upload.fake.test"
ORIGIN = "Access-Control-Allow-Origin: *"
ALL = (
    ORIGIN,
    "Access-Control-Allow-Methods: PUT, GET",
    "Access-Control-Allow-Headers: authorization, content-type",
)
NAMES = [each for each in CHECKS if each.startswith("upload.")]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


class Place:
    """An upload service that works; what is set makes it another one."""

    def __init__(self):
        self.options, self.put, self.get = ALL, (ORIGIN,), (ORIGIN,)
        self.statuses = {"OPTIONS": 200, "PUT": 201, "GET": 200}
        self.silent = ""
        self.changed = False
        self.body = b""

    def script(self, conn):
        request = conn.request()
        if request.method == self.silent:
            conn.wait()
            return
        if request.method == "PUT":
            self.body = conn.body(int(request.all("content-length")[0]))
        headers = {"OPTIONS": self.options, "PUT": self.put, "GET": self.get}[request.method]
        told = b""
        if request.method == "GET":
            told = self.body[::-1] if self.changed else self.body
        conn.respond(self.statuses[request.method], told, *headers)


@pytest.fixture
def place():
    return Place()


def run(authority, place, slot=None, about=None, limit=10.0):
    with WebServer(place.script, authority.issue("web.test")) as web:
        world = World(ca_file=authority.ca_file, timeout=limit, connect_timeout=limit)
        url = web.url("/a")
        world.answers |= {
            f"{{{ITEMS}}}query": items(SERVICE),
            (SERVICE, f"{{{INFO}}}query"): about or info(NS),
            f"{{{NS}}}request": slot
            or f"<slot xmlns='{NS}'><put url='{url}'><header name='Authorization'>Basic x</header>"
            f"</put><get url='{url}'/></slot>",
        }
        found = world.run("upload")
        return {check: each for (check, _), each in found.items()}, web.requests


def bad(found):
    return {check: each.status for check, each in found.items() if each.status != "ok"}


def test_a_service_that_works(authority, place):
    found, requests = run(authority, place)
    assert list(found) == NAMES
    assert bad(found) == {}
    assert {each.target for each in found.values()} == {SERVICE}
    assert found["upload.cors"].value == "*"
    assert found["upload.put"].unit == "ms"
    assert 200 < len(place.body) < 400
    methods = [each.method for each in requests]
    assert sorted(methods) == ["GET", "OPTIONS", "OPTIONS", "PUT"]
    assert methods.index("GET") > methods.index("PUT")
    (put,) = (each for each in requests if each.method == "PUT")
    assert put.all("origin") == ["https://example.com"]
    assert put.all("authorization") == ["Basic x"]
    before = next(each for each in requests if each.method == "OPTIONS")
    assert before.all("access-control-request-method") == ["PUT"]
    assert before.all("access-control-request-headers") == ["authorization,content-type"]


@pytest.mark.parametrize(
    ("name", "status"), [("put", "fail"), ("get", "fail"), ("options", "fail")]
)
def test_lies_about_cors_are_named_there_alone(authority, place, name, status):
    setattr(place, name, ())
    found, _ = run(authority, place)
    assert bad(found) == {"upload.cors": status}


def test_no_cors_at_all(authority, place):
    place.options = place.put = place.get = ()
    found, _ = run(authority, place)
    assert bad(found) == {"upload.cors": "warn"}


def test_no_slot(authority, place):
    found, requests = run(authority, place, slot=error("resource-constraint", "wait"))
    assert found["upload.slot"].status == "fail"
    assert {found[each].status for each in NAMES[1:]} == {"unknown"}
    assert {found[each].detail for each in NAMES[1:]} == {"not tested: no slot"}
    assert requests == []


@pytest.mark.parametrize(
    "slot",
    [
        "<slot xmlns='urn:xmpp:http:upload:0'/>",
        "",
        "<slot xmlns='urn:xmpp:http:upload:0'><put url='http://127.0.0.1/'/>"
        "<get url='http://127.0.0.1/'/></slot>",
    ],
)
def test_slots_that_are_none(authority, place, slot):
    found, _ = run(authority, place, slot=slot or ("result", ""))
    assert found["upload.slot"].status == "fail"


def test_a_put_that_is_refused(authority, place):
    place.statuses["PUT"] = 403
    found, _ = run(authority, place)
    assert bad(found) == {"upload.put": "fail", "upload.get": "unknown", "upload.cors": "unknown"}
    assert "403" in found["upload.put"].detail


def test_a_file_that_does_not_come_back(authority, place):
    place.statuses["GET"] = 404
    found, _ = run(authority, place)
    assert bad(found) == {"upload.get": "fail", "upload.cors": "unknown"}


def test_a_file_that_comes_back_as_another(authority, place):
    place.changed = True
    found, _ = run(authority, place)
    assert bad(found) == {"upload.get": "fail"}
    assert "not what was uploaded" in found["upload.get"].detail


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("PUT", {"upload.put": "fail", "upload.get": "unknown", "upload.cors": "unknown"}),
        ("OPTIONS", {"upload.cors": "fail"}),
    ],
)
def test_silence(authority, place, method, expected):
    place.silent = method
    found, _ = run(authority, place, limit=1.0)
    assert bad(found) == expected


def test_a_certificate_that_is_not_trusted(authority, place, tmp_path):
    with WebServer(place.script, Authority(tmp_path).issue("web.test")) as web:
        url = web.url("/")
        found, _ = run(
            authority, place, slot=f"<slot xmlns='{NS}'><put url='{url}'/><get url='{url}'/></slot>"
        )
    assert bad(found) == {"upload.put": "fail", "upload.get": "unknown", "upload.cors": "unknown"}
    assert "certificate" in found["upload.put"].detail


def test_no_more_than_the_service_takes(authority, place):
    form = (
        "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE'>"
        f"<value>{NS}</value></field><field var='max-file-size'><value>10</value></field></x>"
    )
    found, _ = run(authority, place, about=info(NS, forms=form))
    assert bad(found) == {}
    assert len(place.body) == 10
