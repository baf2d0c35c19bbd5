"""Bids on their pages: who is asked about what, what a browser sends, who reads it, who gets a letter."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select, update

from allocations.kernel import clock
from allocations.programme.bids import Bid, BidValue
from allocations.programme.calls import Call, Disclosure
from allocations.programme.conflicts import Conflict
from allocations.programme.proposals import Proposal, State
from portal.mail import Letter
from tests.guards.statements import listened
from tests.portal import stage
from tests.portal.stage import Portal
from tests.portal.test_digests import DAY, remind


@pytest.fixture
def ruth(portal: Portal) -> FlaskClient:
    return portal.log_in("ruth")


def address(portal: Portal, end: str = "/bids") -> str:
    return f"/calls/{stage.places(portal)['call_panel']}{end}"


def asked(text: str) -> list[str]:
    """Proposals on the page, in its order."""
    return re.findall(r'id="offer-(\d+)"', text)


def kept(portal: Portal) -> dict[int, BidValue]:
    with portal.sessions() as session:
        return {bid.proposal_id: bid.value for bid in session.scalars(select(Bid))}


def test_answers_of_a_page_are_kept_and_come_back_marked(portal: Portal, ruth: FlaskClient) -> None:
    here = address(portal)
    first, second, third, *_ = asked(ruth.get(here).text)

    sent = ruth.post(here, data={f"bid-{first}": "eager", f"bid-{second}": "unwilling", f"bid-{third}": ""})

    text = ruth.get(here).text
    assert sent.status_code == 303
    assert kept(portal) == {int(first): BidValue.EAGER, int(second): BidValue.UNWILLING}
    assert re.search(rf'name="bid-{first}" type="radio" value="eager" checked', text)
    assert re.search(rf'name="bid-{third}" type="radio" value="" checked', text)


def test_an_odd_answer_comes_back_at_its_field(portal: Portal, ruth: FlaskClient) -> None:
    first = asked(ruth.get(address(portal)).text)[0]

    answer = ruth.post(address(portal), data={f"bid-{first}": "keen"})

    assert (answer.status_code, f'id="field-bid-{first}-error"' in answer.text) == (422, True)
    assert kept(portal) == {}


def test_a_page_is_the_same_whether_something_is_closed_or_not_there(
    portal: Portal, ruth: FlaskClient
) -> None:
    """Compared to the last character: no number and no gap tells that there is more."""
    here = address(portal)
    hidden = int(asked(ruth.get(here).text)[3])
    with portal.sessions() as session, session.begin():
        ref = session.get_one(Proposal, hidden).ref
        ruths = stage.person(session, "ruth").id
        session.add(Conflict(person_id=ruths, proposal_id=hidden, reason="x"))
    closed = [ruth.get(path).text for path in (here, "/reviews", "/home")]
    conflict = ruth.get(f"{here}/{ref}/conflict").status_code
    with portal.sessions() as session, session.begin():
        gone = update(Proposal).where(Proposal.id == hidden)
        session.execute(gone.values(state=State.WITHDRAWN))

    absent = [ruth.get(path).text for path in (here, "/reviews", "/home")]

    assert closed == absent
    assert (conflict, ref in closed[0]) == (404, False)
    ruth.post(here, data={f"bid-{hidden}": "eager"})
    assert kept(portal) == {}


def test_a_declared_conflict_takes_the_proposal_off_the_page(portal: Portal, ruth: FlaskClient) -> None:
    here, ref = address(portal), stage.places(portal)["proposal_first"]
    empty = ruth.post(f"{here}/{ref}/conflict", data={"reason": " "})
    done = ruth.post(f"{here}/{ref}/conflict", data={"reason": "My student."}, follow_redirects=True)

    assert (empty.status_code, ref in done.text) == (422, False)
    assert "It is noted" in done.text


def test_names_are_hidden_in_a_double_blind_call(portal: Portal, ruth: FlaskClient) -> None:
    here = address(portal)
    before = ruth.get(here).text
    with portal.sessions() as session, session.begin():
        stage.call(session, "panel").disclosure = Disclosure.DOUBLE_BLIND

    assert ("Panel Author" in before, "Panel Author" in ruth.get(here).text) == (True, False)


def test_after_the_close_only_ones_own_answers_are_left(portal: Portal, ruth: FlaskClient) -> None:
    here, owen = address(portal), portal.log_in("owen")
    first = asked(ruth.get(here).text)[0]
    ruth.post(here, data={f"bid-{first}": "willing"})

    owen.post(f"{address(portal, '/assignment/bids')}/close")

    text = ruth.get(here).text
    assert (asked(text), "Yes, if it is needed" in text, "<button" in text.split("<h1")[1]) == (
        [first],
        True,
        False,
    )
    late = ruth.post(here, data={f"bid-{first}": "eager"})
    assert (late.status_code, kept(portal)) == (409, {int(first): BidValue.WILLING})
    assert ruth.get(f"{here}/{stage.places(portal)['proposal_first']}/conflict").status_code == 403


@pytest.mark.parametrize("who", ["priya", "owen", "chen", "sam"])
def test_nobody_else_reads_or_makes_them(portal: Portal, who: str) -> None:
    assert portal.log_in(who).get(address(portal)).status_code == 403


def test_an_administrator_who_views_as_a_reviewer_does_not_read_them(portal: Portal) -> None:
    ada, ref = portal.log_in("ada"), stage.places(portal)["psn_ruth"]
    ada.post(f"/people/{ref}/view", data={"reason": "To help with the page."})

    assert ada.get(address(portal)).status_code == 403


def test_the_office_asks_counts_and_sees_the_wish_where_it_assigns(portal: Portal, ruth: FlaskClient) -> None:
    first = asked(ruth.get(address(portal)).text)[0]
    ruth.post(address(portal), data={f"bid-{first}": "eager"})
    owen, here = portal.log_in("owen"), address(portal, "/assignment/bids")
    with portal.sessions() as session:
        ref = session.get_one(Proposal, int(first)).ref

    past = owen.post(here, data={"bids_until": "2020-01-01T09:00"})

    assert (past.status_code, 'id="field-bids_until-error"' in past.text) == (422, True)
    assert re.search(r"Ruth Adeyemi.*?>1</td>", owen.get(here).text, re.DOTALL)
    assert "Asked for it" in owen.get(f"/proposals/{ref}/reviewers").text
    assert here in owen.get(here.removesuffix("/bids")).text


def test_opening_writes_to_those_who_have_a_choice(portal: Portal) -> None:
    with portal.sessions() as session, session.begin():
        session.execute(update(Call).values(bids_until=None))
    owen = portal.log_in("owen")
    with portal.sessions() as session:
        count = select(Letter.recipient).where(Letter.subject == "What would you like to review?")
        before = len(session.scalars(count).all())
        home = stage.person(session, "rosa")
        home_id = home.id
    with portal.sessions() as session, session.begin():
        stage.person(session, "rosa").institution = None

    owen.post(address(portal, "/assignment/bids"), data={"bids_until": "2090-01-01T09:00"})
    portal.deliver()

    with portal.sessions() as session:
        written = session.scalars(count.order_by(Letter.id)).all()[before:]
        rosa = session.get_one(type(home), home_id).email
    assert "ruth@commons.example" in written
    assert rosa not in written
    assert len(written) == len(set(written))


def test_two_thousand_proposals_cost_eight_statements_a_page(portal: Portal, ruth: FlaskClient) -> None:
    with portal.sessions() as session, session.begin():
        call = stage.call(session, "panel")
        pi = session.scalars(select(Proposal.pi_id).where(Proposal.call_id == call.id).limit(1)).one()
        row = {"call_id": call.id, "pi_id": pi, "title": "Many", "abstract": "", "keywords": ""}
        row |= {"fields_of_science": [], "high_risk": False, "hides_abstract": False, "months": 6}
        row |= {"state": State.IN_REVIEW, "message": "", "version": 1}
        row |= {"created_at": clock.now(), "state_since": clock.now()}
        session.execute(insert(Proposal), [row] * 2000)
        many = session.scalar(
            select(func.count()).where(Proposal.call_id == call.id, Proposal.state == State.IN_REVIEW)
        )
    here, found = address(portal), list[str]()
    with listened(portal.engine) as heard:
        found += asked(ruth.get(here).text)
    while page := asked(ruth.get(f"{here}?after={found[-1]}").text):
        found += page

    assert len(heard) <= 8
    # With one of them Ruth has declared a conflict.
    assert len(found) == len(set(found)) == (many or 0) - 1


def test_what_comes_later_is_in_the_letter_of_the_day_of_those_who_were_asked(portal: Portal) -> None:
    noon = clock.now().replace(hour=12)
    with portal.sessions() as session, session.begin():
        ruth, call = stage.person(session, "ruth").id, stage.call(session, "panel")
        everything = session.scalars(select(Proposal).where(Proposal.call_id == call.id)).all()
        later, *_, barred = everything
        later.state = barred.state = State.SUBMITTED
        session.add(Conflict(person_id=ruth, proposal_id=barred.id, reason="A friend."))
        for one in everything[1:-1]:
            session.add(Bid(person_id=ruth, proposal_id=one.id, value=BidValue.WILLING))
    with clock.at(noon):
        remind(portal)
    with clock.at(noon + DAY):
        before = remind(portal).get("ruth", "")
    with portal.sessions() as session, session.begin():
        for one in session.scalars(select(Proposal).where(Proposal.id.in_([later.id, barred.id]))):
            one.state = State.IN_REVIEW
    with clock.at(noon + 2 * DAY):
        after = remind(portal)["ruth"]

    assert "Proposals that you may ask for" not in before
    assert "* Proposals that you may ask for: 1" in after
