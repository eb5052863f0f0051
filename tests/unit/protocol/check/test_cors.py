"""What answers say to a browser."""

from email.message import Message

import pytest

from xmppctl.protocol.check import cors

ALL = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "OPTIONS, HEAD, GET, PUT",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
}
REAL = {"Access-Control-Allow-Origin": "*"}
NEEDED = ("Content-Type", "Authorization")
OTHER = {"Access-Control-Allow-Origin": "https://chat.example.net"}


def said(where, headers, status=200, *more):
    message = Message()
    for name, value in (*headers.items(), *more):
        message[name] = value
    return cors.read(where, status, message, before=where.startswith("OPTIONS"))


def judge(put=REAL, get=REAL, before_put=ALL, before_get=ALL, needed=NEEDED):
    return cors.judge(
        said("PUT", put), said("GET", get), said("OPTIONS before PUT", before_put),
        said("OPTIONS before GET", before_get), needed,
    )  # fmt: skip


def test_the_headers_of_the_xep():
    verdict = judge()
    assert (verdict.status, verdict.value) == ("ok", "*")


def test_the_origin_that_was_asked_from():
    ours = {**ALL, "Access-Control-Allow-Origin": cors.ORIGIN}
    assert judge(ours, ours, ours, ours).value == cors.ORIGIN


def test_no_headers_at_all():
    verdict = judge({}, {}, {}, {})
    assert (verdict.status, verdict.value) == ("warn", False)
    assert verdict.advice


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (({}, {}), "allowed in the answer to OPTIONS before PUT, not in the answer to PUT; not in"),
        (({}, REAL), "not in the answer to PUT"),
        ((REAL, {}), "not in the answer to GET"),
        ((REAL, REAL, {}, {}), "not in the answer to OPTIONS before PUT"),
        ((REAL, REAL, {}), "not in the answer to OPTIONS before PUT"),
        ((REAL, OTHER), "different origins"),
    ],
)
def test_lies(answers, words):
    verdict = judge(*answers)
    assert (verdict.status, verdict.value) == ("fail", False)
    assert words in verdict.detail


def test_one_site_alone():
    everywhere = {**ALL, **OTHER}
    verdict = judge(OTHER, OTHER, everywhere, everywhere)
    assert (verdict.status, verdict.value) == ("ok", "https://chat.example.net")


@pytest.mark.parametrize(
    ("header", "value", "status", "words"),
    [
        ("Methods", "GET, HEAD", "fail", "has no PUT"),
        ("Methods", "put", "fail", "has no PUT"),
        ("Methods", "*", "ok", ""),
        ("Headers", "Content-Type", "fail", "has no Authorization"),
        ("Headers", "*", "fail", "has no Authorization"),
        ("Headers", "*, authorization", "ok", ""),
        ("Headers", "authorization,CONTENT-TYPE", "ok", ""),
        ("Headers", "", "fail", "has no Content-Type, Authorization"),
    ],
)
def test_methods_and_headers(header, value, status, words):
    verdict = judge(before_put={**ALL, f"Access-Control-Allow-{header}": value})
    assert verdict.status == status
    assert words in verdict.detail


def test_a_preflight_has_to_be_a_success():
    found = cors.judge(
        said("PUT", REAL), said("GET", REAL), said("OPTIONS before PUT", ALL, 405),
        said("OPTIONS before GET", ALL), NEEDED,
    )  # fmt: skip
    assert found.status == "fail"
    assert "its HTTP status is 405" in found.detail


def test_two_headers_are_none():
    twice = said("PUT", REAL, 201, ("Access-Control-Allow-Origin", "*"))
    found = cors.judge(
        twice, said("GET", REAL), said("OPTIONS before PUT", ALL),
        said("OPTIONS before GET", ALL), NEEDED,
    )  # fmt: skip
    assert found.status == "fail"
    assert "PUT: it has 2 headers" in found.detail


def test_a_plain_get_needs_no_question_before():
    assert judge(before_get={}).status == "warn"


def test_what_a_browser_asks():
    assert cors.preflight("PUT", ["Content-Type", "Authorization"]) == [
        ("Origin", cors.ORIGIN),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "authorization,content-type"),
    ]
    assert len(cors.preflight("GET", [])) == 2
