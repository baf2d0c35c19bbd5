"""Access requests: asked for in a proposal, decided by the custodian."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel.errors import Incomplete, Invalid, NotAllowed, NotFound
from allocations.kernel.outbox import EventRow
from allocations.people import roles
from allocations.people.roles import SYSTEM, Role
from allocations.programme import screening, writing
from allocations.programme.proposals import Proposal
from datasets import requests
from datasets.requests import AccessRequest, RequestState
from tests import cast as stage
from tests.cast import Cast

USES = {"climate": "To train.", "genomes": "To compare."}


def asked(cast: Cast, uses: dict[str, str] | None = None) -> tuple[Proposal, dict[str, AccessRequest]]:
    """A submitted proposal, its requests opened as the worker does it."""
    proposal = stage.with_team(cast, stage.draft(cast))
    requests.save(cast.session, cast.priya, proposal, USES if uses is None else uses)
    writing.submit(cast.session, cast.priya, proposal)
    cast.session.flush()
    requests.submit(cast.session, proposal.id)
    cast.session.flush()
    return proposal, {r.dataset.slug: r for r in requests.of_proposal(cast.session, proposal)}


def test_what_is_listed_becomes_what_the_proposal_asks_for(session: Session, cast: Cast) -> None:
    proposal = stage.draft(cast)
    requests.save(session, cast.priya, proposal, USES)
    session.flush()

    requests.save(session, cast.priya, proposal, {"genomes": "Something else."})
    session.flush()

    found = requests.of_proposal(session, proposal)
    assert [(r.dataset.slug, r.declared_use) for r in found] == [("genomes", "Something else.")]


def test_a_dataset_that_is_not_in_the_catalogue_names_the_field(session: Session, cast: Cast) -> None:
    with pytest.raises(Invalid) as refused:
        requests.save(session, cast.priya, stage.draft(cast), {"moon": "x"})

    assert list(refused.value.fields) == ["use_moon"]


def test_only_those_who_write_ask_and_only_while_they_write(session: Session, cast: Cast) -> None:
    proposal = stage.with_team(cast, stage.draft(cast))
    with pytest.raises(NotAllowed):
        requests.save(session, cast.uma, proposal, USES)
    writing.submit(session, cast.priya, proposal)
    with pytest.raises(NotAllowed):
        requests.save(session, cast.priya, proposal, USES)


def test_asking_is_a_change_of_the_proposal(session: Session, cast: Cast) -> None:
    proposal = stage.draft(cast)
    read = proposal.version
    requests.save(session, cast.priya, proposal, USES)
    session.flush()

    assert proposal.version > read


def test_every_dataset_needs_a_declared_use(session: Session, cast: Cast) -> None:
    proposal = stage.draft(cast)
    requests.save(session, cast.priya, proposal, {"climate": " ", "genomes": "x"})
    session.flush()

    assert list(requests.missing(requests.of_proposal(session, proposal))) == ["use_climate"]


def test_open_data_are_approved_by_rule_and_controlled_data_wait(session: Session, cast: Cast) -> None:
    _, found = asked(cast)

    assert found["climate"].state == RequestState.APPROVED
    assert found["genomes"].state == RequestState.PENDING
    heard = session.scalars(select(EventRow.payload).where(EventRow.type == "AccessRequested")).all()
    assert heard == [{"request_id": found["genomes"].id}]


def test_opening_the_requests_twice_changes_nothing(session: Session, cast: Cast) -> None:
    proposal, found = asked(cast)

    requests.submit(session, proposal.id)
    session.flush()

    assert found["genomes"].state == RequestState.PENDING
    assert len(session.scalars(select(EventRow).where(EventRow.type == "AccessRequested")).all()) == 1


def test_the_custodian_approves_or_refuses_with_a_reason(session: Session, cast: Cast) -> None:
    _, found = asked(cast)
    with pytest.raises(Incomplete):
        requests.refuse(session, cast.dana, found["genomes"], message=" ")

    requests.refuse(session, cast.dana, found["genomes"], message="Not for this.")

    assert (found["genomes"].state, found["genomes"].message) == (RequestState.REFUSED, "Not for this.")
    with pytest.raises(NotAllowed, match="not waiting for a decision"):
        requests.approve(session, cast.dana, found["genomes"])


@pytest.mark.parametrize("who", ["priya", "owen", "chen", "pat", "ada", "sam"])
def test_nobody_but_the_custodian_decides_or_sees_the_request(session: Session, cast: Cast, who: str) -> None:
    _, found = asked(cast)
    actor = getattr(cast, who)

    with pytest.raises(NotAllowed, match="Only the custodian"):
        requests.approve(session, actor, found["genomes"])
    with pytest.raises(NotFound):
        requests.get(session, actor, found["genomes"].ref)
    assert list(requests.page(session, actor)) == []


def test_a_custodian_does_not_decide_for_their_own_team(session: Session, cast: Cast) -> None:
    cast.genomes.custodian = cast.person(cast.carlos)
    _, found = asked(cast)

    with pytest.raises(NotAllowed, match="their own team"):
        requests.approve(session, cast.carlos, found["genomes"])


def test_the_custodian_sees_what_was_asked_and_no_drafts(session: Session, cast: Cast) -> None:
    _, found = asked(cast)
    draft = stage.draft(cast)
    requests.save(session, cast.priya, draft, USES)
    session.flush()
    (hidden, _) = requests.of_proposal(session, draft)

    assert list(requests.page(session, cast.dana)) == [found["genomes"], found["climate"]]
    assert requests.get(session, cast.dana, found["genomes"].ref) is found["genomes"]
    with pytest.raises(NotFound):
        requests.get(session, cast.dana, hidden.ref)


def returned(cast: Cast, decide) -> tuple[Proposal, AccessRequest]:
    """A proposal that came back for changes after the custodian had decided."""
    proposal, found = asked(cast, {"genomes": "To compare."})
    decide(cast.session, cast.dana, found["genomes"])
    screening.return_for_changes(cast.session, cast.owen, proposal, message="Say more.")
    cast.session.flush()
    return proposal, found["genomes"]


def test_an_approval_is_for_the_use_that_was_declared(session: Session, cast: Cast) -> None:
    proposal, request = returned(cast, requests.approve)

    requests.save(session, cast.priya, proposal, {"genomes": "To sell."})
    session.flush()
    assert request.state == RequestState.DRAFT
    requests.submit(session, proposal.id)

    assert request.state == RequestState.PENDING


def test_an_approval_stays_when_the_use_stays(session: Session, cast: Cast) -> None:
    proposal, request = returned(cast, requests.approve)

    requests.save(session, cast.priya, proposal, {"genomes": "To compare."})

    assert request.state == RequestState.APPROVED


def test_a_dataset_taken_out_of_a_returned_proposal_is_not_asked_for_any_more(
    session: Session, cast: Cast
) -> None:
    proposal, _ = returned(cast, requests.approve)

    requests.save(session, cast.priya, proposal, {})
    session.flush()

    assert list(requests.of_proposal(session, proposal)) == []


def test_a_refusal_is_not_shaken_off_by_asking_again(session: Session, cast: Cast) -> None:
    proposal, _request = returned(cast, lambda *given: requests.refuse(*given, message="No."))

    requests.save(session, cast.priya, proposal, {})
    requests.save(session, cast.priya, proposal, {"genomes": "Please."})
    session.flush()

    assert [r.state for r in requests.of_proposal(session, proposal)] == [RequestState.REFUSED]


def _committee(session: Session, cast: Cast) -> None:
    sam = cast.people["sam"]
    roles.grant(session, SYSTEM, sam, role=Role.DAC_MEMBER, scope_id=cast.genomes.id)
    session.flush()
    cast.refresh_roles()


def test_a_member_of_the_committee_sees_and_decides_like_the_custodian(session: Session, cast: Cast) -> None:
    _committee(session, cast)
    pending = asked(cast)[1]["genomes"]

    assert [found.ref for found in requests.page(session, cast.sam)] == [pending.ref]
    requests.approve(session, cast.sam, requests.get(session, cast.sam, pending.ref), message="Fine.")

    assert pending.state == RequestState.APPROVED


def test_a_committee_decides_about_its_own_datasets_only(session: Session, cast: Cast) -> None:
    roles.grant(session, SYSTEM, cast.people["sam"], role=Role.DAC_MEMBER, scope_id=cast.climate.id)
    session.flush()
    cast.refresh_roles()
    pending = asked(cast)[1]["genomes"]

    assert not requests.may_decide(cast.sam, pending)
    with pytest.raises(NotFound):
        requests.get(session, cast.sam, pending.ref)


@pytest.mark.parametrize("who", ["dana", "sam"])
def test_nobody_decides_for_their_own_institution(session: Session, cast: Cast, who: str) -> None:
    _committee(session, cast)
    pending = asked(cast)[1]["genomes"]
    cast.people[who].institution = cast.people["priya"].institution
    session.flush()
    cast.refresh_roles()

    with pytest.raises(NotAllowed, match="their own institution"):
        requests.approve(session, getattr(cast, who), pending)
