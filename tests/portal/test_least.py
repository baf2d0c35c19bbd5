"""The least that makes sense, on the pages: asked, shown, and warned about where an award is below it."""

import pytest

from allocations.kernel import units
from allocations.programme import substitutes
from tests.portal import stage, writers
from tests.portal.stage import Portal

MICRO = units.MICRO
ASKED = {"amount_a100": "50", "why_a100": "To train.", "starts_on": "2030-01-01", "months": "6"}


def address(portal: Portal) -> str:
    return f"/proposals/{stage.places(portal)['proposal_rivers']}"


def least(portal: Portal, key: str) -> int | None:
    with portal.sessions() as session:
        return stage.proposal(session, key).requests[0].minimum


def test_the_pi_says_it_beside_the_amount_and_reads_it_in_the_preview(portal: Portal) -> None:
    priya, here = portal.log_in("priya"), address(portal)
    with portal.sessions() as session:
        starts = stage.proposal(session, "rivers").call.closes_at.date().isoformat()
    saved = priya.post(f"{here}/resources", data={**ASKED, "starts_on": starts, "least_a100": "30.5"})

    assert saved.status_code == 303
    assert least(portal, "rivers") == 30_500_000
    assert 'value="30.5"' in priya.get(f"{here}/resources").text
    assert "at least 30.5" in priya.get(f"{here}/preview").text
    assert "at least 30.5" in priya.get(f"{here}/check").text


@pytest.mark.parametrize("typed", ["51", "0", "much", "-1", "0.0000001"])
def test_what_cannot_be_is_said_at_the_field(portal: Portal, typed: str) -> None:
    answer = portal.log_in("priya").post(f"{address(portal)}/resources", data={**ASKED, "least_a100": typed})

    assert answer.status_code == 422
    assert 'id="field-least_a100-error"' in answer.text
    assert f'value="{typed}"' in answer.text
    assert least(portal, "rivers") is None


def test_the_chair_is_warned_once_and_may_give_less(portal: Portal) -> None:
    chen, places = portal.log_in("chen"), stage.places(portal)
    with portal.sessions() as session, session.begin():
        request = stage.proposal(session, "imaging").requests[0]
        request.minimum, slug = request.requested // 2, request.resource.slug
        few = units.written(request.requested // 4)
    here = f"/proposals/{places['proposal_imaging']}/decide"
    data = {"outcome": "award", "summary": "Yes.", f"amount_{slug}": few}
    shown = chen.get(here).text
    warned = chen.post(here, data=data)
    again = chen.post(here, data={**data, "under": "yes"})

    assert "requested, at least" in shown
    assert "Less than the least" not in shown
    assert warned.status_code == 422
    assert 'id="field-under-error"' in warned.text
    assert "Tick this to award it all the same" in warned.text
    assert again.status_code == 303


def test_noting_an_amount_below_it_is_no_award_and_warns_of_nothing(portal: Portal) -> None:
    chen, places = portal.log_in("chen"), stage.places(portal)
    with portal.sessions() as session, session.begin():
        request = stage.proposal(session, "imaging").requests[0]
        request.minimum, slug = request.requested, request.resource.slug
    data = {"outcome": "recommend", f"amount_{slug}": "1"}

    assert chen.post(f"/proposals/{places['proposal_imaging']}/decide", data=data).status_code == 303


def test_what_may_stand_in_is_asked_kept_and_read(portal: Portal) -> None:
    priya, owen = portal.log_in("priya"), stage.actor
    with portal.sessions() as session, session.begin():
        hours = {"a100": 1000 * MICRO, "h100": 1000 * MICRO, "storage": 500 * MICRO}
        call = writers.published(
            session, owen(session, "owen"), title="Either", questions=(), pools=hours, most={}
        )
        ref, closes = call.ref, call.closes_at.date().isoformat()
    here = priya.post(f"/calls/{ref}/apply").location.rsplit("/", 1)[0]
    data = {"amount_h100": "100", "why_h100": "To train.", "starts_on": closes, "months": "6"}
    empty = priya.get(f"{here}/resources").text
    wrong = priya.post(f"{here}/resources", data={**data, "instead_h100_a100": "much"})
    saved = priya.post(f"{here}/resources", data={**data, "instead_h100_a100": "2.5"})
    again = priya.get(f"{here}/resources").text
    preview = priya.get(f"{here}/preview").text

    assert 'name="instead_h100_a100"' in empty
    assert 'name="instead_h100_storage"' not in empty
    assert wrong.status_code == 422
    assert 'id="field-instead_h100_a100-error"' in wrong.text
    assert "NVIDIA A100 80 GB for NVIDIA H100 80 GB: Enter a number" in wrong.text
    assert saved.status_code == 303
    assert 'value="2.5"' in again
    assert "or 2.5 of NVIDIA A100 80 GB for 1" in preview


def test_the_chair_gives_part_of_it_as_another_resource(portal: Portal) -> None:
    chen, places = portal.log_in("chen"), stage.places(portal)
    with portal.sessions() as session, session.begin():
        proposal = stage.proposal(session, "imaging")
        call, (request,) = proposal.call.ref, proposal.requests
        assert (request.resource.slug, request.requested) == ("a100", 3_000 * MICRO)
        substitutes.ask(request, {"h100": 400_000})
    ref = places["proposal_imaging"]
    pin = chen.get(f"/proposals/{ref}/pin").text
    data = {"outcome": "recommend", "amount_a100": "2000", "amount_h100": "400"}
    over = chen.post(f"/proposals/{ref}/decide", data={**data, "amount_h100": "401"})
    noted = chen.post(f"/proposals/{ref}/decide", data=data)
    shown = chen.get(f"/proposals/{ref}/decide").text
    waits = chen.get(f"/calls/{call}/decide-all").text

    assert 'name="amount_h100"' in pin
    assert over.status_code == 422
    assert "counted at its rate" in over.text
    assert noted.status_code == 303
    assert "400 of NVIDIA H100 80 GB in place of 1,000" in shown
    assert "400 of NVIDIA H100 80 GB in place of 1,000" in waits
