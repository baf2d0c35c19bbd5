"""Access grants: what a project may mount, and until when."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts.projects import Membership, Project, ProjectRole
from allocations.kernel import clock
from allocations.kernel.errors import Incomplete, NotAllowed, NotFound
from allocations.kernel.outbox import EventRow
from allocations.programme import decisions, screening, writing
from datasets import grants, requests
from datasets.grants import AccessGrant
from tests import cast as stage
from tests.cast import Cast


def granted(cast: Cast, *, approve: bool = True) -> Project:
    """A project whose proposal asked for both datasets."""
    session = cast.session
    proposal = stage.with_team(cast, stage.draft(cast))
    requests.save(session, cast.priya, proposal, {"climate": "x", "genomes": "y"})
    writing.submit(session, cast.priya, proposal)
    session.flush()
    requests.submit(session, proposal.id)
    session.flush()
    controlled = next(r for r in requests.of_proposal(session, proposal) if r.dataset is cast.genomes)
    if approve:
        requests.approve(session, cast.dana, controlled)
    screening.forward(session, cast.owen, proposal)
    stage.scored(cast, proposal, cast.ruth)
    grants.grant_for_proposal(session, proposal.id)
    amounts = {"h100": proposal.requests[0].requested}
    award = decisions.award(session, cast.chen, proposal, amounts=amounts, summary="Yes.").award
    session.flush()
    for _ in range(2):
        grants.grant_for_proposal(session, proposal.id)
        session.flush()
    return award.project


def mounted(session: Session, project: Project) -> list[str]:
    session.flush()
    return sorted(grant.dataset.slug for grant in grants.live(session, project.id))


def grant_of(session: Session, project: Project, slug: str) -> AccessGrant:
    return next(grant for grant in grants.live(session, project.id) if grant.dataset.slug == slug)


@pytest.mark.parametrize(("approve", "slugs"), [(True, ["climate", "genomes"]), (False, ["climate"])])
def test_a_controlled_dataset_is_granted_only_after_approval(
    session: Session, cast: Cast, approve: bool, slugs: list[str]
) -> None:
    assert mounted(session, granted(cast, approve=approve)) == slugs


def test_a_grant_ends_with_the_award(session: Session, cast: Cast) -> None:
    project = granted(cast)
    end = grant_of(session, project, "genomes").until

    with clock.at(end - timedelta(seconds=1)):
        assert mounted(session, project) == ["climate", "genomes"]
    with clock.at(end):
        assert mounted(session, project) == []


def test_a_member_takes_an_open_dataset_at_once(session: Session, cast: Cast) -> None:
    project = stage.active(cast)

    grants.add_open(session, cast.uma, project, cast.climate, until=clock.now() + timedelta(days=9))

    assert mounted(session, project) == ["climate"]


def test_a_controlled_dataset_is_never_taken_that_way(session: Session, cast: Cast) -> None:
    project = stage.active(cast)

    with pytest.raises(NotAllowed, match="asked for in a proposal"):
        grants.add_open(session, cast.priya, project, cast.genomes, until=clock.now() + timedelta(days=9))


@pytest.mark.parametrize("who", ["sam", "owen", "dana", "ada"])
def test_nobody_from_outside_takes_data_into_a_project(session: Session, cast: Cast, who: str) -> None:
    project = stage.active(cast)

    with pytest.raises(NotAllowed, match="Only members"):
        grants.add_open(session, getattr(cast, who), project, cast.climate, until=clock.now())


def test_the_custodian_revokes_with_a_reason_and_the_mount_is_gone(session: Session, cast: Cast) -> None:
    project = granted(cast)
    grant = grant_of(session, project, "genomes")
    with pytest.raises(Incomplete):
        grants.revoke(session, cast.dana, grant, reason="")

    grants.revoke(session, cast.dana, grant, reason="Misuse.")

    assert mounted(session, project) == ["climate"]
    assert session.scalars(select(EventRow.type).order_by(EventRow.id.desc())).first() == "AccessRevoked"
    with pytest.raises(NotAllowed, match="revoked already"):
        grants.revoke(session, cast.dana, grant, reason="Again.")


@pytest.mark.parametrize("who", ["priya", "owen", "chen", "ada", "sam"])
def test_nobody_but_the_custodian_revokes_or_opens_a_grant(session: Session, cast: Cast, who: str) -> None:
    grant = grant_of(session, granted(cast), "genomes")
    actor = getattr(cast, who)

    with pytest.raises(NotAllowed, match="Only the custodian"):
        grants.revoke(session, actor, grant, reason="x")
    with pytest.raises(NotFound):
        grants.get(session, actor, grant.id)
    assert list(grants.of_dataset(session, actor, cast.genomes)) == []


def test_the_custodian_lists_who_holds_the_dataset(session: Session, cast: Cast) -> None:
    grant = grant_of(session, granted(cast), "genomes")

    assert list(grants.of_dataset(session, cast.dana, cast.genomes)) == [grant]
    assert grants.get(session, cast.dana, grant.id) is grant


def test_a_revoked_dataset_does_not_come_back_silently(session: Session, cast: Cast) -> None:
    project = stage.active(cast)
    until = clock.now() + timedelta(days=9)
    grants.add_open(session, cast.uma, project, cast.climate, until=until)
    session.flush()
    grants.revoke(session, cast.dana, grant_of(session, project, "climate"), reason="Licence ended.")
    session.flush()

    with pytest.raises(NotAllowed, match="revoked"):
        grants.add_open(session, cast.uma, project, cast.climate, until=until)

    assert mounted(session, project) == []


@pytest.mark.parametrize(("relation", "words"), [("house", "own institution"), ("member", "own project")])
def test_nobody_revokes_access_of_their_own(session: Session, cast: Cast, relation: str, words: str) -> None:
    project = stage.active(cast)
    grant = AccessGrant(project_id=project.id, dataset=cast.genomes, until=clock.now() + timedelta(days=9))
    session.add(grant)
    if relation == "house":
        cast.people["dana"].institution = cast.people["priya"].institution
    else:
        project.members.append(Membership(person=cast.people["dana"], role=ProjectRole.USER))
    session.flush()
    cast.refresh_roles()

    with pytest.raises(NotAllowed, match=words):
        grants.revoke(session, cast.dana, grant, reason="Misuse.")
