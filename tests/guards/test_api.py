"""The API as a whole: described by its own document, bounded in statements, and reading writes nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from allocations.kernel import clock
from portal.auth.tokens import Scope
from tests.guards.scale import grow
from tests.guards.statements import listened, writes
from tests.portal import stage
from tests.portal.pages import DETAIL, LIST
from tests.portal.programs import API, Program, order, program, service
from tests.portal.stage import Portal

DOCUMENT = "/openapi.json"
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class Reading:
    endpoint: str
    who: str  # "service": the project's own token
    path: str
    most: int = DETAIL


READINGS = (
    Reading("api.document.show", "sam", DOCUMENT, LIST),
    Reading("api.profile.show", "priya", "/me", LIST),
    Reading("api.projects.index", "priya", "/projects", LIST),
    Reading("api.projects.index", "owen", "/projects", LIST),
    Reading("api.projects.index", "service", "/projects", LIST),
    Reading("api.projects.show", "priya", "/projects/{project}"),
    Reading("api.projects.show", "service", "/projects/{project}"),
    Reading("api.notebooks.index", "priya", "/projects/{project}/notebooks", LIST),
    Reading("api.notebooks.index", "service", "/projects/{project}/notebooks", LIST),
    Reading("api.notebooks.show", "uma", "/notebooks/{notebook_uma}"),
    Reading("api.proposals.index", "priya", "/proposals", LIST),
    Reading("api.proposals.show", "priya", "/proposals/{proposal_soil}"),
    Reading("api.proposals.show", "chen", "/proposals/{proposal_imaging}"),
    Reading("api.proposals.show", "owen", "/proposals/{proposal_language}"),
    Reading("api.calls.index", "owen", "/calls", LIST),
    Reading("api.datasets.index", "sam", "/datasets", LIST),
)


def _document(portal: Portal) -> dict[str, Any]:
    answer = portal.visitor().get(f"{API}{DOCUMENT}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json
    return found


def _routes(portal: Portal) -> dict[tuple[str, str], Any]:
    """(address, method) -> view, of everything under /api/."""
    found = {}
    for rule in portal.app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            address = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            view = portal.app.view_functions[rule.endpoint]
            found |= {(address, m.lower()): view for m in METHODS & set(rule.methods or ())}
    return found


@pytest.fixture
def programs(portal: Portal) -> Iterator[dict[str, Program]]:
    """In a moment that does not pass: a slow machine must not see a use noted a minute later."""
    people = {reading.who for reading in READINGS} - {"service"}
    found = {who: program(portal, who) for who in people} | {"service": service(portal)}
    with clock.at(clock.now()):
        for one in found.values():
            # From now on there is nothing to note about its use.
            one.get("/projects")
        yield found


def test_every_route_is_for_programs_and_in_the_document(portal: Portal) -> None:
    routes, document = _routes(portal), _document(portal)
    described = {(address, method) for address, found in document["paths"].items() for method in found}

    assert [where for where, view in routes.items() if not view.permission.machine] == []
    assert described == set(routes)
    assert {r.endpoint for r in READINGS} == {
        rule.endpoint
        for rule in portal.app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and "GET" in (rule.methods or ())
    }


def test_every_route_but_the_document_wants_a_scope_and_says_so(portal: Portal) -> None:
    document, scopes = _document(portal), set()
    for (address, method), view in _routes(portal).items():
        said = document["paths"][address][method]
        assert said["summary"], address
        scope = view.operation.scope
        assert (scope is None) == address.endswith(DOCUMENT)
        assert said["security"] == ([{"token": [scope]}] if scope else [])
        scopes |= {scope} if scope else set()

    assert scopes == set(Scope)


def _references(thing: Any) -> set[str]:
    if isinstance(thing, dict):
        own = {thing["$ref"]} if "$ref" in thing else set()
        return own.union(*(_references(value) for value in thing.values()))
    return set().union(*(_references(value) for value in thing)) if isinstance(thing, list) else set()


def test_the_document_is_sound(portal: Portal) -> None:
    document = _document(portal)
    schemas = document["components"]["schemas"]
    names = [said["operationId"] for found in document["paths"].values() for said in found.values()]

    assert document["openapi"] == "3.1.0"
    assert len(set(names)) == len(names)
    assert _references(document) <= {f"#/components/schemas/{name}" for name in schemas}
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    for address, found in document["paths"].items():
        for said in found.values():
            placed = {p["name"] for p in said["parameters"] if p["in"] == "path"}
            assert placed == set(re.findall(r"{(\w+)}", address))


def _errors(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    whole = schema | {"components": document["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def _schema(said: dict[str, Any], status: str) -> dict[str, Any]:
    (found,) = said["responses"][status]["content"].values()
    schema: dict[str, Any] = found["schema"]
    return schema


def test_answers_are_what_the_document_says(portal: Portal, programs: dict[str, Program]) -> None:
    document, places = _document(portal), stage.places(portal)
    by_name = {said["operationId"]: said for found in document["paths"].values() for said in found.values()}
    wrong = {}
    for reading in READINGS:
        path = reading.path.format_map(places)
        said = by_name[reading.endpoint.removeprefix("api.").replace(".", "_")]
        wrong[path] = _errors(document, _schema(said, "200"), programs[reading.who].get(path).json)
    sent = order(portal)
    started = programs["uma"].send("POST", f"/projects/{places['project']}/notebooks", json=sent)
    said = by_name["notebooks_start"]
    wrong["sent"] = _errors(document, said["requestBody"]["content"]["application/json"]["schema"], sent)
    wrong["started"] = _errors(document, _schema(said, "201"), started.json)
    wrong["refused"] = _errors(document, _schema(said, "default"), programs["sam"].get("/nothing").json)

    assert {what: errors for what, errors in wrong.items() if errors} == {}
    assert _errors(document, _schema(said, "201"), {"ref": 1}), "this check would find nothing"


def _cost(programs: dict[str, Program], reading: Reading, places: dict[str, str]) -> list[str]:
    held = programs[reading.who]
    with listened(held.portal.engine) as heard:
        answer = held.get(reading.path.format_map(places))
    assert answer.status_code == 200, answer.text
    return heard


def test_reading_writes_nothing(portal: Portal, programs: dict[str, Program]) -> None:
    places = stage.places(portal)
    heard = {reading.path: writes(_cost(programs, reading, places)) for reading in READINGS}

    assert {path: found for path, found in heard.items() if found} == {}


def test_statements_are_few_and_do_not_grow_with_the_data(
    portal: Portal, programs: dict[str, Program]
) -> None:
    places = stage.places(portal)
    grow(portal, 3)
    small = {reading: len(_cost(programs, reading, places)) for reading in READINGS}
    grow(portal, 300)
    large = {reading: len(_cost(programs, reading, places)) for reading in READINGS}

    print({f"{reading.who} {reading.path}": cost for reading, cost in large.items()})
    assert {reading: cost for reading, cost in large.items() if cost > reading.most} == {}
    assert {r: (small[r], cost) for r, cost in large.items() if cost > small[r]} == {}
