"""Returning what a concluded call has left, over HTTP."""

from tests.portal import stage
from tests.portal.stage import Portal


def test_an_officer_reads_what_is_left_and_returns_it_once(portal: Portal) -> None:
    owen = portal.log_in("owen")
    call = f"/calls/{stage.places(portal)['call_past']}"
    linked = owen.get(call).text
    before = owen.get(f"{call}/leftovers").text
    first = owen.post(f"{call}/leftovers/return")
    after = owen.get(f"{call}/leftovers").text
    second = owen.post(f"{call}/leftovers/return", follow_redirects=True).text

    assert "Return what is left" in linked
    assert "Return what is left" in before
    assert first.status_code == 303
    assert "in the general pools now" in after
    assert "What an award gives back later" in after
    assert "Nothing is left in the pools of this call." in second


def test_others_do_not_see_it_and_a_running_call_has_no_such_page(portal: Portal) -> None:
    places = stage.places(portal)
    past, running = (f"/calls/{places[key]}/leftovers" for key in ("call_past", "call_open"))

    for who in ("priya", "chen", "ruth", "pat"):
        client = portal.log_in(who)
        assert client.get(past).status_code == 403
        assert client.post(f"{past}/return").status_code in (303, 403)
    owen = portal.log_in("owen")
    assert owen.get(running).status_code == 403
    assert "Return what is left" in owen.get(past).text
