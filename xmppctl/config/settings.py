"""Option, environment, account, built-in: which value holds, and where it comes from.

An account is a JID with the secret and the server that belong to it. Where an option or the
environment names another bare JID, nothing of the account is used: its password would go to
somebody else's server. What the environment gives (XMPPCTL_PASSWORD, ...) holds for every JID.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from xmppctl.config import keys, paths, profiles, secrets, way
from xmppctl.config.keys import KEYS, Value
from xmppctl.config.profiles import Config, Profile
from xmppctl.config.secrets import PASSWORD, Source
from xmppctl.errors import LocalError, UsageError
from xmppctl.model.jid import Jid
from xmppctl.records import dataclass

if TYPE_CHECKING:
    from xmppctl.model.account import Account
    from xmppctl.model.config import AppliedSetting
    from xmppctl.model.memory import Memory

Layer = Mapping[str, Value]

_SECRET_KINDS: Mapping[str, Literal["file", "fd", "command"]] = {
    "password_file": "file",
    "password_fd": "fd",
    "password_command": "command",
}


@dataclass(frozen=True)
class Settings:
    """Every setting as it holds for this run, with its origin.

    ``values`` has an entry for every name of ``keys.KEYS``; ``profile`` is the account of the
    file that takes part, ``secret`` the source of the password (None: a terminal is asked).
    """

    config: Config
    values: Layer
    profile: Profile | None
    secret: Source | None
    env: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def get(self, name: str) -> Any:
        """The value of the setting ``name``, None where it has none."""
        return self.values[name].value

    def origin(self, name: str) -> str:
        """Where the value of ``name`` comes from, in words."""
        return self.values[name].origin

    def describe(self) -> list[AppliedSetting]:
        """A record for every setting; of all sources of the password only the one that holds."""
        from xmppctl.model.config import AppliedSetting

        records = [
            AppliedSetting(name, value.text, value.origin)
            for name, value in self.values.items()
            if name not in _SECRET_KINDS
        ]
        if self.secret is None:
            records.append(AppliedSetting("password", None, "built-in"))
            return records
        names = {"environment": "password", "config": "password", "keyring": "keyring"}
        name = names.get(self.secret.kind, f"password_{self.secret.kind}")
        value = {"password": "(hidden)", "keyring": "true"}.get(name, str(self.secret.value))
        return [*records, AppliedSetting(name, value, self.secret.origin)]

    def password(self, *, no_input: bool = False) -> Callable[[], str]:
        """The function that gives the account's password; see ``secrets.provider``."""
        whose = str(self.jid().bare)
        return secrets.provider(PASSWORD, self.secret, whose=whose, no_input=no_input)

    def account(self, *, login: bool = True, no_input: bool = False) -> Account:
        """What a session needs, checked as far as files go.

        ``login``: whether it is going to authenticate; without, a domain is enough for a JID.
        ``no_input``: never ask a terminal. Raises UsageError where there is no usable JID,
        LocalError for files that are missing or open to others.
        """
        from xmppctl.model.account import Account

        jid = self.jid()
        anonymous = bool(self.get("anonymous"))
        if anonymous:
            jid = Jid(None, jid.domain, jid.resource)
        elif login and jid.local is None:
            raise UsageError(
                f"{jid} ({self.origin('jid')}) is a domain, not an account",
                step="config",
                hint="give USER@DOMAIN, or --anonymous",
            )
        cert, key = self._certificate()
        if ca_file := self.get("ca_file"):
            _readable(ca_file, self.origin("ca_file"))
        endpoint: str | None = self.get("endpoint")
        # With a certificate no password is asked for: only one that was given is taken along.
        wanted = login and not anonymous and (cert is None or self.secret is not None)
        return Account(
            jid=jid,
            password=self.password(no_input=no_input) if wanted else None,
            prompts=wanted and self.secret is None,
            anonymous=anonymous,
            cert=cert,
            key=key,
            connect=self.get("connect"),
            tls=self.get("tls"),
            transport=self.get("transport") if endpoint is None else way.carrier(endpoint),
            endpoint=endpoint,
            ca_file=ca_file,
            pins=self.get("pin"),
            sasl=self.get("sasl"),
            sasl_mechanism=self.get("sasl_mechanism"),
            allow_downgrade=self.get("allow_downgrade"),
            nameserver=self.get("nameserver"),
            connect_timeout=self.get("connect_timeout"),
            timeout=self.get("timeout"),
            retry=self.get("retry"),
            memory=self._memory(jid, anonymous=anonymous) if login else None,
        )

    def _memory(self, jid: Jid, *, anonymous: bool) -> Memory:
        from xmppctl.config.memory import FileMemory

        whose = jid.domain if anonymous else str(jid.bare)
        facts = [self.values[name].text or "" for name in (*way.NAMES, "tls", "nameserver")]
        return FileMemory(whose, facts, self.env, state=not anonymous)

    def jid(self) -> Jid:
        """The JID that is connected as. Raises UsageError where there is none."""
        jid = self.get("jid")
        if not isinstance(jid, Jid):
            raise UsageError(
                "no account: there is no JID to connect as",
                step="config",
                condition="no-account",
                hint="give --jid or XMPPCTL_JID, or: xmppctl account add NAME JID",
            )
        resource: str | None = self.get("resource")
        return jid._replace(resource=resource)

    def _certificate(self) -> tuple[Path | None, Path | None]:
        cert: Path | None = self.get("cert")
        key: Path | None = self.get("key")
        if cert is None:
            if key is not None:
                raise UsageError(f"a key needs its --cert ({self.origin('key')})", step="config")
            return None, None
        _readable(cert, self.origin("cert"))
        # The certificate's file may hold the key as well.
        paths.check_private(key or cert)
        return cert, key


