"""What a message can carry beside its texts, as records: the light half, by subject.

Such a record is a field of ``Message``; how it is read from a stanza, and put into one, stands in
the module of its XEP under ``xmppctl.protocol.payload``.
"""
