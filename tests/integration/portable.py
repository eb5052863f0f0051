"""Accounts with something of everything, and files of XEP-0227."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

PING = "<ping xmlns='urn:xmpp:ping'/>"
PS = "http://jabber.org/protocol/pubsub"
PIE = "{urn:xmpp:pie:0}"
PHOTO = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5Erk"
    "Jggg=="
)


def make_node(client, node, access, *items, most="max"):
    fields = {"access_model": access, "persist_items": "1", "max_items": most}
    rows = "".join(
        f"<field var='pubsub#{name}'><value>{value}</value></field>"
        for name, value in fields.items()
    )
    form = (
        f"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
        f"<value>{PS}#node_config</value></field>{rows}</x>"
    )
    answer = client.iq(
        f"<pubsub xmlns='{PS}'><create node='{node}'/><configure>{form}</configure></pubsub>",
        type="set",
    )
    assert answer.get("type") == "result", node
    for name, payload in items:
        answer = client.iq(
            f"<pubsub xmlns='{PS}'><publish node='{node}'><item id='{name}'>{payload}</item>"
            "</publish></pubsub>",
            type="set",
        )
        assert answer.get("type") == "result", name


def fill(client, friend):
    """An account with something of everything."""
    for payload in (
        "<query xmlns='jabber:iq:roster'><item jid='romeo@montague.test' name='Romeo'>"
        "<group>Friends</group></item></query>",
        f"<query xmlns='jabber:iq:roster'><item jid='{friend}' name='Friend &amp; co'/></query>",
        "<query xmlns='jabber:iq:private'><prefs xmlns='example:prefs'><a b='c'>d</a></prefs>"
        "</query>",
        "<query xmlns='jabber:iq:private'><storage xmlns='storage:rosternotes'>"
        "<note jid='romeo@montague.test'>a\nnote</note></storage></query>",
        "<query xmlns='jabber:iq:private'><storage xmlns='storage:bookmarks'>"
        "<conference jid='play@rooms.test' name='The Play' autojoin='true'><nick>jul</nick>"
        "</conference></storage></query>",
        f"<vCard xmlns='vcard-temp'><FN>Juliet</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>{PHOTO}"
        "</BINVAL></PHOTO></vCard>",
        "<block xmlns='urn:xmpp:blocking'><item jid='tybalt@capulet.test'/></block>",
    ):
        assert client.iq(payload, type="set").get("type") == "result", payload
    make_node(client, "example:secret", "whitelist",
              *((f"i{n}", f"<x xmlns='urn:example'>{n}</x>") for n in range(3)))  # fmt: skip
    make_node(client, "example:public", "open", ("current", "<y xmlns='urn:example'>&lt;</y>"))
    affiliation = f"<affiliation jid='{friend}' affiliation='member'/>"
    client.iq(
        f"<pubsub xmlns='{PS}#owner'><affiliations node='example:secret'>{affiliation}"
        "</affiliations></pubsub>",
        type="set",
    )


def write(client, to, *bodies):
    for body in bodies:
        client.message(to, body)
    assert client.iq(PING, to=to).get("type") == "result"


def access(client, node):
    answer = client.iq(f"<pubsub xmlns='{PS}#owner'><configure node='{node}'/></pubsub>")
    for field in answer.iter("{jabber:x:data}field"):
        if field.get("var") == "pubsub#access_model":
            return field.findtext("{jabber:x:data}value")
    return None


def ids(client, node):
    answer = client.iq(f"<pubsub xmlns='{PS}'><items node='{node}'/></pubsub>")
    return [item.get("id") for item in answer.iter(f"{{{PS}}}item")]


def stored(client, element):
    answer = client.iq(f"<query xmlns='jabber:iq:private'>{element}</query>")
    return answer[0][0]


def contacts(client):
    return {
        item.get("jid"): item
        for item in client.iq("<query xmlns='jabber:iq:roster'/>").iter("{jabber:iq:roster}item")
    }


def exported(xmppctl, alice, path, *args):
    xmppctl("account", "export", "--out", str(path), *args, account=alice).expect()
    return fromstring(path.read_bytes())


def user_file(path, jid, content):
    local, domain = jid.split("@")
    path.write_text(
        f"<server-data xmlns='urn:xmpp:pie:0'><host jid='{domain}'><user name='{local}'>{content}"
        "</user></host></server-data>"
    )
    return str(path)
