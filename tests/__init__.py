"""Tests of xmppctl: pure ones in ``unit``, those against real servers in ``integration``."""
