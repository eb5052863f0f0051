"""XEP-0392: Consistent Color Generation (1.0.1), and whether to colour at all.

Not covered: the adaption to the background, which a command cannot know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal, TextIO

from xmppctl.model.xep import Xep

XEPS = (Xep("0392", "1.0.1", "partial", "colours are not adapted to the background"),)

Option = Literal["auto", "always", "never"]

RESET = "\x1b[39m"
BOLD = "\x1b[1m"
NORMAL = "\x1b[22m"

_CUBE = (0, 95, 135, 175, 215, 255)  # the six levels of xterm's colours 16 to 231


def use_color(option: Option, stream: TextIO, env: Mapping[str, str]) -> bool:
    """Whether output on ``stream`` is coloured.

    ``auto``: only on a terminal, and neither with a non-empty NO_COLOR nor with TERM=dumb.
    """
    if option != "auto":
        return option == "always"
    return stream.isatty() and not env.get("NO_COLOR") and env.get("TERM") != "dumb"


def truecolor(env: Mapping[str, str]) -> bool:
    """Whether the terminal takes 24-bit colours, as COLORTERM tells."""
    return env.get("COLORTERM") in ("truecolor", "24bit")


def hue(text: str) -> float:
    """The hue of ``text`` in degrees, from 0 to below 360 (XEP-0392, angle generation)."""
    import hashlib  # with OpenSSL's list of algorithms: 4 ms

    digest = hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    return int.from_bytes(digest[:2], "little") / 65536 * 360


@lru_cache(maxsize=1024)
def rgb(text: str) -> tuple[float, float, float]:
    """Red, green and blue of ``text``, each 0 to 1.

    XEP-0392, RGB generation: saturation 100, lightness 50.
    """
    from xmppctl.output.hsluv import to_rgb

    return to_rgb(hue(text), 100.0, 50.0)


def ansi(text: str, shown: str | None = None, *, true: bool = False) -> str:
    """``shown`` (default: ``text``) in the colour of ``text``, for a terminal.

    24-bit where ``true``, otherwise the nearest of the 216 colours of the xterm cube.
    """
    red, green, blue = (round(part * 255) for part in rgb(text))
    if true:
        start = f"\x1b[38;2;{red};{green};{blue}m"
    else:
        start = f"\x1b[38;5;{16 + 36 * _level(red) + 6 * _level(green) + _level(blue)}m"
    return f"{start}{text if shown is None else shown}{RESET}"


_STYLES = {"strong": "1", "emphasis": "3", "strike": "9", "code": "7", "quote": "2"}


def styled(text: str, pieces: Sequence[tuple[str, Sequence[str]]]) -> str:
    """``text`` with the styles of the ``pieces`` that it, or the whole of it, consists of.

    It may have been cut, and have an ellipsis at its end.
    """
    found = []
    for piece, styles in pieces:
        shown, text = text[: len(piece)], text[len(piece) :]
        codes = ";".join(_STYLES[style] for style in dict.fromkeys(styles))
        found.append(f"\x1b[{codes}m{shown}\x1b[0m" if codes and shown else shown)
    return "".join(found) + text


def _level(part: int) -> int:
    return min(range(6), key=lambda index: abs(_CUBE[index] - part))
