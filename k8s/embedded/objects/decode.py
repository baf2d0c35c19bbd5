"""Reads what a client sent against its kind's shape, the way the API server's decoder does."""

from dataclasses import dataclass, field
from typing import Any

from k8s.embedded.objects import quantities
from k8s.embedded.objects.errors import bad_request
from k8s.embedded.objects.kinds import Kind
from k8s.embedded.objects.shapes import Shape

Object = dict[str, Any]

EXPECTED: dict[str, tuple[type, ...]] = {
    "s": (str,),
    "t": (str,),
    "i": (int,),
    "b": (bool,),
    "o": (bool,),
    "x": (str, int),
    "q": (str, int, float),
    "n": (int, float),
    "object": (dict,),
    "map": (dict,),
    "list": (list,),
}
GO_NAMES = {"i": "int32", "b": "bool", "o": "bool", "s": "string", "t": "v1.Time", "q": "resource.Quantity"}
JSON_NAMES = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}


@dataclass(slots=True)
class Decoder:
    """Drops unknown fields, which it collects, nulls, and what the API server leaves out when empty."""

    custom: bool
    unknown: list[str] = field(default_factory=list)

    def value(self, value: Any, shape: Shape, path: str) -> Any:
        if shape.form == "any":
            return value
        self._check_type(value, shape, path)
        if shape.form == "object":
            return self._object(value, shape, path)
        if shape.form == "map":
            return self._map(value, shape, path)
        if shape.form == "list":
            return self._list(value, shape, path)
        return self._quantity(value, path) if shape.form == "q" else value

    def _object(self, value: Object, shape: Shape, path: str) -> Object:
        read: Object = {}
        for name, inner in value.items():
            here = f"{path}.{name}" if path else name
            known = shape.fields.get(name)
            if known is None:
                if shape.keeps_unknown:
                    read[name] = inner
                else:
                    self.unknown.append(here)
            elif inner is not None:
                read_value = self.value(inner, known, here)
                if self.custom or not _left_out(read_value, known):
                    read[name] = read_value
        for name, known in shape.fields.items():
            if known.default is not None and name not in read and name != "metadata":
                read[name] = known.default
        return read

    def _map(self, value: Object, shape: Shape, path: str) -> Object:
        item = shape.child("")
        return {
            key: self.value(inner, item, f"{path}.{key}")
            for key, inner in value.items()
            if inner is not None or item.form == "any"
        }

    def _list(self, value: list[Any], shape: Shape, path: str) -> list[Any]:
        item = shape.child("") if shape.item is None else shape.item
        return [self.value(inner, item, f"{path}[{index}]") for index, inner in enumerate(value)]

    def _quantity(self, value: str | int | float, path: str) -> str:
        try:
            return quantities.canonical(value)
        except ValueError as problem:
            raise bad_request(f"unable to decode: {path}: {problem}") from None

    def _check_type(self, value: Any, shape: Shape, path: str) -> None:
        expected = EXPECTED[shape.form]
        fits = isinstance(value, expected) and (not isinstance(value, bool) or bool in expected)
        if not fits:
            given = JSON_NAMES.get(type(value), "null")
            wanted = GO_NAMES.get(shape.form, shape.form)
            raise bad_request(f"json: cannot unmarshal {given} into Go struct field {path} of type {wanted}")


def _left_out(value: Any, shape: Shape) -> bool:
    # `omitempty` of the Go types: an empty list or map never comes back, an empty object does.
    return (shape.form in ("list", "map") and not value) or (shape.form == "o" and value is False)


def decode(kind: Kind, body: Any, *, strict: bool) -> Object:
    """The object as the server keeps it. Raises a 400: wrong type, or when strict an unknown field."""
    if not isinstance(body, dict):
        raise bad_request("the object provided is unrecognized (must be of type object)")
    _check_envelope(kind, body)
    decoder = Decoder(kind.custom)
    read: Object = decoder.value({**body}, kind.shape, "")
    if strict and decoder.unknown:
        listed = ", ".join(f'unknown field "{name}"' for name in decoder.unknown)
        raise bad_request(
            f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: '
            f"strict decoding error: {listed}"
        )
    head = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": read.get("metadata", {})}
    return {**head, **{name: value for name, value in read.items() if name not in head}}


def _check_envelope(kind: Kind, body: Object) -> None:
    given = body.get("kind", kind.kind)
    version = body.get("apiVersion", kind.api_version)
    if given != kind.kind:
        raise bad_request(
            f"the kind of the object ({given}) does not match the kind on the URL ({kind.kind})"
        )
    if version != kind.api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version "
            f"({kind.api_version})"
        )
