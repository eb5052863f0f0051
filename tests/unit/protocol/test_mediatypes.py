"""Media types by names and bytes."""

import pytest

from xmppctl.protocol import mediatypes


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.png", b"x", "image/png"),
        ("a.txt", b"\x89PNG\r\n\x1a\n", "text/plain"),
        ("a", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("a", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a", b"GIF89a", "image/gif"),
        ("a", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        ("a.tar.gz", b"\x1f\x8b", "application/octet-stream"),
        ("a", b"", "application/octet-stream"),
    ],
)
def test_guesses(name, content, kind):
    assert mediatypes.guess(name, content) == kind


@pytest.mark.parametrize("text", ["image/png", "text/plain; charset=utf-8", " image/svg+xml\n"])
def test_claims(text):
    assert mediatypes.checked(text) == text.strip()


@pytest.mark.parametrize(
    "text", [None, "", "png", "a/b/c", "a/b\nc", "a/b; \x1b", "ä/b", "/", "a/"]
)
def test_claims_that_are_none(text):
    assert mediatypes.checked(text) is None
