"""The same button twice, in two tabs or by two people: one wins, the other reads why."""

from collections import Counter

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from allocations.accounts import ledger
from allocations.accounts.awards import Allocation
from allocations.accounts.ledger import Entry, Movement
from allocations.accounts.reservations import Reservation
from allocations.programme.calls import Call
from allocations.programme.decisions import Decision
from allocations.programme.proposals import ProposalVersion, State
from allocations.programme.reviews import Review
from allocations.programme.talking import Message, Rebuttal
from k8s.notebooks import Notebook
from portal.mail import Letter
from tests.portal import stage
from tests.portal.filling import FormPage, filled, send
from tests.portal.forms import FORMS
from tests.portal.stage import Portal
from tests.threads import at_once

# Writing these down twice is what people mean: drafts, new things, logging in.
REPEATABLE = {
    "answering.one",
    "auth.log_in",
    "auth.end_session",
    "auth.logout",
    "auth.welcome",
    "bids.ask",
    "bids.index",
    "opening.copy",
    "opening.new",
    "meetings.arrange",
    "meetings.convene",
    "notebooks.new",
    "projects.add_data",
    "registry.edit",
    "reviewers.seniority",
    "viewing.end",
    "provider.answer",
    "provider.device",
    "projects.sponsor",
    "writing.start",
}
ONCE = [page for page in FORMS if page.endpoint not in REPEATABLE]
COUNTED = (
    Allocation,
    Call,
    Decision,
    Entry,
    Letter,
    Message,
    Notebook,
    ProposalVersion,
    Rebuttal,
    Reservation,
    Review,
)


def _counts(portal: Portal) -> dict[str, int]:
    portal.deliver()
    with portal.sessions() as session:
        return {m.__name__: session.scalar(select(func.count()).select_from(m)) or 0 for m in COUNTED}


def _address(portal: Portal, page: FormPage) -> tuple[str, dict[str, str]]:
    places = stage.places(portal)
    places["review_id"] = str(int(places["review_rosa"].split("-")[1]))
    return page.address.format_map(places), places


@pytest.mark.parametrize("page", ONCE, ids=lambda page: page.endpoint)
def test_the_second_time_changes_nothing_and_says_so(portal: Portal, page: FormPage) -> None:
    address, places = _address(portal, page)
    client = portal.log_in(page.who)
    valid, _ = filled(page, client, places)

    first = send(client, address, valid)
    client.get("/about")
    after = _counts(portal)
    second = send(client, address, valid)
    told = client.get("/about").text if second.status_code == 303 else second.text

    assert first.status_code == page.done
    assert second.status_code in (303, 403, 404, 409)
    assert second.status_code != 303 or "usa-alert" in told or "version" in valid or page.page
    assert _counts(portal) == after


def test_a_notebook_started_in_two_tabs_is_reserved_for_each(portal: Portal) -> None:
    """Two notebooks are allowed; what must not happen is a reservation without one, or one without units."""
    uma, places = portal.log_in("uma"), stage.places(portal)
    page = next(form for form in FORMS if form.endpoint == "notebooks.new")
    valid, _ = filled(page, uma, places)

    codes = at_once(
        2, lambda _: send(_again(portal, "uma"), page.address.format_map(places), valid).status_code
    )

    assert codes == [303, 303]
    with portal.sessions() as session:
        assert ledger.recount(session) == {}
        started = session.scalar(select(func.count()).select_from(Notebook))
        assert session.scalar(select(func.count()).select_from(Reservation)) == started


def _again(portal: Portal, who: str) -> FlaskClient:
    return portal.log_in(who)


def test_two_chairs_award_at_once_and_one_wins(portal_on_engine: Portal) -> None:
    places = stage.places(portal_on_engine)
    address = f"/proposals/{places['proposal_imaging']}/decide"
    tabs = [portal_on_engine.log_in("chen") for _ in range(4)]
    form = next(page for page in FORMS if page.endpoint == "panel.decide")
    valid, _ = filled(form, tabs[0], places)
    before = _free(portal_on_engine)

    answers = at_once(4, lambda n: send(tabs[n], address, valid))

    codes = Counter(getattr(answer, "status_code", answer) for answer in answers)
    assert codes == {303: 1, 409: 3}
    losers = [answer.text for answer in answers if answer.status_code == 409]
    assert all("error-summary" in text or "Somebody" in text for text in losers)
    with portal_on_engine.sessions() as session:
        proposal = stage.proposal(session, "imaging")
        assert proposal.state == State.AWARDED
        awarded = sum(request.awarded or 0 for request in proposal.requests)
        mine = select(func.count()).where(Decision.proposal_id == proposal.id)
        assert session.scalar(mine) == 1
        assert ledger.recount(session) == {}
    assert before - _free(portal_on_engine) == awarded


def _free(portal: Portal) -> int:
    """What the pools of the open call still hold, in all."""
    with portal.sessions() as session:
        owners = [ledger.pool(link.pool_id) for link in stage.call(session, "open").pools]
        held = ledger.balances(session, owners)
        return sum(balances.get(ledger.Purpose.FREE, 0) for balances in held.values())


def test_two_officers_screen_at_once_and_one_wins(portal_on_engine: Portal) -> None:
    places = stage.places(portal_on_engine)
    address = f"/proposals/{places['proposal_language']}/screen"
    tabs = [portal_on_engine.log_in("owen") for _ in range(4)]
    outcomes = ({"outcome": "forward"}, {"outcome": "return", "message": "Please say more."})

    answers = at_once(4, lambda n: tabs[n].post(address, data=outcomes[n % 2]))

    codes = Counter(getattr(answer, "status_code", answer) for answer in answers)
    assert codes[303] == 1, codes
    assert codes[409] == 3, codes
    portal_on_engine.deliver()
    with portal_on_engine.sessions() as session:
        assert _letters(session, stage.proposal(session, "language").ref) == 1


def _letters(session: Session, ref: str) -> int:
    """Letters to the PI about what screening decided."""
    about = Letter.subject.contains(ref) & ~Letter.subject.contains("submitted")
    mine = Letter.recipient == "priya@commons.example"
    return session.scalar(select(func.count()).where(about, mine)) or 0


def test_the_last_of_a_pool_goes_to_one_of_two_proposals(portal_on_engine: Portal) -> None:
    """Two chairs award two proposals that the pool cannot both pay."""
    with portal_on_engine.sessions() as session, session.begin():
        for key in ("imaging", "language"):
            found = stage.proposal(session, key)
            found.state = State.IN_REVIEW
            (request,) = found.requests
            request.requested = 15_000 * 10**6
    places = stage.places(portal_on_engine)
    tabs = [portal_on_engine.log_in("chen") for _ in range(2)]
    data = {"outcome": "award", "summary": "Yes.", "amount_a100": "15000"}
    refs = [places["proposal_imaging"], places["proposal_language"]]

    answers = at_once(2, lambda n: tabs[n].post(f"/proposals/{refs[n]}/decide", data=data))

    codes = sorted(getattr(answer, "status_code", 0) for answer in answers)
    assert codes[0] == 303
    assert codes[1] in (409, 422)
    assert _free(portal_on_engine) >= 0
    with portal_on_engine.sessions() as session:
        assert ledger.recount(session) == {}
        assert session.scalar(select(func.count()).where(Entry.movement == Movement.AWARD)) is not None
