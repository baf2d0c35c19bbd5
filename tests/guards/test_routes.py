"""Every route names what it needs, and the names are those of the table."""

from typing import Any

import pytest

from portal import permissions
from portal.permissions import GETTERS, PUBLIC, RULES, machine, needs
from tests.portal.pages import PAGES
from tests.portal.stage import Portal, places


def _views(portal: Portal) -> dict[str, Any]:
    rules = portal.app.url_map.iter_rules()
    return {rule.endpoint: portal.app.view_functions[rule.endpoint] for rule in rules}


def _for_persons(view: Any) -> bool:
    return not view.permission.public and not view.permission.machine


def test_every_route_names_its_permission_or_is_public(portal: Portal) -> None:
    views = {name: view for name, view in _views(portal).items() if name != "static"}
    unnamed = [name for name, view in views.items() if not hasattr(view, "permission")]
    unknown = [
        name
        for name, view in views.items()
        if view.permission.name not in RULES.keys() | GETTERS.keys() | {PUBLIC.name}
        or view.permission.public != (view.permission == PUBLIC)
    ]

    assert (unnamed, unknown) == ([], [])


def test_a_view_cannot_name_a_permission_that_does_not_exist() -> None:
    with pytest.raises(KeyError, match="no such permission"):
        needs("proposal.eat")


def test_a_view_for_programs_names_a_permission_as_well() -> None:
    with pytest.raises(KeyError, match="no such permission"):
        machine("proposal.eat")
    assert machine("public")(lambda: None).permission.machine  # type: ignore[attr-defined]


def test_whoever_is_not_logged_in_is_led_to_the_log_in_page(portal: Portal) -> None:
    found, visitor = places(portal), portal.visitor()
    views = _views(portal)
    closed = [page.address.format_map(found) for page in PAGES if _for_persons(views[page.endpoint])]

    answers = {address: visitor.get(address) for address in closed}

    assert {address for address, answer in answers.items() if answer.status_code != 303} == set()
    assert {answer.location.split("?")[0] for answer in answers.values()} == {"/login"}


def test_a_stranger_gets_nothing_that_is_not_public_or_their_own(portal: Portal) -> None:
    """Sam has no role. The lists are empty for him and the rest is not there, or says why not."""
    sam, found, views = portal.log_in("sam"), places(portal), _views(portal)
    own = {
        "account.see",
        "course.join",
        "home.see",
        "identity.link",
        "mailbox.see",
        "personal_relation.keep",
        "publication.keep",
        "role_invitation.answer",
        "team.answer",
    }
    lists = {
        "/access-requests",
        "/assessments",
        "/confirmations",
        "/consents",
        "/kubeconfig",
        "/meetings",
        "/panel",
        "/projects",
        "/proposals",
        "/reviews",
    }
    closed = {
        page.address.format_map(found)
        for page in PAGES
        if _for_persons(views[page.endpoint]) and views[page.endpoint].permission.name not in own
    }

    answers = {address: sam.get(address).status_code for address in closed - lists}
    listed = {address: sam.get(address).text for address in lists}

    assert {address: code for address, code in answers.items() if code not in (403, 404)} == {}
    leaks = ("Learned local", "Finding lung", "Designing enzymes", "Speech recognition")
    assert [a for a, text in listed.items() if any(leak in text for leak in leaks)] == []


def test_every_rule_of_the_table_is_a_function_beside_its_noun() -> None:
    misplaced = [name for name, rule in permissions.RULES.items() if not rule.__name__.startswith("may_")]

    assert misplaced == []
