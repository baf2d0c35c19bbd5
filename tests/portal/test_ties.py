"""Lots among ties over HTTP: declared by the chair, public, and repeated by anybody."""

import json
from pathlib import Path

from sqlalchemy import select

from allocations.programme.proposals import Proposal
from allocations.programme.reviews import Review, ReviewState
from tests.portal import stage
from tests.portal.stage import Portal

SOURCE = "The lottery of Saturday"


def address(portal: Portal) -> str:
    return f"/calls/{stage.places(portal)['call_panel']}/tie"


def ticked(text: str) -> list[str]:
    """Values of the boxes that the page has ticked."""
    boxes = [part for part in text.split("<input") if 'name="tied"' in part]
    return [part.split('value="')[1].split('"')[0] for part in boxes if " checked" in part.split(">")[0]]


def test_the_chair_seals_declares_and_draws_and_anybody_repeats_it(portal: Portal, tmp_path: Path) -> None:
    here, chen = address(portal), portal.log_in("chen")
    sealed = chen.post(here, data={"what": "seal"})
    page = chen.get(here).text
    suggested = ticked(page)
    data = {"what": "declare", "tied": suggested, "places": "1", "source": SOURCE}
    declared = chen.post(here, data=data)
    drawn = chen.post(here, data={"what": "draw", "public": "3 14 15 92"})
    public = portal.app.test_client()
    text, record = public.get(here).text, public.get(f"{here}.json").json
    kept = tmp_path / "tie.json"
    kept.write_text(json.dumps(record))
    told = portal.app.test_cli_runner().invoke(args=["draw", "replay", str(kept)])
    assert record is not None
    record["record"]["winners"] = sorted(set(map(int, suggested)) - set(record["record"]["winners"]))[:1]
    kept.write_text(json.dumps(record))
    untrue = portal.app.test_cli_runner().invoke(args=["draw", "replay", str(kept)])

    assert len(suggested) >= 2
    assert (sealed.status_code, declared.status_code, drawn.status_code) == (303, 303, 303)
    assert "the record is sound" in text
    assert "Passed over" in text
    assert text.count("Wins") == 1
    assert "Panel Proposal" not in text  # neither titles nor names
    assert (told.exit_code, untrue.exit_code) == (0, 1)


def test_before_the_draw_the_secret_is_nowhere(portal: Portal) -> None:
    here = address(portal)
    portal.log_in("chen").post(here, data={"what": "seal"})
    public = portal.app.test_client()
    record = public.get(f"{here}.json").json

    assert record is not None
    assert record["commitment"]
    assert record["record"] is None
    assert "Published with the draw" in public.get(here).text


def test_what_is_wrong_is_said_at_its_field_and_kept(portal: Portal) -> None:
    here, chen = address(portal), portal.log_in("chen")
    chen.post(here, data={"what": "seal"})
    some = ticked(chen.get(here).text)
    data = {"what": "declare", "tied": some, "places": "99", "source": "Soon"}
    answer = chen.post(here, data=data)
    nothing = chen.post(here, data={"what": "roll"})

    assert answer.status_code == 422
    assert 'id="field-places-error"' in answer.text
    assert 'id="field-source-error"' in answer.text
    assert ticked(answer.text) == some
    assert nothing.status_code == 422


def test_others_only_read(portal: Portal) -> None:
    here = address(portal)
    before = portal.app.test_client().get(here).text
    for who in ("owen", "ruth", "priya"):
        client = portal.log_in(who)
        assert client.post(here, data={"what": "seal"}).status_code == 409
        assert "Seal a secret" not in client.get(here).text

    assert "No lots are drawn in this call" in before
    assert portal.app.test_client().get(f"{here}.json").status_code == 404


def test_while_the_call_is_open_the_page_says_what_it_is_for_and_from_when_on(portal: Portal) -> None:
    with portal.sessions() as session:
        call = stage.call(session, "open")
        here, closes = f"/calls/{call.ref}/tie", f"{call.closes_at:%-d %B %Y}"
    for client in (portal.app.test_client(), portal.log_in("chen")):
        text = client.get(here).text

        assert "reviews cannot tell" in text
        assert f"after the call has closed on {closes}" in text
        assert "Seal a secret" not in text


def test_sealing_is_offered_when_there_is_something_to_draw_and_not_before(portal: Portal) -> None:
    here, chen = address(portal), portal.log_in("chen")
    button = 'value="seal"'
    offered = chen.get(here).text
    with portal.sessions() as session, session.begin():
        found = select(Review).join(Proposal).where(Proposal.title == "Panel Proposal 0003")
        session.scalars(found).first().state = ReviewState.ACCEPTED  # type: ignore[union-attr]
    early = chen.get(here).text
    refused = chen.post(here, data={"what": "seal"})

    assert button in offered
    assert button not in early
    assert "1 review is still to come" in early
    assert refused.status_code == 409
