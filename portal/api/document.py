"""The OpenAPI document, made from the very types that the routes take and answer."""

import re
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, current_app
from pydantic import RootModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from portal.api.operations import Operation, operation
from portal.auth.tokens import SCOPE_WORDS
from portal.permissions import machine
from portal.problems import MIMETYPE, Problem

blueprint = Blueprint("document", __name__)
VERSION = "1"
REFERENCE = "#/components/schemas/{model}"


class OpenApi(RootModel[dict[str, Any]]):
    """An OpenAPI 3.1 document."""


@blueprint.get("/openapi.json")
@machine("public")
@operation(OpenApi, scope=None)
def show() -> OpenApi:
    """This document; anybody may read it."""
    return OpenApi(_document())


def _rules() -> Iterator[tuple[Rule, str, Any, Operation]]:
    """Each route of the API with its method, view and operation, by address."""
    for rule in sorted(current_app.url_map.iter_rules(), key=lambda rule: rule.rule):
        view = current_app.view_functions[rule.endpoint]
        found = getattr(view, "operation", None)
        if found is not None:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method.lower(), view, found


def _document() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for rule, method, view, found in _rules():
        address = re.sub(r"<(\w+)>", r"{\1}", rule.rule)
        paths.setdefault(address, {})[method] = _described(rule, view, found)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Research Commons", "version": VERSION, "description": _scopes()},
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _scopes() -> str:
    listed = "\n".join(f"* `{scope}`: {words}" for scope, words in SCOPE_WORDS.items())
    return f"Send a token as `Authorization: Bearer …` and no cookies. Scopes:\n\n{listed}"


def _schemas() -> dict[str, Any]:
    models: list[tuple[Any, Any]] = [(Problem, "serialization")]
    for _, _, _, found in _rules():
        models.append((found.answers, "serialization"))
        models += [(found.takes, "validation")] if found.takes else []
    _, made = models_json_schema(models, ref_template=REFERENCE)
    schemas: dict[str, Any] = made["$defs"]
    return schemas


def _described(rule: Rule, view: Any, found: Operation) -> dict[str, Any]:
    names = [_parameter(name, "path", "string") for name in sorted(rule.arguments)]
    keys = [_parameter(name, "query", "integer") for name in sorted(getattr(view, "query_keys", ()))]
    said: dict[str, Any] = {
        "operationId": rule.endpoint.removeprefix("api.").replace(".", "_"),
        "summary": (view.__doc__ or "").split("\n")[0],
        "parameters": names + keys,
        "responses": {
            str(found.status): _content("The answer.", "application/json", _ref(found.answers)),
            "default": _content("What went wrong.", MIMETYPE, _ref(Problem)),
        },
        # Scopes of a bearer scheme are words of our own (OpenAPI 3.1, 4.8.30).
        "security": [{"token": [found.scope.value]}] if found.scope else [],
    }
    if found.takes:
        schema = {"application/json": {"schema": _ref(found.takes)}}
        said["requestBody"] = {"required": True, "content": schema}
    return said


def _parameter(name: str, place: str, kind: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": {"type": kind}}


def _content(description: str, mimetype: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {mimetype: {"schema": schema}}}


def _ref(model: type) -> dict[str, Any]:
    """Pydantic writes the name of a generic model with underscores."""
    return {"$ref": REFERENCE.format(model=re.sub(r"[^\w.-]", "_", model.__name__))}
