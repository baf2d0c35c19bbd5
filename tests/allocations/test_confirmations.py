"""Confirmations: asked by the person, answered by the representative of that institution and nobody else."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from allocations.kernel import clock
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid, NotAllowed, NotFound
from allocations.kernel.outbox import EventRow
from allocations.people import confirmations, eligibility, roles
from allocations.people.confirmations import Confirmation, ConfirmationState, Finding
from allocations.people.institutions import Institution, by_name
from allocations.people.persons import Place, latest_identity
from allocations.people.roles import SYSTEM, VISITOR, Actor, Role, actor_of
from tests.cast import Cast

DAY = timedelta(days=1)
YEAR = 365 * DAY


def college(session: Session, name: str = "Somewhere Else") -> Institution:
    found = by_name(session, name)
    assert found is not None
    return found


@pytest.fixture
def sam(session: Session, cast: Cast) -> Actor:
    """Of an institution whose log-in says nothing."""
    identity = latest_identity(session, cast.person(cast.sam))
    assert identity is not None
    identity.affiliations, identity.affiliated_at = [], None
    session.flush()
    return again(cast)


@pytest.fixture
def pat(session: Session, cast: Cast) -> Actor:
    """Represents Sam's institution."""
    return representing(cast, "pat", college(session))


def representing(cast: Cast, who: str, institution: Institution) -> Actor:
    scope = {"role": Role.REPRESENTATIVE, "scope_id": institution.id}
    roles.grant(cast.session, SYSTEM, cast.people[who], **scope)  # type: ignore[arg-type]
    cast.session.flush()
    return actor_of(cast.session, cast.people[who])


def again(cast: Cast) -> Actor:
    return actor_of(cast.session, cast.people["sam"])


def asked(session: Session, actor: Actor, institution: Institution | None = None) -> Confirmation:
    note = "Department of physics; ask Professor Berg."
    return confirmations.ask(session, actor, institution or college(session), note=note)


def in_days(days: int) -> date:
    return clock.today() + days * DAY


def finding(place: Place = Place.RESEARCHER, days: int = 100) -> Finding:
    return Finding(place, in_days(days))


def events(session: Session, kind: str) -> int:
    session.flush()
    query = select(func.count()).select_from(EventRow).where(EventRow.type == kind)
    return session.scalar(query) or 0


def test_somebody_of_whom_nothing_is_said_asks_and_is_confirmed(
    session: Session, cast: Cast, sam: Actor, pat: Actor
) -> None:
    before = eligibility.may_be_pi(sam)
    question = asked(session, sam)
    meanwhile = eligibility.may_be_pi(again(cast))

    confirmations.confirm(session, pat, question, finding(), message="Welcome.")

    assert not before
    assert not meanwhile
    assert eligibility.may_be_pi(again(cast))
    assert (question.state, question.place, question.message) == ("confirmed", "researcher", "Welcome.")
    assert events(session, "ConfirmationAsked") == events(session, "ConfirmationAnswered") == 1


def test_a_student_who_is_confirmed_still_needs_a_sponsor(
    session: Session, cast: Cast, sam: Actor, pat: Actor
) -> None:
    confirmations.confirm(session, pat, asked(session, sam), finding(Place.STUDENT))

    assert "Students work in the project" in eligibility.may_be_pi(again(cast)).reason
    assert "need a sponsor" in eligibility.may_use(again(cast)).reason


def test_somebody_of_no_institution_belongs_to_the_one_that_confirms_them(
    session: Session, cast: Cast, pat: Actor
) -> None:
    person = cast.person(cast.sam)
    person.institution = None
    session.flush()

    confirmations.confirm(session, pat, asked(session, again(cast)), finding())

    assert person.institution is college(session)
    assert eligibility.may_be_pi(again(cast))


def test_a_refusal_says_why_and_changes_nothing(session: Session, cast: Cast, sam: Actor, pat: Actor) -> None:
    question = asked(session, sam)

    confirmations.refuse(session, pat, question, message="We do not know them.")

    assert (question.state, question.message) == ("refused", "We do not know them.")
    assert not eligibility.may_be_pi(again(cast))
    assert events(session, "ConfirmationAnswered") == 1


