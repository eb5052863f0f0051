"""XEP-0454: files and their URLs with keys."""

import hashlib
import io
import warnings

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from xmppctl.errors import RefusedError
from xmppctl.protocol import aesgcm

with warnings.catch_warnings():
    # slixmpp's own use of deprecated interfaces is no concern of these tests
    warnings.simplefilter("ignore")
    from slixmpp.plugins.xep_0454 import XEP_0454

# the example of §3
GET = "https://download.montague.tld/4a771ac1-f0b2-4a4a-9700-f2a26fa2bb67/tr%C3%A8s%20cool.jpg"
VECTOR = "8c3d050e9386ec173861778f"
KEY = "68e9af38a97aaf82faa4063b4d0878a61261534410c8a84331eaac851759f587"
URL = GET.replace("https", "aesgcm") + f"#{VECTOR}{KEY}"


class Source:
    def __init__(self, content):
        self.content = content
        self.size = len(content)
        self.closed = False

    def blocks(self, progress):
        for at in range(0, self.size, 7):
            yield self.content[at : at + 7]

    def close(self):
        self.closed = True


def test_the_example():
    secret = aesgcm.Secret(bytes.fromhex(VECTOR), bytes.fromhex(KEY))
    assert aesgcm.compose(GET, secret) == URL
    assert aesgcm.parse(URL) == (aesgcm.parse_url(GET), secret)
    url, legacy = aesgcm.parse(URL.replace("#", "#aabbccdd"))
    assert url.text == GET and len(legacy.vector) == 16


@pytest.mark.parametrize(
    "text",
    [
        "aesgcm:", "aesgcm://", "aesgcm://x/", URL[:-1], URL + "0", URL.replace("//", "/"), GET,
        URL.replace("8c3d", "8c3g"), URL.replace("aesgcm:", "aesgcm:http:"),
        URL.replace("download", "user@download"), f"aesgcm://#{VECTOR}{KEY}",
    ],
)  # fmt: skip
def test_what_is_no_such_url(text):
    with pytest.raises(ValueError) as caught:
        aesgcm.parse(text)
    assert KEY not in str(caught.value)


def test_only_https():
    with pytest.raises(ValueError):
        aesgcm.compose("http://x.test/", aesgcm.Secret.new())


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 100_000])
def test_there_and_back_with_another_implementation(size):
    content = bytes(range(256)) * (size // 256 + 1)
    source = Source(content[:size])
    sealed = aesgcm.Sealed(source)
    uploaded = b"".join(sealed.blocks(lambda done: None))
    assert len(uploaded) == sealed.size == size + 16
    assert hashlib.sha256(uploaded).hexdigest() == sealed.sha256
    first = sealed.secret
    fragment = aesgcm.compose(GET, first).partition("#")[2]
    assert XEP_0454.decrypt(io.BytesIO(uploaded), fragment) == source.content
    # read again it has another key: the file may be another one
    again = b"".join(sealed.blocks(lambda done: None))
    assert sealed.secret != first and again != uploaded
    sealed.close()
    assert source.closed
    theirs, fragment = XEP_0454.encrypt(io.BytesIO(source.content))
    url, secret = aesgcm.parse(XEP_0454.format_url(GET, fragment))
    assert url.text == GET
    for step in (1, 5, 16, 17, 1000, 65536)[3 if size > 1000 else 0 :]:
        out = []
        opening = aesgcm.Opening(secret, out.append)
        for at in range(0, len(theirs), step):
            opening.take(theirs[at : at + step])
        opening.finish("x")
        assert b"".join(out) == source.content and opening.size == size
        assert opening.sha256 == hashlib.sha256(source.content).hexdigest()


@pytest.mark.parametrize("cut", [slice(0, 5), slice(0, -1), slice(1, None)])
def test_what_was_changed(cut):
    sealed = aesgcm.Sealed(Source(b"content"))
    uploaded = b"".join(sealed.blocks(lambda done: None))
    opening = aesgcm.Opening(sealed.secret, lambda block: None)
    opening.take(uploaded[cut])
    with pytest.raises(RefusedError) as caught:
        opening.finish("files.test:443")
    assert (caught.value.condition, caught.value.by) == ("hash-mismatch", "files.test:443")


def test_a_long_vector():
    secret = aesgcm.Secret(bytes(16), bytes(32))
    out = []
    opening = aesgcm.Opening(secret, out.append)
    opening.take(AESGCM(secret.key).encrypt(secret.vector, b"text", None))
    opening.finish("x")
    assert out == [b"text"]
