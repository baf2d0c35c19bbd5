"""The split over HTTP: computed by the worker, changed by hand with a reason, taken over, decided."""

import pytest
from sqlalchemy import select

from allocations.kernel import clock, units
from allocations.programme.calls import Decider
from allocations.programme.proposals import Proposal, State
from allocations.programme.runs import Run, RunKind
from portal import worker
from tests import panel
from tests.guards.statements import listened
from tests.portal import stage
from tests.portal.stage import Portal

TERMS = {"promises": "100, 90, 80, 70", "minimum": "50", "set_aside": "0", "cap": "100"}


def compute(portal: Portal) -> None:
    while portal.worker().compute():
        pass


def crowded(portal: Portal, many: int, *, word: str = "") -> str:
    """The open call's address, with `many` proposals more before its panel."""
    with portal.sessions() as session, session.begin():
        call = stage.call(session, "open")
        panel.crowd(session, call, many, word=word)
        return f"/calls/{call.ref}"


def test_the_page_tells_who_gets_how_much_and_why(portal: Portal) -> None:
    address, chen = crowded(portal, 6), portal.log_in("chen")
    before = chen.get(f"{address}/split").text
    asked = chen.post(f"{address}/split", data=TERMS)
    waiting = chen.get(f"{address}/split").text
    worker.once(portal.worker())

    after = chen.get(f"{address}/split").text

    assert "Use of the pools" not in before
    assert asked.status_code == 303
    assert "Being computed" in waiting
    assert after.count("Funded in full.") >= 6
    assert "a second calculation has checked all that" in after
    assert "plain means" in after
    words = after.lower()
    assert [
        jargon for jargon in (" band", "solver", "worth of one", "promised share") if jargon in words
    ] == []


def test_the_pools_are_drawn_and_reserves_say_what_came_back(portal: Portal) -> None:
    address, owen = crowded(portal, 6), portal.log_in("owen")
    with portal.sessions() as session, session.begin():
        stage.call(session, "open").high_risk_percent = 10
    owen.post(f"{address}/split", data=TERMS)
    compute(portal)

    text = owen.get(f"{address}/split").text

    assert "What is handed out of each pool." in text
    assert "Back to everybody" in text
    assert "High-risk reserve" in text


def test_amounts_set_by_hand_need_a_reason_and_show_what_they_displace(portal: Portal) -> None:
    places, chen = stage.places(portal), portal.log_in("chen")
    pin = f"/proposals/{places['proposal_first']}/pin"
    refused = chen.post(pin, data={"amount_h100": "10", "reason": " "})
    done = chen.post(pin, data={"amount_h100": "10", "reason": "They have hours elsewhere."})
    compute(portal)

    shown = chen.get(f"/calls/{places['call_panel']}/split").text

    assert refused.status_code == 422
    assert 'id="field-reason-error"' in refused.text
    assert 'value="10"' in refused.text
    assert done.status_code == 303
    assert "What the last change by hand displaces" in shown
    assert "They have hours elsewhere." in shown
    assert "A pilot." in shown
    assert "The chair set this amount" in shown


def test_the_office_splits_and_only_the_chair_changes_or_takes_over(portal: Portal) -> None:
    places, owen = stage.places(portal), portal.log_in("owen")
    address = f"/calls/{places['call_panel']}"

    assert owen.get(f"{address}/split").status_code == 200
    assert owen.post(f"{address}/split", data=TERMS).status_code == 303
    assert owen.post(f"{address}/split/take-over", data={"run": places["run_split"]}).status_code == 303
    assert "Only the panel chair decides" in owen.get("/about").text
    assert owen.get(f"{address}/decide-all").status_code == 403
    pin = f"/proposals/{places['proposal_first']}/pin"
    assert owen.post(pin, data={"amount_h100": "1", "reason": "Mine."}).status_code == 409
    for who in ("ruth", "priya", "sam"):
        assert portal.log_in(who).get(f"{address}/split").status_code == 403


