"""XEP-0511: what the sender says about links."""

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.model.payload.file import LinkMetadata

LINK = "https://the.link.example.com/what-was-linked-to"
RDF = "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'"
OG = "xmlns:og='https://ogp.me/ns#' xmlns:ogi='https://ogp.me/ns#image:'"
TAG = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"


def description(inside, about=f"rdf:about='{LINK}'"):
    return f"<rdf:Description {RDF} {OG} {about}>{inside}</rdf:Description>"


def test_a_page():
    found = read(
        f"<body>I wanted to mention {LINK}</body>"
        + description(
            "<og:title>The Best Webpage</og:title>"
            "<og:image>https://link.to.example.com/image.png</og:image>"
            "<og:image>data:image/jpeg,...</og:image><ogi:alt>Alt text</ogi:alt>"
            "<og:url rdf:resource='https://example.com/canonical'/>"
            "<x xmlns='urn:example'>y</x>"
        )
        + description("", "rdf:about='https://other.example'")
    )
    assert found.links == [
        LinkMetadata(
            LINK,
            {
                "og:title": ["The Best Webpage"],
                "og:image": ["https://link.to.example.com/image.png", "data:image/jpeg,..."],
                "og:image:alt": ["Alt text"],
                "og:url": ["https://example.com/canonical"],
                "{urn:example}x": ["y"],
            },
        ),
        LinkMetadata("https://other.example"),
    ]
    assert found.extensions == []
    assert str(found.links[0]) == LINK


@pytest.mark.parametrize("about", ["", f"about='{LINK}'", "rdf:about=' '"])
def test_facts_about_nothing(about):
    notes = []
    found = read(description("<og:title>x</og:title>", about), note=notes.append)
    assert (found.links, found.extensions) == ([], [TAG])
    assert "which one" in notes[0]


def test_properties_that_say_nothing_and_too_many_of_them():
    found = read(description("<og:title/><og:type><og:x>y</og:x></og:type>"))
    assert found.links == [LinkMetadata(LINK)]
    found = read(description("<og:image>x</og:image>" * 1000))
    assert len(found.links[0].properties["og:image"]) == 200
