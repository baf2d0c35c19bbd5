"""The shape of objects: which fields exist, of what type, and which lists and maps are merged by key.

Written as one line a type: `name*:s ports:Port[port,protocol] args:s[] labels:m selector:Selector!`.
`*` required; `[]` list replaced as a whole, `[a,b]` list of items found by these keys, `{}` set of scalars;
`!` object replaced whole. Scalars: s string, i integer, b boolean, o boolean left out when false, t time,
x integer or string, q quantity, any; maps: m strings, ma strings replaced as a whole, mq quantities.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

TOKEN = re.compile(r"^([\w$-]+)(\*?):(\w+)(!|\[[\w,]*\]|\{\})?$")
SCALARS = frozenset("sibotxq")


@dataclass(slots=True)
class Shape:
    """`form` is a scalar's letter, `any`, `object`, `map` or `list`. `keys` only where a list is merged."""

    form: str
    fields: "Mapping[str, Shape]" = field(default_factory=dict)
    required: tuple[str, ...] = ()
    item: "Shape | None" = None
    keys: tuple[str, ...] = ()
    is_set: bool = False
    atomic: bool = False
    keeps_unknown: bool = False
    enum: tuple[Any, ...] = ()
    default: Any = None
    key_defaults: "Mapping[str, Any]" = field(default_factory=dict)

    def child(self, name: str) -> "Shape":
        if self.form == "map":
            return self.item or ANY
        return self.fields.get(name, ANY)


ANY = Shape("any", atomic=True)
MAPS = {
    "m": Shape("map", item=Shape("s")),
    "ma": Shape("map", item=Shape("s"), atomic=True),
    "mq": Shape("map", item=Shape("q")),
    "mb": Shape("map", item=Shape("s")),
    "many": Shape("map", item=ANY),
}
# Lists found by these keys may leave the key out; the API server then takes the default.
KEY_DEFAULTS = {"protocol": "TCP"}


class Dictionary:
    """Types by name, read from their lines when first asked for (types refer to each other)."""

    def __init__(self, lines: Mapping[str, str]) -> None:
        self._lines = lines
        self._shapes: dict[str, Shape] = {"any": ANY, **MAPS} | {letter: Shape(letter) for letter in SCALARS}

    def __getitem__(self, name: str) -> Shape:
        if name not in self._shapes:
            fields: dict[str, Shape] = {}
            # Registered before its fields are read, so that a type may contain itself.
            self._shapes[name] = shape = Shape("object", fields)
            needed = []
            for token in self._lines[name].split():
                match = TOKEN.match(token)
                if match is None:
                    raise ValueError(f"{name}: {token}")
                fields[match[1]] = self._field(match[3], match[4] or "")
                needed += [match[1]] if match[2] else []
            shape.required = tuple(needed)
        return self._shapes[name]

    def _field(self, name: str, mark: str) -> Shape:
        shape = self[name]
        if mark == "!":
            return Shape("object", shape.fields, shape.required, atomic=True)
        if mark == "{}":
            return Shape("list", item=shape, is_set=True)
        if mark:
            keys = tuple(key for key in mark[1:-1].split(",") if key)
            defaults = {key: KEY_DEFAULTS[key] for key in keys if key in KEY_DEFAULTS}
            return Shape("list", item=shape, keys=keys, atomic=not keys, key_defaults=defaults)
        return shape


class CustomShape:
    """The shape an OpenAPI v3 schema of a CustomResourceDefinition describes."""

    FORMS: Mapping[str, str] = {"string": "s", "integer": "i", "boolean": "b", "number": "n"}

    def __init__(self, schema: Mapping[str, Any], meta: Shape) -> None:
        self._schema = schema
        self._meta = meta

    @cached_property
    def shape(self) -> Shape:
        read = self._read(self._schema)
        known = {"apiVersion": Shape("s"), "kind": Shape("s"), "metadata": self._meta}
        fields = {**read.fields, **known}
        return Shape("object", fields, read.required, keeps_unknown=read.keeps_unknown)

    def _read(self, schema: Mapping[str, Any]) -> Shape:
        if schema.get("x-kubernetes-int-or-string"):
            return Shape("x", default=schema.get("default"))
        form = schema.get("type", "object" if "properties" in schema else "any")
        if form == "object":
            return self._object(schema)
        if form == "array":
            return self._list(schema)
        scalar = self.FORMS.get(form)
        if scalar is None:
            return ANY
        return Shape(scalar, enum=tuple(schema.get("enum", ())), default=schema.get("default"))

    def _object(self, schema: Mapping[str, Any]) -> Shape:
        keeps = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
        atomic = schema.get("x-kubernetes-map-type") == "atomic"
        if isinstance(schema.get("additionalProperties"), dict):
            return Shape("map", item=self._read(schema["additionalProperties"]), atomic=atomic)
        fields = {name: self._read(inner) for name, inner in schema.get("properties", {}).items()}
        return Shape(
            "object",
            fields,
            tuple(schema.get("required", ())),
            keeps_unknown=keeps,
            atomic=atomic,
            default=schema.get("default"),
        )

    def _list(self, schema: Mapping[str, Any]) -> Shape:
        kind = schema.get("x-kubernetes-list-type", "atomic")
        items = schema.get("items", {})
        keys = tuple(schema.get("x-kubernetes-list-map-keys", ())) if kind == "map" else ()
        inner = items.get("properties", {})
        defaults = {key: inner[key]["default"] for key in keys if "default" in inner.get(key, {})}
        return Shape(
            "list",
            item=self._read(items),
            keys=keys,
            is_set=kind == "set",
            atomic=kind == "atomic",
            key_defaults=defaults,
            default=schema.get("default"),
        )