@pytest.mark.parametrize("message", ["", "  \n"])
def test_a_refusal_without_words_is_sent_back(
    session: Session, cast: Cast, sam: Actor, pat: Actor, message: str
) -> None:
    question = asked(session, sam)

    with pytest.raises(Incomplete, match="Write why"):
        confirmations.refuse(session, pat, question, message=message)

    assert question.state == "asked"


def test_a_question_needs_words(session: Session, cast: Cast, sam: Actor) -> None:
    with pytest.raises(Incomplete, match="Say who you are"):
        confirmations.ask(session, sam, college(session), note=" ")


def test_a_question_is_taken_back_and_another_one_asked(session: Session, cast: Cast, sam: Actor) -> None:
    first = asked(session, sam)
    confirmations.withdraw(session, sam, first)
    session.flush()

    second = asked(session, sam)

    assert (first.state, second.state) == ("withdrawn", "asked")
    assert confirmations.latest(session, sam) is second


def test_nobody_else_takes_a_question_back(session: Session, cast: Cast, sam: Actor, pat: Actor) -> None:
    question = asked(session, sam)

    for actor in (pat, cast.ada, VISITOR):
        with pytest.raises(NotAllowed, match="Only the person who asked"):
            confirmations.withdraw(session, actor, question)


@pytest.mark.parametrize("first", ["confirm", "refuse", "withdraw"])
@pytest.mark.parametrize("second", ["confirm", "refuse", "withdraw"])
def test_a_question_is_answered_once(
    session: Session, cast: Cast, sam: Actor, pat: Actor, first: str, second: str
) -> None:
    question = asked(session, sam)
    verbs = {
        "confirm": lambda: confirmations.confirm(session, pat, question, finding()),
        "refuse": lambda: confirmations.refuse(session, pat, question, message="No."),
        "withdraw": lambda: confirmations.withdraw(session, sam, question),
    }
    verbs[first]()
    session.flush()

    with pytest.raises((NotAllowed, IllegalMove), match=r"answered|already"):
        verbs[second]()


def test_there_is_one_open_question(session: Session, cast: Cast, sam: Actor) -> None:
    asked(session, sam)

    with pytest.raises(IllegalMove, match="has not answered yet"):
        asked(session, sam)


def test_the_database_holds_one_open_question_as_well(
    session: Session, sessions: sessionmaker[Session], cast: Cast, sam: Actor
) -> None:
    """Two tabs at the same moment: neither has seen the other's."""
    person, home = sam.person_id, college(session).id
    session.commit()
    with sessions() as other:
        values = {"person_id": person, "institution_id": home, "note": "x", "created_at": clock.now()}
        rows = [{**values, "state": "asked", "state_since": clock.now(), "version": 1} for _ in range(2)]
        insert = Confirmation.__table__.insert()  # type: ignore[attr-defined]
        texts = [{**row, "message": ""} for row in rows]
        other.execute(insert, texts[:1])
        with pytest.raises(IntegrityError, match="confirmation"):
            other.execute(insert, texts[1:])


@pytest.mark.parametrize("who", ["sam", "priya", "owen", "ada", "dana", "ruth"])
def test_only_the_representative_answers(
    session: Session, cast: Cast, sam: Actor, pat: Actor, who: str
) -> None:
    question, actor = asked(session, sam), getattr(cast, who)

    with pytest.raises(NotAllowed, match="Only a representative"):
        confirmations.confirm(session, actor, question, finding())
    with pytest.raises(NotAllowed, match="Only a representative"):
        confirmations.refuse(session, actor, question, message="No.")


def test_the_representative_of_another_institution_does_not_answer(
    session: Session, cast: Cast, sam: Actor
) -> None:
    question = asked(session, sam)
    other = representing(cast, "dana", college(session, "Southern College"))

    with pytest.raises(NotAllowed, match="Only a representative"):
        confirmations.confirm(session, other, question, finding())


def test_a_representative_whose_time_is_over_does_not_answer(
    session: Session, cast: Cast, sam: Actor, pat: Actor
) -> None:
    question = asked(session, sam)
    held = select(roles.RoleGrant).where(roles.RoleGrant.role == Role.REPRESENTATIVE)
    session.scalars(held).one().until = clock.now() - DAY
    session.flush()
    former = actor_of(session, cast.people["pat"])

    assert not confirmations.may_answer(former, question)
    with pytest.raises(NotFound):
        confirmations.get(session, former, question.ref)


