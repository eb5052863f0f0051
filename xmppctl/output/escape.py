"""Text from the network or a file, made harmless for a terminal and for a line of output.

What is escaped, each character as the escape sequence of a Python string:

- C0 controls and DEL (ESC among them), C1 controls (ECMA-48: 0x9B is CSI, 0x9D is OSC);
- U+2028 and U+2029, line breaks for some readers of lines;
- bidirectional marks, embeddings, overrides and isolates (UAX #9), which show text in another
  order than the one it has;
- invisible characters with no use in running text: zero-width space, invisible operators,
  deprecated format characters, byte order mark, interlinear annotation, tag characters;
- lone surrogates, which no encoding of standard output can write.

ZWJ, ZWNJ and variation selectors stay: scripts and emoji need them and no terminal acts on them.
A backslash is not doubled: the result is for reading, not for parsing back (``tsv`` doubles it).
"""

from __future__ import annotations

import re

_ABOVE_C0 = (
    "\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
# compiled when the first text needs it: most are ASCII
_DANGEROUS = f"[\x00-\x1f{_ABOVE_C0}]"
_DANGEROUS_IN_BLOCK = f"[\x00-\x08\x0b-\x1f{_ABOVE_C0}]"
_DANGEROUS_IN_JSON = f"[{_ABOVE_C0}]"

_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def safe(text: str, *, newlines: bool = False) -> str:
    r"""``text`` with every character that could drive a terminal shown as ``\x1b``, ``\u202e``.

    Line feed, tab and carriage return become ``\n``, ``\t``, ``\r``; with ``newlines`` the first
    two stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return re.sub(_DANGEROUS_IN_BLOCK if newlines else _DANGEROUS, _escaped, text)


def safe_json(document: str) -> str:
    r"""A JSON document with the same characters written as ``\uXXXX``.

    The C0 controls are left alone: an encoder has already escaped those inside strings (RFC 8259
    §7), and outside of strings they are the document's own white space. All others can only
    stand inside strings.
    """
    if document.isascii() and "\x7f" not in document:
        return document
    return re.sub(_DANGEROUS_IN_JSON, _json_escaped, document)


def _escaped(match: re.Match[str]) -> str:
    char = match[0]
    code = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000  # a surrogate pair (RFC 8259 §7)
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
