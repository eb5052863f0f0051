"""`xmppctl entity color` with the vectors of XEP-0392."""

import pytest


@pytest.mark.parametrize(
    ("text", "hue"),
    [("Romeo", 327.255249), ("juliet@capulet.lit", 209.410400), ("council", 359.994507)],
)
def test_the_vectors_of_the_xep(xmppctl, text, hue):
    found = xmppctl("--json", "entity", "color", text).expect(0).json()
    assert (found["text"], found["hue"]) == (text, hue)
    assert len(found["rgb"]) == 7


def test_a_jid_is_prepared(xmppctl):
    found = xmppctl("--json", "entity", "color", "Juliet@Capulet.LIT").expect(0).json()
    assert found["text"] == "juliet@capulet.lit"
