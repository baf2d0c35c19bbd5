"""Writing a proposal: start, save, submit, withdraw."""

import hashlib
import json
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts.projects import ProjectRole
from allocations.kernel import clock, units
from allocations.kernel.errors import Incomplete, Invalid, NotAllowed
from allocations.kernel.outbox import EventRow
from allocations.people.roles import VISITOR
from allocations.programme import proposals, screening, writing
from allocations.programme.proposals import Proposal, ResourceRequest, State
from allocations.programme.writing import Ask, Invitee, Summary, Wanted
from tests import cast as stage
from tests.cast import Cast

TEXT = Summary(title="New", abstract="A", fields_of_science=("Physics", "Biology"), keywords="k")


def events(session: Session) -> list[str]:
    session.flush()
    return list(session.scalars(select(EventRow.type).order_by(EventRow.id)))


def asks(**amounts: int) -> Wanted:
    wanted = tuple(Ask(slug, amount * units.MICRO, "Because.") for slug, amount in amounts.items())
    return Wanted(asks=wanted, starts_on=clock.today(), months=12)


def test_whoever_starts_a_proposal_is_its_pi(session: Session, cast: Cast) -> None:
    proposal = writing.start(session, cast.sam, cast.call)

    assert (proposal.state, proposal.pi.name, proposal.heading) == (State.DRAFT, "Sam", "Untitled proposal")


def test_a_visitor_has_to_log_in_first(session: Session, cast: Cast) -> None:
    with pytest.raises(NotAllowed, match="Log in"):
        writing.start(session, VISITOR, cast.call)


def test_a_draft_is_saved_incomplete(session: Session, cast: Cast) -> None:
    proposal = writing.start(session, cast.priya, cast.call)

    writing.save_text(session, cast.priya, proposal, TEXT)
    session.commit()
    session.expire_all()

    assert (proposal.title, proposal.fields_of_science) == ("New", ["Physics", "Biology"])


def test_a_co_pi_writes_but_does_not_submit(session: Session, cast: Cast) -> None:
    proposal = stage.with_team(cast, stage.draft(cast))

    writing.save_text(session, cast.carlos, proposal, TEXT)

    assert proposal.title == TEXT.title
    with pytest.raises(NotAllowed, match="Only the PI"):
        writing.submit(session, cast.carlos, proposal)


@pytest.mark.parametrize("who", ["uma", "owen", "chen", "sam"])
def test_only_the_pi_and_co_pis_write(session: Session, cast: Cast, who: str) -> None:
    proposal = stage.with_team(cast, stage.draft(cast))

    with pytest.raises(NotAllowed, match="Only the PI"):
        writing.save_text(session, getattr(cast, who), proposal, TEXT)


def test_a_submitted_proposal_does_not_change(session: Session, cast: Cast) -> None:
    proposal = stage.submitted(cast)

    with pytest.raises(NotAllowed, match="does not change"):
        writing.save_text(session, cast.priya, proposal, TEXT)


def test_the_resources_asked_for_become_what_was_sent_last(session: Session, cast: Cast) -> None:
    proposal = stage.draft(cast, asks={"h100": 10, "a100": 20})

    writing.save_resources(session, cast.priya, proposal, asks(a100=5, scratch=50))
    session.commit()
    session.expire_all()

    found = {request.resource.slug: request.requested for request in proposal.requests}
    assert found == {"a100": 5 * units.MICRO, "scratch": 50 * units.MICRO}
    assert session.query(ResourceRequest).count() == 2


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Wanted(asks=(), starts_on=None, months=25), "months"),
        (asks(v100=1), "amount_v100"),
        (asks(h100=0), "amount_h100"),
        (asks(h100=-1), "amount_h100"),
    ],
)
def test_a_wish_outside_the_call_names_the_field(
    session: Session, cast: Cast, wanted: Wanted, field: str
) -> None:
    proposal = stage.draft(cast)

    with pytest.raises(Invalid) as refused:
        writing.save_resources(session, cast.priya, proposal, wanted)

    assert list(refused.value.fields) == [field]


def test_only_new_addresses_are_invited(session: Session, cast: Cast) -> None:
    proposal = stage.with_team(cast, stage.draft(cast))
    before = events(session).count("TeamMemberInvited")
    people = [Invitee("CARLOS@example.edu", ProjectRole.USER), Invitee("new@example.edu", ProjectRole.USER)]

    writing.save_team(session, cast.priya, proposal, people)

    assert [(m.email, str(m.role), str(m.state)) for m in proposal.team] == [
        ("carlos@example.edu", "user", "accepted"),
        ("uma@example.edu", "user", "accepted"),
        ("new@example.edu", "user", "invited"),
    ]
    assert events(session).count("TeamMemberInvited") == before + 1


