"""Refusals in the form and the wording of the Kubernetes API: a `Status` with code, reason and details."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason among those of a refusal, tied to a field."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


@dataclass(slots=True)
class ApiError(Exception):
    """A request that is answered with a `Status`; raised anywhere below the HTTP layer."""

    code: int
    message: str
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def status(self) -> dict[str, Any]:
        body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        body["message"] = self.message
        body["reason"] = self.reason or REASONS.get(self.code, "Unknown")
        if self.details:
            body["details"] = self.details
        return body | {"code": self.code}


def _details(name: str, group: str, kind: str) -> dict[str, Any]:
    named = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in named.items() if value}


def _qualified(resource: str, group: str) -> str:
    return f"{resource}.{group}" if group else resource


def bad_request(message: str) -> ApiError:
    return ApiError(400, message)


def no_such_path() -> ApiError:
    return ApiError(404, "the server could not find the requested resource", details={})


def not_found(resource: str, name: str, *, group: str = "") -> ApiError:
    message = f'{_qualified(resource, group)} "{name}" not found'
    return ApiError(404, message, details=_details(name, group, resource))


def already_exists(resource: str, name: str, *, group: str = "") -> ApiError:
    message = f'{_qualified(resource, group)} "{name}" already exists'
    return ApiError(409, message, "AlreadyExists", _details(name, group, resource))


def conflict(resource: str, name: str, *, group: str = "", why: str = "") -> ApiError:
    why = why or (
        "the object has been modified; please apply your changes to the latest version and try again"
    )
    message = f'Operation cannot be fulfilled on {_qualified(resource, group)} "{name}": {why}'
    return ApiError(409, message, details=_details(name, group, resource))


def forbidden(resource: str, name: str, why: str, *, group: str = "") -> ApiError:
    shown = f'{_qualified(resource, group)} "{name}"' if name else _qualified(resource, group)
    return ApiError(403, f"{shown} is forbidden: {why}", details=_details(name, group, resource))


def invalid(kind: str, name: str, causes: Sequence[Cause], *, group: str = "") -> ApiError:
    listed = str(causes[0]) if len(causes) == 1 else "[" + ", ".join(map(str, causes)) + "]"
    shown = f"{kind}.{group}" if group else kind
    details = _details(name, group, kind)
    details["causes"] = [{"reason": c.reason, "message": c.message, "field": c.field} for c in causes]
    return ApiError(422, f'{shown} "{name}" is invalid: {listed}', details=details)


def gone(message: str) -> ApiError:
    return ApiError(410, message)


def required(path: str, *, why: str = "") -> Cause:
    return Cause(path, f"Required value: {why}" if why else "Required value", "FieldValueRequired")


def wrong(path: str, value: object, why: str) -> Cause:
    shown = f'"{value}"' if isinstance(value, str) else value
    return Cause(path, f"Invalid value: {shown}: {why}")


def unsupported(path: str, value: str, allowed: Sequence[str]) -> Cause:
    listed = ", ".join(f'"{one}"' for one in sorted(allowed))
    return Cause(path, f'Unsupported value: "{value}": supported values: {listed}', "FieldValueNotSupported")


def immutable(path: str, value: object) -> Cause:
    return wrong(path, value, "field is immutable")