def test_an_officer_takes_over_where_the_call_says_so(portal: Portal) -> None:
    places = stage.places(portal)
    with portal.sessions() as session, session.begin():
        stage.call(session, "panel").decided_by = Decider.OFFICER
    address = f"/calls/{places['call_panel']}"
    owen = portal.log_in("owen")
    owen.post(f"{address}/split/take-over", data={"run": places["run_split"]})

    assert "have their recommended amounts now" in owen.get(f"{address}/split").text
    assert portal.log_in("chen").get(f"{address}/split").status_code == 403


def test_taken_over_then_all_decided(portal: Portal) -> None:
    places, chen = stage.places(portal), portal.log_in("chen")
    address = f"/calls/{places['call_panel']}"
    chen.post(f"{address}/split/take-over", data={"run": places["run_split"]})
    told = chen.get(f"{address}/split").text
    listed = chen.get(f"{address}/decide-all").text
    chen.post(f"{address}/decide-all", data={"summary": "{title}: {outcome}. {explanation}"})
    after = chen.get(f"{address}/decide-all").text
    portal.deliver()

    # Two of the eleven were noted by hand.
    assert "9 proposals have their recommended amounts now" in told
    assert "to be awarded" in listed
    assert "awarded, " in after
    assert "No proposal with recommended amounts waits" in after
    with portal.sessions() as session:
        states = {
            one.state for one in session.scalars(select(Proposal).where(Proposal.title.startswith("Panel ")))
        }
    assert states == {State.AWARDED, State.DECLINED}


def test_what_has_changed_meanwhile_is_left_and_named(portal: Portal) -> None:
    places, chen = stage.places(portal), portal.log_in("chen")
    ref = places["proposal_first"]
    chen.post(f"/proposals/{ref}/decide", data={"outcome": "recommend", "amount_h100": "77"})
    address = f"/calls/{places['call_panel']}"
    chen.post(f"{address}/split/take-over", data={"run": places["run_split"]})

    text = chen.get(f"{address}/split").text

    assert "8 proposals have their recommended amounts now" in text
    assert "Left as noted: " in text
    assert f"{ref}: 77 GPU-hours of NVIDIA H100 80 GB (split: 100)" in text
    with portal.sessions() as session:
        first = session.scalars(select(Proposal).where(Proposal.title == "Panel Proposal 0000")).one()
        assert first.requests[0].recommended == 77 * units.MICRO


def boxes(text: str) -> list[str]:
    """Values of the lines that could be replaced, none of them ticked."""
    found = [part.split(">")[0] for part in text.split("<input") if 'name="replace"' in part]
    assert not [box for box in found if "checked" in box]
    return [box.split('value="')[1].split('"')[0] for box in found]


def test_noted_amounts_are_shown_beside_the_splits_and_replaced_only_when_ticked(portal: Portal) -> None:
    places, chen = stage.places(portal), portal.log_in("chen")
    address = f"/calls/{places['call_panel']}"
    noted = "eft as noted: 40 GPU-hours of NVIDIA H100 80 GB (split: 100)"
    before = chen.get(f"{address}/split").text
    office = portal.log_in("owen").get(f"{address}/split").text
    data = {"run": places["run_split"], "replace": boxes(before)}
    chen.post(f"{address}/split/take-over", data=data)
    after = chen.get(f"{address}/split").text
    again = chen.post(f"{address}/split/take-over", data=data, follow_redirects=True).text

    assert noted in before
    assert noted in office
    assert boxes(before)
    assert not boxes(office)
    assert "11 proposals have their recommended amounts now" in after
    assert "eft as noted" not in after
    assert "taken over already" in again
    with portal.sessions() as session:
        third = session.scalars(select(Proposal).where(Proposal.title == "Panel Proposal 0002")).one()
        assert third.requests[0].recommended != 40 * units.MICRO


