"""Every form that is written is read as the same card, whatever is in it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xmppctl.protocol.vcard import DEFAULT_TYPES, Property, forms, is_empty, temp, xcard
from xmppctl.session.xml import illegal_character, parse, serialise

TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\r").filter(
        lambda char: illegal_character(char) is None
    ),
    min_size=1,
    max_size=100,
).filter(str.strip)
LINE = TEXT.map(lambda text: " ".join(text.split()))
WORD = st.from_regex(r"[a-z][a-z0-9-]{0,9}", fullmatch=True)
PARAMS = st.dictionaries(
    st.sampled_from(["language", "altid", "x-one", "pid", "mediatype"]),
    st.lists(LINE, min_size=1, max_size=2),
    max_size=2,
)
TYPES = st.lists(WORD.filter(lambda word: word != "pref"), max_size=2, unique=True)


NAMES = ("fn", "nickname", "note", "email", "title", "categories", "n", "adr", "org", "url", "impp",
         "bday", "lang", "x-own")  # fmt: skip


@st.composite
def properties(draw):
    name = draw(st.sampled_from(NAMES))
    params = draw(PARAMS)
    if types := draw(TYPES):
        params["type"] = types
    group = draw(st.none() | WORD)
    kind = DEFAULT_TYPES.get(name, "unknown")
    if name in ("n", "adr", "org"):
        number = {"n": 5, "adr": 7}.get(name, 3)
        values = (draw(st.lists(TEXT, min_size=number, max_size=number)),)
    elif name in ("nickname", "categories"):
        values = tuple(draw(st.lists(TEXT, min_size=1, max_size=3)))
    elif kind == "text":
        values = (draw(TEXT),)
    else:
        values = (draw(LINE),)
    return Property(name, values, kind, params, group)


CARDS = st.lists(properties(), min_size=1, max_size=6)


@pytest.mark.parametrize("form", ["vcf", "jcard", "json"])
@settings(max_examples=12)
@given(card=CARDS)
def test_a_vcard4(form, card):
    text = forms.write(card, form, "a@x.test", 4)
    assert forms.read(text.encode()) == card
    if form == "vcf":
        assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))


@settings(max_examples=12)
@given(card=CARDS)
def test_the_xml_of_a_vcard4(card):
    read = forms.read(forms.write(card, "xml", "a@x.test", 4).encode())
    # RFC 6351 tells kinds of dates apart
    kinds = {"date-and-or-time": ("date", "date-time")}
    assert [(e.name, e.values, e.params, e.group) for e in read] == [
        (e.name, e.values, e.params, e.group) for e in card
    ]
    assert all(r.type in (c.type, *kinds.get(c.type, ())) for r, c in zip(read, card, strict=True))


@settings(max_examples=12)
@given(card=CARDS)
def test_version_3(card):
    assert forms.read(forms.write(card, "vcf", "a@x.test", 3).encode()) == card


@settings(max_examples=12)
@given(card=CARDS, known=st.booleans())
def test_vcard_temp(card, known):
    """What it has no element for goes into it as it is in vCard4, so that nothing is lost."""
    if known:
        card = [Property(each.name, each.values, each.type) for each in card]
    once = temp.read(parse(serialise(temp.write(card), "")))
    assert temp.read(parse(serialise(temp.write(once), ""))) == once
    assert is_empty(once) is is_empty(card)
    for form in ("vcf", "jcard", "json", "xml"):
        again = forms.read(forms.write(once, form, "a@x.test", 3).encode())
        assert [each.name for each in again] == [each.name for each in once]
        if form != "vcf":
            assert temp.read(temp.write(again)) == once


@settings(max_examples=12)
@given(st.binary(max_size=60), st.sampled_from([b"", b"BEGIN:VCARD\n", b"<", b"{", b"["]))
def test_any_file_is_read_or_refused(data, head):
    try:
        card = forms.read(head + data)
    except ValueError:
        return
    assert isinstance(card, list)


@settings(max_examples=12)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.sampled_from(["vcard", "text", "fn", "n"]),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["properties", "name", "values", "fn", "email", "n",
                                               "adr", "photo", "parameters", "type", "group"]),
                              inner, max_size=4)
        ),
        max_leaves=12,
    )
)  # fmt: skip
def test_any_json_is_read_or_refused(data):
    for each in (data, ["vcard", data], {"properties": [data]}):
        try:
            card = forms.read(json.dumps(each).encode())
        except ValueError:
            continue
        xcard.write(card)
        temp.write(card)