def test_nobody_confirms_themselves(session: Session, cast: Cast, sam: Actor) -> None:
    sam = representing(cast, "sam", college(session))
    question = asked(session, sam)

    with pytest.raises(NotAllowed, match="Nobody confirms themselves"):
        confirmations.confirm(session, sam, question, finding())
    with pytest.raises(NotAllowed, match="Nobody confirms themselves"):
        confirmations.refuse(session, sam, question, message="No.")


@pytest.mark.parametrize(
    ("days", "right"), [(-1, False), (0, True), (1, True), (365, True), (366, False), (4000, False)]
)
def test_a_confirmation_holds_from_today_to_a_year_at_most(
    session: Session, cast: Cast, sam: Actor, pat: Actor, days: int, right: bool
) -> None:
    question = asked(session, sam)

    if right:
        confirmations.confirm(session, pat, question, finding(days=days))
    else:
        with pytest.raises(Invalid, match="within a year"):
            confirmations.confirm(session, pat, question, finding(days=days))

    assert bool(eligibility.may_be_pi(again(cast))) is right
    assert question.state == ("confirmed" if right else "asked")


def test_a_confirmation_holds_to_the_end_of_its_last_day(
    session: Session, cast: Cast, sam: Actor, pat: Actor
) -> None:
    confirmations.confirm(session, pat, asked(session, sam), finding(days=10))
    until = cast.person(cast.sam).confirmed_until
    assert until is not None

    assert until.date() == in_days(10)
    with clock.at(until - timedelta(seconds=1)):
        assert eligibility.may_be_pi(again(cast))
    with clock.at(until):
        assert "ended on" in eligibility.may_be_pi(again(cast)).reason


def test_the_day_that_a_reason_names_is_the_last_one(
    session: Session, cast: Cast, sam: Actor, pat: Actor
) -> None:
    confirmations.confirm(session, pat, asked(session, sam), finding(days=10))

    with clock.at(clock.now() + 40 * DAY):
        reason = eligibility.may_be_pi(again(cast)).reason

    assert f"ended on {in_days(10):%-d %B %Y}" in reason


def test_somebody_of_another_institution_does_not_ask_this_one(
    session: Session, cast: Cast, sam: Actor
) -> None:
    with pytest.raises(Invalid, match="that of Somewhere Else"):
        asked(session, sam, college(session, "Southern College"))


def test_somebody_who_has_got_another_institution_meanwhile_is_not_moved(
    session: Session, cast: Cast, pat: Actor
) -> None:
    """Asked while nothing was known; then a log-in through another institution was linked."""
    person = cast.person(cast.sam)
    person.institution = None
    session.flush()
    question = asked(session, again(cast))
    person.institution = college(session, "Southern College")
    session.flush()

    with pytest.raises(IllegalMove, match="Southern College"):
        confirmations.confirm(session, pat, question, finding())

    assert person.institution.name == "Southern College"
    assert question.state == ConfirmationState.ASKED


def test_an_institution_that_takes_no_part_is_not_asked(session: Session, cast: Cast, sam: Actor) -> None:
    college(session).suspended_at = clock.now()

    with pytest.raises(Invalid, match="does not take part"):
        asked(session, sam)


def test_a_question_is_seen_by_its_person_and_the_representative_alone(
    session: Session, cast: Cast, sam: Actor, pat: Actor
) -> None:
    question = asked(session, sam)
    elsewhere = representing(cast, "dana", college(session, "Southern College"))

    assert confirmations.get(session, sam, question.ref) is question
    assert confirmations.get(session, pat, question.ref) is question
    for actor in (cast.priya, cast.owen, cast.ada, elsewhere, VISITOR):
        with pytest.raises(NotFound):
            confirmations.get(session, actor, question.ref)
        assert confirmations.page(session, actor) == []


def test_a_representative_reads_a_list_of_their_institution(
    session: Session, cast: Cast, sam: Actor, pat: Actor
) -> None:
    first = asked(session, sam)
    confirmations.refuse(session, pat, first, message="No.")
    session.flush()
    second = asked(session, sam)

    assert confirmations.page(session, pat) == [second, first]
    assert confirmations.page(session, pat, before=second.id) == [first]
    assert confirmations.page(session, sam) == []


def test_a_visitor_asks_nothing(session: Session, cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        asked(session, VISITOR)
    with pytest.raises(NotAllowed):
        asked(session, replace(SYSTEM))
