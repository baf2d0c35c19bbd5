"""Every page over the demo programme: reading writes nothing, and costs a bounded number of statements."""

from typing import Any

from flask import g, request_finished

from tests.guards.scale import grow
from tests.guards.statements import listened, writes
from tests.portal import stage
from tests.portal.pages import PAGES, Page
from tests.portal.stage import Portal


def _cost(portal: Portal, places: dict[str, str], page: Page) -> list[str]:
    """The statements of this page, opened by somebody who is logged in already."""
    client = portal.log_in(page.who) if page.who else portal.visitor()
    address = page.address.format_map(places)
    with listened(portal.engine) as heard:
        answer = client.get(address)
    assert answer.status_code == page.status, f"{address} as {page.who}: {answer.status_code}"
    return heard


def _costs(portal: Portal, places: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Page -> statements, and how many it may cost."""
    found = {f"{p.who}: {p.address}": (len(_cost(portal, places, p)), p.most) for p in PAGES}
    for place, (cost, most) in found.items():
        print(f"{cost:4} of {most:2}  {place}")
    return found


def test_every_page_has_its_place_in_the_table(portal: Portal) -> None:
    rules = portal.app.url_map.iter_rules()
    answered = {rule.endpoint for rule in rules if "GET" in (rule.methods or ())} - {"static"}
    # Those for programs have tables of their own.
    answered -= stage.for_programs(portal)

    assert {page.endpoint for page in PAGES} - stage.for_programs(portal) == answered


def test_reading_a_page_writes_nothing_and_leaves_nothing_dirty(portal: Portal) -> None:
    left: list[str] = []
    places = stage.places(portal)

    def look(_sender: Any, **_kwargs: Any) -> None:
        held = g.get("session")
        if held is not None and (held.new or held.dirty or held.deleted):
            left.append(str([*held.new, *held.dirty, *held.deleted]))

    with request_finished.connected_to(look, portal.app):
        heard = {page.address: writes(_cost(portal, places, page)) for page in PAGES}

    assert {address: found for address, found in heard.items() if found} == {}
    assert left == []


def test_statements_of_each_page_are_few_and_do_not_grow_with_the_data(portal: Portal) -> None:
    places = stage.places(portal)
    grow(portal, 3)
    small = _costs(portal, places)
    grow(portal, 300)
    large = _costs(portal, places)

    over = {place: cost for place, (cost, most) in large.items() if cost > most}
    grew = {place: (small[place][0], cost) for place, (cost, _) in large.items() if cost > small[place][0]}
    assert (over, grew) == ({}, {})
