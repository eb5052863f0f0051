"""Which part of a list the options mean (XEP-0059)."""

import pytest

from xmppctl.model.paging import Part


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ({}, None),
        ({"everything": True, "after": "u"}, None),
        ({"limit": 500, "after": "u"}, None),
        ({"maximum": 300, "page_size": 50}, 300),
        ({"before": ""}, 100),
        ({"index": 0, "page_size": 7}, 7),
    ],
)
def test_how_many_are_wanted(given, number):
    assert Part(**given).number == number
