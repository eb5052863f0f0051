import colorsys
import io
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.output.records import TEXT
from xmppctl.output import color
from xmppctl.output.hsluv import to_rgb

# XEP-0392, test vectors
VECTORS = [
    ("Romeo", 327.255249, (0.865, 0.000, 0.686)),
    ("juliet@capulet.lit", 209.410400, (0.000, 0.515, 0.573)),
    ("😺", 331.199341, (0.872, 0.000, 0.659)),
    ("council", 359.994507, (0.918, 0.000, 0.394)),
]


@pytest.mark.parametrize(("text", "hue", "rgb"), VECTORS)
def test_vectors_of_the_specification(
    text: str, hue: float, rgb: tuple[float, float, float]
) -> None:
    assert color.hue(text) == pytest.approx(hue, abs=1e-6)
    assert color.rgb(text) == pytest.approx(rgb, abs=5e-4)


@pytest.mark.parametrize(
    ("hsl", "rgb"),
    [
        ((0.0, 0.0, 0.0), (0, 0, 0)),
        ((0.0, 0.0, 100.0), (1, 1, 1)),
        ((123.0, 100.0, 0.0), (0, 0, 0)),
        ((12.177, 100.0, 53.237), (1, 0, 0)),
        ((127.715, 100.0, 87.736), (0, 1, 0)),
        ((265.874, 100.0, 32.301), (0, 0, 1)),
    ],
)
def test_hsluv_of_the_corners_of_srgb(
    hsl: tuple[float, float, float], rgb: tuple[float, float, float]
) -> None:
    assert to_rgb(*hsl) == pytest.approx(rgb, abs=2e-3)


@given(st.floats(0, 360), st.floats(0, 100), st.floats(0, 100))
def test_hsluv_gives_a_colour_for_everything(hue: float, saturation: float, light: float) -> None:
    rgb = to_rgb(hue, saturation, light)
    assert all(0 <= part <= 1 for part in rgb)


@given(st.floats(0, 359))
def test_no_saturation_is_grey(hue: float) -> None:
    assert colorsys.rgb_to_hls(*to_rgb(hue, 0, 50))[2] == pytest.approx(0, abs=1e-3)


def test_ansi_in_24_bits_and_in_256_colours() -> None:
    assert color.ansi("council", true=True) == "\x1b[38;2;234;0;100mcouncil\x1b[39m"
    assert color.ansi("council") == "\x1b[38;5;161mcouncil\x1b[39m"
    assert color.ansi("council", "cou…", true=True) == "\x1b[38;2;234;0;100mcou…\x1b[39m"


@given(TEXT)
def test_every_text_has_a_colour(text: str) -> None:
    assert 0 <= color.hue(text) < 360
    assert color.ansi(text, "x").startswith("\x1b[38;5;")


@pytest.mark.parametrize(
    ("env", "yes"),
    [({"COLORTERM": "truecolor"}, True), ({"COLORTERM": "24bit"}, True), ({}, False)],
)
def test_truecolor(env: Mapping[str, str], yes: bool) -> None:
    assert color.truecolor(env) is yes


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("option", "terminal", "env", "yes"),
    [
        ("auto", True, {}, True),
        ("auto", True, {"TERM": "xterm"}, True),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", False, {}, False),
        ("always", False, {"NO_COLOR": "1", "TERM": "dumb"}, True),
        ("never", True, {}, False),
    ],
)
def test_when_to_colour(
    option: color.Option, terminal: bool, env: Mapping[str, str], yes: bool
) -> None:
    stream = Terminal() if terminal else io.StringIO()
    assert color.use_color(option, stream, env) is yes
