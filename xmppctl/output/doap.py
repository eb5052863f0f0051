"""XEP-0453: DOAP usage in XMPP. The description of this project, as RDF/XML."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from xmppctl import __version__
from xmppctl.model.xep import Support, Xep

XEPS = (Xep("0453", "0.1.2", "complete"),)

RFCS = ("6120", "6121", "7395", "7590", "7622")
"""The RFCs of XMPP that are implemented."""

_SOURCE = "https://github.com/xmppctl/xmppctl"
_TERMS = "https://linkmauve.fr/ns/xmpp-doap#"

_NAMESPACES = {
    "xmlns": "http://usefulinc.com/ns/doap#",
    "xmlns:rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmlns:schema": "https://schema.org/",
    "xmlns:xmpp": _TERMS,
}

_ENGLISH = {"xml:lang": "en"}


def render(supported: Iterable[Support]) -> str:
    """The DOAP file of this version, which implements ``supported``; ends with a newline."""
    lines = ["<?xml version='1.0' encoding='UTF-8'?>"]
    lines.append(f"<rdf:RDF{_attributes(_NAMESPACES)}>")
    lines.append("  <Project>")
    for line in _project():
        lines.append(f"    {line}")
    lines += [f"    {_resource('implements', _rfc(number))}" for number in RFCS]
    for each in supported:
        lines += _supported(each.xep)
    lines += ["  </Project>", "</rdf:RDF>", ""]
    return "\n".join(lines)


def _project() -> list[str]:
    return [
        _text("name", "xmppctl"),
        _text(
            "shortdesc",
            "Single-shot XMPP utilities for shells, cron jobs and admins: one command, "
            "one operation, an honest exit code",
            _ENGLISH,
        ),
        _resource("homepage", _SOURCE),
        _resource("schema:documentation", f"{_SOURCE}/blob/main/docs/reference.md"),
        _resource("license", "https://spdx.org/licenses/MIT"),
        _text("language", "en"),
        _text("programming-language", "Python"),
        _text("os", "Linux"),
        _resource("category", f"{_TERMS}category-client"),
        "<repository>",
        "  <GitRepository>",
        f"    {_resource('browse', _SOURCE)}",
        f"    {_resource('location', f'{_SOURCE}.git')}",
        "  </GitRepository>",
        "</repository>",
        "<release>",
        "  <Version>",
        f"    {_text('revision', __version__)}",
        "  </Version>",
        "</release>",
    ]


def _supported(xep: Xep) -> list[str]:
    inner = [
        _resource("xmpp:xep", f"https://xmpp.org/extensions/xep-{xep.number}.html"),
        _text("xmpp:status", xep.status),
        _text("xmpp:version", xep.version),
    ]
    if xep.note:
        inner.append(_text("xmpp:note", xep.note, _ENGLISH))
    return [
        "    <implements>",
        "      <xmpp:SupportedXep>",
        *(f"        {line}" for line in inner),
        "      </xmpp:SupportedXep>",
        "    </implements>",
    ]


def _rfc(number: str) -> str:
    return f"https://xmpp.org/rfcs/rfc{number}.html"


def _resource(name: str, target: str) -> str:
    return f"<{name}{_attributes({'rdf:resource': target})}/>"


def _text(name: str, text: str, attributes: dict[str, str] | None = None) -> str:
    return f"<{name}{_attributes(attributes or {})}>{escape(text)}</{name}>"


def _attributes(attributes: dict[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
