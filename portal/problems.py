"""Errors as programs read them: problem details (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response
from pydantic import BaseModel

MIMETYPE = "application/problem+json"


class Problem(BaseModel):
    """What went wrong. `fields` has a message for each field of the body that is not right."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    fields: dict[str, str] | None = None
    # Quote it when you write to us.
    reference: str | None = None


def answer(
    code: int, detail: str, *, fields: Mapping[str, str] | None = None, reference: str = ""
) -> Response:
    named: dict[str, Any] = {"fields": dict(fields) if fields else None, "reference": reference or None}
    problem = Problem(title=HTTPStatus(code).phrase, status=code, detail=detail, **named)
    return Response(problem.model_dump_json(exclude_none=True), code, mimetype=MIMETYPE)
