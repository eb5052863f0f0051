"""File names that strangers choose."""

from __future__ import annotations

import http.client
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmppctl.model.filename import harmless
from xmppctl.session.download import name_of
from xmppctl.session.http import Answer
from xmppctl.session.weburl import parse_url


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("Übersicht 2026.ods", "Übersicht 2026.ods"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("", "download"),
        ("...", "download"),
        (" . .bashrc", "bashrc"),
        ("a/", "a"),
        ("-rf", "_rf"),
        ("~root", "_root"),
        ("a\x00b\nc\x1b[m\x9b\u202e\u2028\ud800", "a_b_c_[m____"),
        ("x" * 300, "x" * 200),
        ("ü" * 300 + ".jpeg", "ü" * 97 + ".jpeg"),
        ("x." + "y" * 300, "x." + "y" * 198),
    ],
)
def test_names(given_name: str, name: str) -> None:
    assert harmless(given_name) == name


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_no_name_does_harm(text: str) -> None:
    name = harmless(text)
    assert name
    assert 0 < len(name.encode()) <= 200
    assert name[0] not in ".-~ "
    assert not set(name) & set("/\\\0")
    assert name.isprintable()


def answer(*headers: str) -> Answer:
    text = "".join(f"{header}\r\n" for header in headers) + "\r\n"
    parsed = http.client.parse_headers(io.BytesIO(text.encode()))
    return Answer(200, "OK", parsed, parse_url("https://elsewhere.test/redirected"))


def test_which_name() -> None:
    url = parse_url("https://h/x/a%20b.txt?q=1")
    disposition = "Content-Disposition: attachment; filename="
    assert name_of(answer(), url) == "a b.txt"
    assert name_of(answer(disposition + '"ö.txt"'), url) == "ö.txt"
    assert name_of(answer(disposition + "c.txt; filename*=UTF-8''%C3%B6"), url) == "c.txt"
    assert name_of(answer("Content-Disposition: inline; filename*=UTF-8''%C3%B6.txt"), url) == (
        "ö.txt"
    )
    assert name_of(answer(disposition), url) == "a b.txt"


@given(st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=("Cs",))))
def test_any_header_gives_a_name(text: str) -> None:
    assert name_of(
        answer(f"Content-Disposition: attachment; filename*={text}"), parse_url("https://h")
    )
