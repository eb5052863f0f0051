"""Bits of binary: only data that are what their content id says."""

import base64
import hashlib

import pytest

from xmppctl.errors import RefusedError
from xmppctl.protocol import bob
from xmppctl.session.xml import parse

CONTENT = bytes(range(256))
TEXT = base64.b64encode(CONTENT).decode()
SHA1 = hashlib.sha1(CONTENT).hexdigest()


def data(cid, text=TEXT, more="type='image/png' max-age='0'"):
    return parse(f"<data xmlns='urn:xmpp:bob' cid='{cid}' {more}>{text}</data>")


@pytest.mark.parametrize(
    ("name", "algorithm"), [("sha1", "sha1"), ("sha-256", "sha256"), ("sha-512", "sha512")]
)
def test_data(name, algorithm):
    digest = hashlib.new(algorithm, CONTENT).hexdigest()
    found = bob.read(data(f"{name}+{digest}@bob.xmpp.org"))
    assert (found.type, found.content) == ("image/png", CONTENT)
    assert bob.read(data(f"{name}+{digest.upper()}@bob.xmpp.org")).content == CONTENT


def test_line_breaks_and_no_type():
    found = bob.read(data(f"sha1+{SHA1}@bob.xmpp.org", f"\n {TEXT[:60]}\n {TEXT[60:]}\n", ""))
    assert (found.type, found.content) == ("", CONTENT)


@pytest.mark.parametrize(
    ("cid", "text"),
    [
        (f"sha1+{SHA1[:-1]}0@bob.xmpp.org", TEXT),
        (f"sha-256+{SHA1}@bob.xmpp.org", TEXT),
        (f"md5+{SHA1}@bob.xmpp.org", TEXT),
        (f"sha1+{SHA1}@evil.test", TEXT),
        ("sha1+ä@bob.xmpp.org", TEXT),
        ("sha1+@bob.xmpp.org", TEXT),
        (f"{SHA1}@bob.xmpp.org", TEXT),
        ("", TEXT),
        (f"sha1+{SHA1}@bob.xmpp.org", "not base64!"),
        (f"sha1+{SHA1}@bob.xmpp.org", TEXT[:-1]),
        (f"sha1+{SHA1}@bob.xmpp.org", ""),
        (f"sha1+{SHA1}@bob.xmpp.org", "A" * (bob.LIMIT * 2)),
    ],
)
def test_what_is_not_to_be_trusted(cid, text):
    with pytest.raises(RefusedError, match="cannot be understood"):
        bob.read(data(cid, text))


def test_beside():
    good, bad = f"sha1+{SHA1}@bob.xmpp.org", f"sha1+{'0' * 40}@bob.xmpp.org"
    parent = parse("<query xmlns='jabber:iq:register'/>")
    parent.extend([data(bad), data(good)])
    assert list(bob.beside(parent)) == [good]


def test_content_ids():
    assert bob.cid_of("cid:sha1+x@bob.xmpp.org") == "sha1+x@bob.xmpp.org"
    assert bob.cid_of("CID:x") == "x"
    # RFC 2392 §2
    assert bob.cid_of(f"cid:sha1%2B{SHA1}%40bob.xmpp.org") == f"sha1+{SHA1}@bob.xmpp.org"
    assert bob.cid_of("https://x.test/cid:x") is None


def test_what_is_sent():
    made = bob.make(CONTENT, "image/png")
    element = bob.element(made)
    assert dict(element.items()) == {
        "cid": f"sha1+{SHA1}@bob.xmpp.org", "type": "image/png", "max-age": "86400"
    }  # fmt: skip
    assert element.text == TEXT  # §2.5: no white space
    assert bob.read(element) == made
    assert (made.algorithm, made.digest) == ("sha-1", SHA1)


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        ("image/png", ".png"),
        ("text/plain; charset=utf-8", ".txt"),
        ("", ".bin"),
        (None, ".bin"),
        ("x/../../y", ".bin"),
    ],
)
def test_the_name_of_a_file_is_that_of_its_content(kind, ending):
    assert bob.file_name(CONTENT, kind) == hashlib.sha256(CONTENT).hexdigest() + ending