@pytest.mark.parametrize(
    ("email", "role", "field"),
    [
        ("nobody", ProjectRole.USER, "email_0"),
        ("a@b", ProjectRole.USER, "email_0"),
        ("a b@c.edu", ProjectRole.USER, "email_0"),
        ("a@b.edu, c@d.edu", ProjectRole.USER, "email_0"),
        ("a" * 250 + "@b.edu", ProjectRole.USER, "email_0"),
        ("Priya@Example.edu", ProjectRole.USER, "email_0"),
        ("a@b.edu", ProjectRole.PI, "role_0"),
    ],
)
def test_an_invitation_that_cannot_work_names_the_field(
    session: Session, cast: Cast, email: str, role: ProjectRole, field: str
) -> None:
    proposal = stage.draft(cast)

    with pytest.raises(Invalid) as refused:
        writing.save_team(session, cast.priya, proposal, [Invitee(email, role)])

    assert list(refused.value.fields) == [field]


def test_an_address_stands_on_the_team_once(session: Session, cast: Cast) -> None:
    twice = [Invitee("a@b.edu", ProjectRole.USER), Invitee("A@b.edu ", ProjectRole.CO_PI)]

    with pytest.raises(Invalid) as refused:
        writing.save_team(session, cast.priya, stage.draft(cast), twice)

    assert list(refused.value.fields) == ["email_1"]


def test_submitting_freezes_a_version_that_proves_itself(session: Session, cast: Cast) -> None:
    proposal = stage.with_team(cast, stage.draft(cast, asks={"h100": 12}))

    writing.submit(session, cast.priya, proposal, annex={"datasets": [{"dataset": "Genomes"}]})
    session.commit()
    session.expire_all()

    (version,) = proposals.versions(session, proposal)
    canonical = json.dumps(version.content, sort_keys=True, ensure_ascii=False).encode()
    assert version.digest == hashlib.sha256(canonical).hexdigest()
    assert version.content["resources"] == [
        {"resource": "H100 80 GB", "amount": "12", "unit": "GPU-hours", "why": "To train."}
    ]
    assert version.content["datasets"] == [{"dataset": "Genomes"}]
    assert (proposal.state, version.number) == (State.SUBMITTED, 1)
    assert events(session)[-2:] == ["ProposalSubmitted", "StepBegun"]


def test_an_empty_draft_says_everything_that_is_missing(session: Session, cast: Cast) -> None:
    proposal = writing.start(session, cast.priya, cast.call)

    with pytest.raises(Incomplete) as refused:
        writing.submit(session, cast.priya, proposal)

    assert set(refused.value.fields) == {
        *writing.REQUIRED,
        "resources",
        "starts_on",
        *(q.field for q in cast.call.questions),
    }
    assert proposal.state == State.DRAFT


def test_each_resource_needs_a_reason_and_the_start_must_not_have_passed(
    session: Session, cast: Cast
) -> None:
    proposal = stage.draft(cast)
    yesterday = clock.today() - timedelta(days=1)
    wanted = Wanted(asks=(Ask("h100", units.MICRO, " "),), starts_on=yesterday, months=3)
    writing.save_resources(session, cast.priya, proposal, wanted)

    with pytest.raises(Incomplete) as refused:
        writing.submit(session, cast.priya, proposal)

    assert set(refused.value.fields) == {"why_h100", "starts_on"}


def test_a_draft_cannot_be_submitted_after_the_call_has_closed(session: Session, cast: Cast) -> None:
    proposal = stage.draft(cast)

    with clock.at(cast.call.closes_at), pytest.raises(NotAllowed, match="The call closed on"):
        writing.submit(session, cast.priya, proposal)


def test_a_returned_proposal_comes_back_as_version_two_even_after_the_call_closed(
    session: Session, cast: Cast
) -> None:
    proposal = stage.submitted(cast)
    screening.return_for_changes(session, cast.owen, proposal, message="Say more.")
    with clock.at(cast.call.closes_at):
        cast.log_in_again()
        stage.answer(cast, proposal, "More.", "p", "d")
        later = Wanted(asks=(Ask("h100", units.MICRO, "x"),), starts_on=clock.today(), months=3)
        writing.save_resources(session, cast.priya, proposal, later)

        writing.submit(session, cast.priya, proposal)

    newest, first = proposals.versions(session, proposal)
    said = [version.content["answers"][0]["text"] for version in (newest, first)]
    assert (newest.number, said) == (2, ["More.", "Great."])


def test_submitting_twice_is_refused(session: Session, cast: Cast) -> None:
    proposal = stage.submitted(cast)

    with pytest.raises(NotAllowed, match="submitted already"):
        writing.submit(session, cast.priya, proposal)


@pytest.mark.parametrize("to", [stage.draft, stage.submitted, stage.in_review])
def test_the_pi_withdraws_until_the_decision(session: Session, cast: Cast, to) -> None:
    proposal: Proposal = to(cast)

    writing.withdraw(session, cast.priya, proposal, reason="Other plans.")

    assert proposal.state == State.WITHDRAWN


def test_a_decided_proposal_is_not_withdrawn(session: Session, cast: Cast) -> None:
    stage.awarded(cast)
    proposal = session.scalars(select(Proposal)).one()

    with pytest.raises(NotAllowed, match="decided or withdrawn"):
        writing.withdraw(session, cast.priya, proposal)


def test_a_new_draft_asks_for_no_longer_than_its_call_grants(session: Session, cast: Cast) -> None:
    assert writing.start(session, cast.priya, stage.open_call(cast, max_months=6)).months == 6