@pytest.mark.parametrize("run", ["", "RUN26-9999", "RUN26-0001", "x" * 4000])
def test_what_is_no_split_of_the_call_is_not_taken_over(portal: Portal, run: str) -> None:
    """The first run of the stage is a calibration."""
    places = stage.places(portal)
    address = f"/calls/{places['call_panel']}/split/take-over"
    year = f"{clock.today():%y}"
    answer = portal.log_in("chen").post(address, data={"run": run.replace("26", year)})

    assert answer.status_code == 404


def test_a_result_that_is_out_of_date_says_so(portal: Portal) -> None:
    places, chen = stage.places(portal), portal.log_in("chen")
    address = f"/calls/{places['call_panel']}"
    fresh = chen.get(f"{address}/split").text
    data = {"outcome": "decline", "summary": "No."}
    assert chen.post(f"/proposals/{places['proposal_first']}/decide", data=data).status_code == 303
    stale = chen.get(f"{address}/split").text
    with portal.sessions() as session, session.begin():
        gone = session.scalars(select(Proposal).where(Proposal.title == "Panel Proposal 0003")).one()
        gone.state = State.WITHDRAWN
    other = chen.get(f"{address}/split").text

    assert "Out of date" not in fresh
    assert "changed what there is to split" in stale
    assert "The list of proposals has changed" in other


def test_a_chair_with_a_conflict_finds_no_trace(portal: Portal) -> None:
    places = stage.places(portal)
    address, ref = f"/calls/{places['call_panel']}", places["proposal_pinned"]
    with portal.sessions() as session, session.begin():
        found = session.scalars(select(Proposal).where(Proposal.title == "Panel Proposal 0001")).one()
        panel.bar(session, stage.person(session, "chen").id, found)
        assert found.ref == ref
    assert portal.log_in("owen").post(f"{address}/split", data=TERMS).status_code == 303
    compute(portal)
    chen = portal.log_in("chen")
    seen = [chen.get(f"{address}/{end}").text for end in ("split", "panel", "panel.csv", "decide-all")]
    whole = portal.log_in("owen").get(f"{address}/split").text

    assert ref in whole
    assert "A pilot." in whole
    assert "10 in all" in seen[0]
    assert [text for text in seen if ref in text or "Panel Proposal 0001" in text or "pilot" in text] == []
    assert chen.get(f"/proposals/{ref}/pin").status_code == 404
    assert chen.post(f"/proposals/{ref}/unpin").status_code == 404


def test_nothing_to_split_is_refused_in_words(portal: Portal) -> None:
    with portal.sessions() as session:
        address = f"/calls/{stage.call(session, 'starter').ref}/split"
    # The starter call's rule leaves to the office what it cannot decide.
    answer = portal.log_in("owen").post(address, data=TERMS)

    assert answer.status_code == 409
    assert "No proposal with a submitted review waits" in answer.text


def test_statements_do_not_grow_with_the_split(portal: Portal) -> None:
    costs: dict[str, list[int]] = {"split": [], "decide-all": []}
    for many in (3, 297):
        address = crowded(portal, many, word=f"Of {many} ")
        portal.log_in("owen").post(f"{address}/split", data=TERMS)
        compute(portal)
        chen = portal.log_in("chen")
        with portal.sessions() as session:
            found = select(Run).where(Run.kind == RunKind.SPLIT).order_by(Run.id.desc()).limit(1)
            run = session.scalars(found).one()
        if many == 297:
            assert chen.post(f"{address}/split/take-over", data={"run": run.ref}).status_code == 303
        for end, heard_of in costs.items():
            with listened(portal.engine) as heard:
                assert chen.get(f"{address}/{end}").status_code == 200
            heard_of.append(len(heard))

    assert max(costs["split"]) <= 12
    assert max(costs["decide-all"]) <= 12
    assert costs["split"][0] == costs["split"][1]
