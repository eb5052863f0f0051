"""XEP-0393: Message Styling: which parts of a text are strong, emphasised, struck out or code.

The directives stay in the text: all segments together are the text, whatever it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from xmppctl.model.xep import Xep

XEPS = (Xep("0393", "1.1.1", "complete", "on terminals that have colours"),)

STRONG, EMPHASIS, STRIKE, CODE, QUOTE = "strong", "emphasis", "strike", "code", "quote"

Styles = tuple[str, ...]
Segment = tuple[str, Styles]

_SPANS = {"*": STRONG, "_": EMPHASIS, "~": STRIKE, "`": CODE}
_FENCE = "```"
_DEEPEST = 8
"""Quotations and spans inside each other; what is deeper is plain."""


def segments(text: str) -> list[Segment]:
    """``text`` in pieces, each with its styles; neighbours differ in them."""
    found: list[Segment] = []
    for piece, styles in _blocks(_lines(text), (), 0):
        if not piece:
            continue
        if found and found[-1][1] == styles:
            found[-1] = (found[-1][0] + piece, styles)
        else:
            found.append((piece, styles))
    return found


def _lines(text: str) -> list[str]:
    """The lines with their ends, which are line feeds alone."""
    *whole, last = text.split("\n")
    return [*(f"{line}\n" for line in whole), *([last] if last else [])]


def _blocks(lines: list[str], outer: Styles, depth: int) -> Iterator[Segment]:
    """The blocks of a text or of a quotation (§5.1)."""
    number = 0
    while number < len(lines):
        line = lines[number]
        if line.startswith(_FENCE):
            end = number + 1
            while end < len(lines) and lines[end].rstrip("\r\n") != _FENCE:
                end += 1
            end = min(end + 1, len(lines))
            yield "".join(lines[number:end]), (*outer, CODE)
            number = end
        elif line.startswith(">") and depth < _DEEPEST:
            end = number
            while end < len(lines) and lines[end].startswith(">"):
                end += 1
            yield from _quotation(lines[number:end], (*outer, QUOTE), depth + 1)
            number = end
        else:
            content = line.rstrip("\r\n")
            yield from _spans(content, outer, 0)
            yield line[len(content) :], outer
            number += 1


def _quotation(lines: list[str], outer: Styles, depth: int) -> Iterator[Segment]:
    """The lines of a quotation: each mark, then what stands behind it as blocks of its own."""
    marks: list[str] = []
    rest: list[str] = []
    for line in lines:
        cut = 2 if line[1:2].isspace() and line[1] not in "\r\n" else 1
        marks.append(line[:cut])
        rest.append(line[cut:])
    # the blocks inside know nothing of the marks, which go back to where lines begin
    position = 0
    boundaries = []
    for line in rest:
        boundaries.append(position)
        position += len(line)
    position = number = 0
    for piece, styles in _blocks(rest, outer, depth):
        while piece or (number < len(rest) and boundaries[number] == position and not rest[number]):
            if number < len(rest) and boundaries[number] == position:
                yield marks[number], outer
                number += 1
                continue
            until = boundaries[number] if number < len(rest) else position + len(piece)
            taken = piece[: until - position]
            yield taken, styles
            position += len(taken)
            piece = piece[len(taken) :]
    for mark in marks[number:]:
        yield mark, outer


def _spans(text: str, outer: Styles, depth: int) -> Iterator[Segment]:
    """The spans of a line, or of a span (§5.2): found from the left, each as short as can be."""
    plain = 0
    position = 0
    opened = True  # the beginning, white space, or another opening directive stands before
    hopeless: set[str] = set()  # directives that are not closed any more
    while position < len(text):
        char = text[position]
        end = None
        if opened and char in _SPANS and char not in hopeless and depth < _DEEPEST:
            end = _closing(text, position, hopeless)
        if end is None:
            opened = char.isspace()
            position += 1
            continue
        style = _SPANS[char]
        yield text[plain:position], outer
        inner = (*outer, style)
        yield char, inner
        inside = text[position + 1 : end]
        if style == CODE:
            yield inside, inner
        else:
            yield from _spans(inside, inner, depth + 1)
        yield char, inner
        position = plain = end + 1
        opened = False
    yield text[plain:], outer


def _closing(text: str, start: int, hopeless: set[str]) -> int | None:
    """Where the span that begins at ``start`` ends, None where it is none."""
    char, following = text[start], text[start + 1 : start + 2]
    if following.isspace() or following == char:  # something has to stand in between
        return None
    position = start + 1
    while (position := text.find(char, position)) != -1:
        if not text[position - 1].isspace():
            return position
        position += 1
    hopeless.add(char)
    return None