def resolve(
    options: Mapping[str, tuple[object, str]],
    env: Mapping[str, str] = os.environ,
    config: Config | None = None,
) -> Settings:
    """Every setting from options, environment, account and built-in values, in this order.

    ``options``: name to (value, origin), those given on the command line only; names that are no
    settings are passed over, and so are values of None. Raises UsageError for values that are
    wrong and for contradictions.
    """
    config = profiles.load(paths.config_file(env)) if config is None else config
    given = _from_options(options)
    around = _from_environment(env)
    profile, chosen = _choose(given, around, config)
    jid = _identity(given, around, profile)
    secret = _secret(given, around, env, profile)
    own = _with_resource(profile.settings) if profile else {}
    layers = [_with_resource(given, jid), _with_resource(around, jid), own]
    server = way.coherent(layers)
    values = {name: keys.builtin(key) for name, key in KEYS.items()} | {**config.settings}
    for layer in reversed(layers):
        values.update((name, value) for name, value in layer.items() if name not in way.NAMES)
    values |= server
    if jid is not None:
        values["jid"] = jid
    if profile is not None:
        values["account"] = Value(profile.name, profile.name, chosen)
    if "anonymous" in given and given["anonymous"].value and secrets.only(_sources(given)):
        raise UsageError("--anonymous and a password exclude each other", step="config")
    return Settings(config, values, profile, secret, env)


def _from_options(options: Mapping[str, tuple[object, str]]) -> dict[str, Value]:
    found = {}
    for name, (raw, origin) in options.items():
        if name in KEYS and raw is not None and raw != ():
            found[name] = _convert(name, raw, origin)
    return found


def _from_environment(env: Mapping[str, str]) -> dict[str, Value]:
    return {
        name: _convert(name, env[key.variable], f"environment {key.variable}")
        for name, key in KEYS.items()
        if env.get(key.variable)
    }


def _convert(name: str, raw: object, origin: str) -> Value:
    try:
        return keys.convert(KEYS[name], raw, origin)
    except ValueError as error:
        raise UsageError(f"{origin}: {error}", step="config") from None


def _choose(given: Layer, around: Layer, config: Config) -> tuple[Profile | None, str]:
    """The account of the file that takes part, and why; None where another JID is asked for."""
    for layer, lower in ((given, around), (around, {})):
        if "account" in layer:
            origin = layer["account"].origin
            profile = config.profile(str(layer["account"].value), origin)
            # An account named by option stands above a JID of the environment.
            asked = layer.get("jid")
            if asked is not None and _bare(asked) != profile.jid.bare:
                raise UsageError(
                    f"{origin} is {profile.jid.bare}, but {asked.origin} says {_bare(asked)}",
                    step="config",
                    hint="give one of them",
                )
            return profile, origin
        if "jid" in layer:
            return _matching(_bare(layer["jid"]), lower, config)
    return config.default() or (None, "")


def _matching(bare: Jid, lower: Layer, config: Config) -> tuple[Profile | None, str]:
    """The account that has the JID ``bare``, preferring the one named below, then the default."""
    fitting = [profile for profile in config.profiles.values() if profile.jid.bare == bare]
    named = lower["account"].value if "account" in lower else config.default_account
    preferred = [profile for profile in fitting if profile.name == named] or fitting
    if len(preferred) > 1:
        names = ", ".join(profile.name for profile in preferred)
        raise UsageError(
            f"several accounts have the JID {bare}: {names}",
            step="config",
            hint="choose one with --account",
        )
    return (preferred[0], f"the account of {bare}") if preferred else (None, "")


def _identity(given: Layer, around: Layer, profile: Profile | None) -> Value | None:
    """The JID that is connected as."""
    if "jid" in given:
        return given["jid"]
    if "account" in given and profile is not None:
        return profile.settings["jid"]
    if "jid" in around:
        return around["jid"]
    return profile.settings["jid"] if profile else None


def _with_resource(layer: Layer, jid: Value | None = None) -> Layer:
    """``layer`` with the resource of its JID, where that JID is the one connected as."""
    own = layer.get("jid")
    if own is None or "resource" in layer or (jid is not None and _bare(own) != _bare(jid)):
        return layer
    resource = own.value.resource if isinstance(own.value, Jid) else None
    if resource is None:
        return layer
    return {**layer, "resource": Value(resource, resource, own.origin)}


def _secret(
    given: Layer, around: Layer, env: Mapping[str, str], profile: Profile | None
) -> Source | None:
    """The source of the password, None where there is none."""
    if source := secrets.only(_sources(given)):
        return source
    sources = _sources(around)
    if env.get(PASSWORD.variable):
        origin = f"environment {PASSWORD.variable}"
        sources.append(Source("environment", origin, env[PASSWORD.variable]))
    if source := secrets.only(sources):
        return source
    return profile.secret if profile is not None else None


def _sources(layer: Layer) -> list[Source]:
    return [
        secrets.make(kind, layer[name].origin, layer[name].value)
        for name, kind in _SECRET_KINDS.items()
        if name in layer
    ]


def _bare(value: Value) -> Jid:
    jid = value.value
    return jid.bare if isinstance(jid, Jid) else Jid(None, "", None)


def _readable(path: Path, origin: str) -> None:
    try:
        with path.open("rb"):
            return
    except OSError as error:
        raise LocalError(
            f"cannot read {path} ({origin}): {error.strerror}", step="config"
        ) from None
