"""Frozen dataclasses whose methods are made when the first of them is used.

``dataclasses.dataclass`` compiles six methods for each class, half a millisecond even for those of
which a short run makes no instance. ``dataclass`` here takes a tenth of that, and is the same to
type checkers and to ``fields``, ``replace`` and ``is_dataclass`` (docs/design/007-start-up.md).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool) -> Any:
        """As ``dataclasses.dataclass(frozen=True)``."""
        if not frozen:
            raise TypeError("a record is frozen")
        return _record


def _record(cls: type) -> type:
    own = cls.__dict__
    described = own.get("__doc__") is not None
    if not described:
        cls.__doc__ = f"{cls.__name__}(...)"  # or dataclasses would look for a signature
    dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    if hasattr(cls, "__post_init__") or not all(each.init for each in dataclasses.fields(cls)):
        raise TypeError("a record is made of its arguments alone")
    for name, stub in _STUBS.items():
        if own.get(name) is None:
            setattr(cls, name, stub)
    cls.__setattr__ = _refuse_set  # type: ignore[assignment]
    cls.__delattr__ = _refuse_delete  # type: ignore[assignment]
    return cls


def _later(name: str) -> Any:
    """A method that stands for the one of dataclasses until it is called."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        for cls in type(self).__mro__:
            if cls.__dict__.get(name) is method:
                setattr(cls, name, _made(cls, name))
        return getattr(type(self), name)(self, *args, **kwargs)

    method.__name__ = name
    return method


_STUBS = {name: _later(name) for name in ("__init__", "__repr__", "__eq__", "__hash__")}


def _made(cls: type, name: str) -> Any:
    """The method as dataclasses would have made it."""
    fields = dataclasses.fields(cls)
    method = _init(fields) if name == "__init__" else _copied(cls, fields, name)
    method.__qualname__ = f"{cls.__qualname__}.{name}"
    return method


def _init(fields: tuple[dataclasses.Field[Any], ...]) -> Any:
    """``__init__``, the one that nearly every record needs: compiled alone, it takes a fifth."""
    namespace: dict[str, Any] = {"_set": object.__setattr__, "_made": dataclasses.MISSING}
    positional, body = ["self"], ["pass"]
    named: list[str] = []
    for each in fields:
        name, parameter, value = each.name, each.name, each.name
        if each.default_factory is not dataclasses.MISSING:
            namespace[f"_make_{name}"] = each.default_factory
            parameter, value = f"{name}=_made", f"_make_{name}() if {name} is _made else {name}"
        elif each.default is not dataclasses.MISSING:
            namespace[f"_default_{name}"] = each.default
            parameter = f"{name}=_default_{name}"
        (named if each.kw_only else positional).append(parameter)
        body.append(f"_set(self, {name!r}, {value})")
    parameters = ", ".join([*positional, *(["*", *named] if named else [])])
    exec(f"def __init__({parameters}):\n " + "\n ".join(body), namespace)
    return namespace["__init__"]


def _copied(cls: type, fields: tuple[dataclasses.Field[Any], ...], name: str) -> Any:
    """A method of a dataclass with the same fields."""
    namespace: dict[str, Any] = {each.name: each for each in fields}
    namespace["__annotations__"] = {each.name: each.type for each in fields}
    namespace["__module__"] = cls.__module__
    namespace["__doc__"] = cls.__doc__
    model: type = dataclasses.dataclass(
        init=False,
        repr=name == "__repr__",
        eq=name in ("__eq__", "__hash__"),
        frozen=name == "__hash__",  # otherwise there is none
    )(type(cls.__name__, (), namespace))
    return getattr(model, name)


def _refuse_set(self: object, name: str, value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(self: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
