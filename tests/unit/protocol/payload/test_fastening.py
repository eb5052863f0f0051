"""XEP-0422: what is fastened to earlier messages."""

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.model.payload.reference import Fastening

LIKE = "<i-like-this xmlns='urn:example:like'/>"


def apply_to(inside="", attributes="id='origin-id-1'"):
    return f"<apply-to xmlns='urn:xmpp:fasten:0' {attributes}>{inside}</apply-to>"


def test_a_wrapped_payload():
    found = read(apply_to(LIKE))
    assert found.fastening == Fastening("origin-id-1", ["{urn:example:like}i-like-this"])
    assert found.extensions == []


def test_external_payloads():
    found = read(
        apply_to(
            "<edit xmlns='urn:example.edit'/><external name='body'/>"
            "<external name='custom' element-namespace='urn:example:custom'/><external/>",
            "id='origin-id-2'",
        )
        + "<body>Hi there</body><custom xmlns='urn:example:custom'>New data</custom>"
    )
    assert found.fastening == Fastening(
        "origin-id-2", ["{urn:example.edit}edit"], ["body", "{urn:example:custom}custom"]
    )
    assert (found.body, found.extensions) == ("Hi there", ["{urn:example:custom}custom"])


def test_taken_off_and_encrypted():
    assert read(apply_to(LIKE, "id='1' clear='true'")).fastening.clear is True
    shell = read(apply_to("", "id='1' shell='true' clear='false'")).fastening
    assert shell == Fastening("1", shell=True)


def test_the_first_kind_counts():
    other = "<other xmlns='urn:example:other'/>"
    assert read(apply_to(LIKE + other + LIKE)).fastening.children == [
        "{urn:example:like}i-like-this"
    ] * 2  # fmt: skip
    assert len(read(apply_to(LIKE * 5000)).fastening.children) == 64
    assert len(read(apply_to("<external name='x'/>" * 5000)).fastening.external) == 64


@pytest.mark.parametrize("attributes", ["", "id=''", "shell='true'"])
def test_fastened_to_nothing(attributes):
    found = read(apply_to(LIKE, attributes))
    assert (found.fastening, found.extensions) == (None, ["{urn:xmpp:fasten:0}apply-to"])


def test_a_moderation_that_is_not_believed_is_no_fastening_either():
    moderated = "<moderated xmlns='urn:xmpp:message-moderate:0' by='x'/>"
    found = read(apply_to(moderated))
    assert (found.fastening, found.moderated) == (None, None)
    assert found.extensions == ["{urn:xmpp:fasten:0}apply-to"]
