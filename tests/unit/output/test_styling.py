"""XEP-0393: the XEP's own examples, and that no text is ever lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmppctl.output.styling import segments

STRONG, EMPHASIS, STRIKE, CODE, QUOTE = "strong", "emphasis", "strike", "code", "quote"


@pytest.mark.parametrize(
    ("text", "styled"),
    [
        ("plain span", []),
        ("*strong span*", [("*strong span*", (STRONG,))]),
        ("plain _emphasis_ plain", [("_emphasis_", (EMPHASIS,))]),
        ("`pre` plain *strong*", [("`pre`", (CODE,)), ("*strong*", (STRONG,))]),
        ("*strong*plain*", [("*strong*", (STRONG,))]),
        ("* plain *strong*", [("*strong*", (STRONG,))]),
        ("Everyone ~dis~likes cake.", [("~dis~", (STRIKE,))]),
        ("This is `*monospace*`", [("`*monospace*`", (CODE,))]),
        (
            "This is *`monospace and bold`*",
            [("*", (STRONG,)), ("`monospace and bold`", (STRONG, CODE)), ("*", (STRONG,))],
        ),
        ("not strong*", []),
        ("*not strong", []),
        ("*not \n strong*", []),
        ("*not *strong", []),
        ("**", []),
        ("***", []),
        ("****", []),
        # blocks
        (
            "```ignored\n(println *x*)\n```\nafter",
            [("```ignored\n(println *x*)\n```\n", (CODE,))],
        ),
        ("> That that is, is.\nSaid", [("> That that is, is.\n", (QUOTE,))]),
        (
            ">> That that is, is.\n> Said the old hermit of Prague.\nWho?",
            [
                (">", (QUOTE,)),
                ("> That that is, is.\n", (QUOTE, QUOTE)),
                ("> Said the old hermit of Prague.\n", (QUOTE,)),
            ],
        ),
        (
            "> ```\n> (x)\nplain",
            [
                ("> ", (QUOTE,)),
                ("```\n", (QUOTE, CODE)),
                ("> ", (QUOTE,)),
                ("(x)\n", (QUOTE, CODE)),
            ],
        ),
    ],
)
def test_what_is_styled(text, styled):
    found = segments(text)
    assert [piece for piece in found if piece[1]] == styled
    assert "".join(piece for piece, _ in found) == text


@given(st.text(alphabet="*_~`> \n\r\tab\u2028\u3000"))
def test_no_character_is_lost(text):
    assert "".join(piece for piece, _ in segments(text)) == text


@pytest.mark.parametrize("text", ["*a " * 40_000, ">" * 40_000, "_*~" * 20_000, ">\n" * 20_000])
def test_an_odd_text_takes_no_longer_than_another(text):
    # each of these took minutes where every directive looked for its end again
    assert "".join(piece for piece, _ in segments(text)) == text
