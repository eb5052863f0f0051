"""SASL2, Bind 2 and FAST for the Prosody of the tests: Debian's own modules, made to run.

Those of prosody-modules in Debian 12 are written for a later Prosody; on 0.12.3 every encrypted
stream to a host with mod_sasl2 dies. Copies of them go into the test server's directory, with the
few expressions replaced that 0.12.3 does not know. Every replacement has to find its text exactly
once, so that other versions of the modules are an error instead of another server.
"""

from __future__ import annotations

from pathlib import Path

_MODULES = Path("/usr/lib/prosody/modules")

_FEATURES = '"stream-features", { origin = session, features = features }'
_FEATURES_OF_STREAM = '"stream-features", { origin = session, features = features, stream = attr }'

# 0.12 sends <enabled/> by itself: it is caught, to go into <bound/>
_ENABLE = """
local function do_enable(session, request)
	local send, answer = session.send, nil;
	session.send = function (stanza) answer = stanza; return true; end
	mod_smacks.handle_enable(session, request, xmlns_sm);
	session.send = send;
	if answer.name ~= "enabled" then
		return nil, { type = "cancel", condition = "unexpected-request" };
	end
	return { id = answer.attr.id, resume_max = answer.attr.max, finish = function () end };
end

-- Advertise what we can do
"""

# module: text and what stands in its place
_CHANGES: dict[str, tuple[tuple[str, str], ...]] = {
    # XEP-0484 §3.1: FAST is offered to the account that 'from' of the stream header names
    "mod_c2s.lua": ((_FEATURES, _FEATURES_OF_STREAM),),
    "mod_bosh.lua": (
        (_FEATURES, _FEATURES_OF_STREAM),
        ('type = "c2s_unauthed",', 'type = "c2s_unauthed", base_type = "c2s",'),
    ),
    "mod_sasl2/mod_sasl2.lua": (
        ("origin.conn:ssl_info()", "origin.conn:socket().info and origin.conn:socket():info()"),
    ),
    "mod_sasl2_bind2/mod_sasl2_bind2.lua": (),
    "mod_sasl2_fast/mod_sasl2_fast.lua": (
        (
            'auth:get_child_attr("user-agent", nil, "id")',
            '(auth:get_child("user-agent") or { attr = {} }).attr.id',
        ),
        # a date wants a whole number
        ("dt.datetime(token_info.expires_at)", "dt.datetime(math.floor(token_info.expires_at))"),
    ),
    "mod_sasl2_sm/mod_sasl2_sm.lua": (
        ("\n-- Advertise what we can do\n", _ENABLE),
        ("mod_smacks.do_enable(", "do_enable("),
        # resumption by SASL2 needs what 0.12 has not
        ('features:tag("sm", { xmlns = xmlns_sm }):up();', ""),
    ),
}


class PatchError(Exception):
    """A module is not installed, or not as it was when the replacements were written."""


def write_modules(target: Path, source: Path = _MODULES) -> None:
    """Put the modules into ``target``, to be named in Prosody's plugin_paths.

    Raises PatchError, and then leaves modules out.
    """
    target.mkdir(parents=True, exist_ok=True)
    for name, changes in _CHANGES.items():
        try:
            text = (source / name).read_text()
        except FileNotFoundError:
            raise PatchError(f"{source / name} is missing: run tools/debian.sh test") from None
        for old, new in changes:
            if (count := text.count(old)) != 1:
                raise PatchError(f"{source / name} has {old!r} {count} times instead of once")
            text = text.replace(old, new)
        (target / Path(name).name).write_text(text)
