"""XEP-0004 forms: what is submitted, and what is refused before it is."""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring

import pytest

from xmppctl.errors import UsageError
from xmppctl.protocol import forms

FORM = fromstring(
    """
    <x xmlns='jabber:x:data' type='form'>
      <field type='hidden' var='FORM_TYPE'><value>urn:example:config</value></field>
      <field type='hidden' var='challenge'><value>4711</value></field>
      <field type='fixed'><value>Section</value></field>
      <field var='conf#roomconfig_name'><value>old</value></field>
      <field type='boolean' var='conf#roomconfig_membersonly'><value>0</value></field>
      <field type='boolean' var='conf#roomconfig_moderated'/>
      <field type='list-single' var='conf#roomconfig_whois'><value>moderators</value>
        <option><value>moderators</value></option><option><value>anyone</value></option></field>
      <field type='list-multi' var='conf#admin_roles'><value>a</value>
        <option><value>a</value></option><option><value>b</value></option></field>
      <field type='list-single' var='conf#open'>
        <validate xmlns='http://jabber.org/protocol/xdata-validate'><open/></validate>
        <option><value>x</value></option></field>
      <field type='jid-multi' var='conf#admins'/>
      <field type='jid-single' var='conf#owner'/>
      <field type='text-multi' var='conf#text'/>
      <field var='other#name'/>
    </x>
    """
)
READ = forms.read(FORM)


def submitted(element: Element) -> dict[str, list[str]]:
    assert element.get("type") == "submit"
    fields = element.findall("{jabber:x:data}field")
    found = {
        field.get("var", ""): [v.text or "" for v in field.findall("{jabber:x:data}value")]
        for field in fields
    }
    assert len(found) == len(fields)
    return found


def test_untouched_fields_keep_their_values_and_hidden_ones_go_along() -> None:
    assert submitted(forms.fill(READ, {})) == {
        "FORM_TYPE": ["urn:example:config"],
        "challenge": ["4711"],
        "conf#roomconfig_name": ["old"],
        "conf#roomconfig_membersonly": ["0"],
        "conf#roomconfig_whois": ["moderators"],
        "conf#admin_roles": ["a"],
    }


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("membersonly", ["true"], ["1"]),
        ("moderated", ["off"], ["0"]),
        ("whois", ["anyone"], ["anyone"]),
        ("admin_roles", ["b", "a", "b"], ["b", "a"]),
        ("admin_roles", [], []),
        ("open", ["else"], ["else"]),
        ("admins", ["A@Example.org", "a@example.org", ""], ["a@example.org"]),
        ("owner", [""], [""]),
        ("text", ["a\nb", "c"], ["a", "b", "c"]),
        ("roomconfig_name", ["new"], ["new"]),
    ],
)
def test_values_in_the_form_that_the_type_wants(
    name: str, values: list[str], expected: list[str]
) -> None:
    var = forms.resolve(READ, name).var
    assert submitted(forms.fill(READ, {name: values}))[var or ""] == expected


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("nonsense", ["1"], "no field 'nonsense'"),
        ("name", ["x"], "several fields"),
        ("only", ["1"], "no field 'only'"),
        ("membersonly", ["maybe"], "neither 1 nor 0"),
        ("membersonly", ["1", "0"], "one value"),
        ("whois", ["nobody"], "none of moderators, anyone"),
        ("admins", ["a@@b"], "not a JID"),
        ("challenge", ["1"], "cannot be changed"),
        ("roomconfig_name", ["a\nb"], "more than one line"),
        ("roomconfig_name", ["a\x00"], "control character"),
    ],
)
def test_what_is_refused(name: str, values: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        forms.fill(READ, {name: values})
    assert caught.value.step == "form"


def test_one_field_by_two_names() -> None:
    with pytest.raises(UsageError, match="two names"):
        forms.fill(READ, {"whois": ["anyone"], "conf#roomconfig_whois": ["anyone"]})


def test_required_fields_are_all_named() -> None:
    form = forms.read(
        fromstring(
            "<x xmlns='jabber:x:data'><field var='nick'><required/></field>"
            "<field var='email'><required/></field><field var='free'/></x>"
        )
    )
    with pytest.raises(UsageError, match="nick, email"):
        forms.fill(form, {"free": ["x"]})
    assert submitted(forms.fill(form, {"nick": ["n"], "email": ["e"]})) == {
        "nick": ["n"],
        "email": ["e"],
    }


def test_a_submission_without_the_form() -> None:
    assert submitted(forms.submit("urn:x", {"a": ["1", "2"]})) == {
        "FORM_TYPE": ["urn:x"],
        "a": ["1", "2"],
    }
