"""More of everything that pages list, written straight into the tables."""

from datetime import timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from allocations.accounts.awards import Allocation, Award
from allocations.accounts.ledger import Account, Entry, Movement, Purpose
from allocations.accounts.projects import Membership, Project, ProjectRole
from allocations.accounts.usage import UsageRecord
from allocations.kernel import audit, clock
from allocations.kernel.outbox import Delivery, DeliveryState, EventRow
from allocations.people.confirmations import Confirmation
from allocations.people.institutions import Institution
from allocations.people.merging import MergeRequest
from allocations.people.persons import Identity, Person
from allocations.people.roles import Role, RoleGrant
from allocations.programme.calls import Call, Criterion
from allocations.programme.expertise import Publication, ReviewerProfile
from allocations.programme.proposals import Proposal, ProposalVersion, ResourceRequest, State
from allocations.programme.reviews import Review, ReviewState, Score
from allocations.programme.teams import InvitationState, TeamMember
from datasets.catalogue import AccessClass, Dataset
from datasets.grants import AccessGrant
from datasets.requests import AccessRequest, RequestState
from k8s.namespaces import ProjectNamespace
from k8s.notebooks import Notebook
from portal.mail import Letter
from tests.portal import stage
from tests.portal.stage import Portal

YEAR = timedelta(days=365)


def grow(portal: Portal, many: int) -> None:
    """`many` more rows of each kind; may be called again."""
    with portal.sessions() as session, session.begin():
        people = _people(session, many)
        _proposals(session, people)
        _reviews_of_one(session, people)
        _projects(session, people)
        _datasets(session, many)
        _running(session, many)
        _calls(session, many)
        _trail(session, many)
        _accounts(session, people)
    with portal.sessions() as session, session.begin():
        _waiting(session, many)


def _trail(session: Session, many: int) -> None:
    priya = stage.actor(session, "priya")
    for n in range(many):
        audit.record(session, priya, "proposal.start", subject=f"many-{n}")


def _people(session: Session, many: int) -> list[Person]:
    """With homes of their own, and all reviewers."""
    people = [Person(name=f"Person {many}-{n}", email=f"p{n}@many{many}.example") for n in range(many)]
    session.add_all(people)
    session.flush()
    session.add_all(RoleGrant(person_id=p.id, role=Role.REVIEWER) for p in people)
    profiles = [ReviewerProfile(person_id=p.id, fields_of_science=["Mathematics"]) for p in people]
    for profile in profiles:
        profile.publications = [
            Publication(
                title="On n",
                abstract="Words.",
                year=clock.today().year,
                authors=f"Person {many}-{p}; Ann Bee",
            )
            for p in range(3)
        ]
    session.add_all(profiles)
    return people


def _accounts(session: Session, people: list[Person]) -> None:
    """All ask the same institution to confirm them, and say that Sam's account is theirs, too."""
    home, sam = stage.person(session, "inga").institution, stage.person(session, "sam")
    proof = session.scalars(select(Identity).where(Identity.person_id == sam.id).limit(1)).one()
    assert home is not None
    for person in people:
        session.add(Institution(name=f"Home of {person.name}"))
        session.add(Confirmation(person=person, institution=home, note="Words."))
        session.add(MergeRequest(person=person, other=sam, identity_id=proof.id))


def _proposals(session: Session, people: list[Person]) -> None:
    """Of the open call, in all states, each with a team, requests and a review by Petra."""
    call, priya = stage.call(session, "open"), stage.person(session, "priya")
    petra, mei = stage.person(session, "petra"), stage.person(session, "mei")
    states = list(State)
    for n, person in enumerate(people):
        proposal = Proposal(
            call=call, pi=(priya, mei)[n % 2], title=f"Title {n}", abstract="Words.", state=states[n % 7]
        )
        resources = call.resources
        proposal.requests = [ResourceRequest(resource=r, requested=10**9) for r in resources]
        joined = TeamMember(email=person.email, role=ProjectRole.USER, person=person)
        joined.state = InvitationState.ACCEPTED
        proposal.team = [joined]
        session.add(proposal)
        session.flush()
        review = Review(proposal=proposal, reviewer=petra, state=ReviewState.SUBMITTED, confidence=3)
        review.scores = [Score(criterion_id=c.id, value=1 + n % 5) for c in _criteria(session, call)]
        session.add(review)


def _criteria(session: Session, call: Call) -> list[Criterion]:
    return list(session.scalars(select(Criterion).where(Criterion.call_id == call.id)))


def _reviews_of_one(session: Session, people: list[Person]) -> None:
    """Many reviews, members, versions and datasets of the very proposals that pages show."""
    datasets = [
        Dataset(
            slug=f"asked-{len(people)}-{n}",
            title=f"Asked {n}",
            summary="Words.",
            access_class=AccessClass.CONTROLLED,
            custodian=stage.person(session, "dana"),
            licence="none",
            location="x",
        )
        for n in range(len(people) // 8 + 1)
    ]
    for key in ("imaging", "soil", "weather", "language"):
        proposal = stage.proposal(session, key)
        half = len(people) // 3 + 1
        for n, person in enumerate(people[:half]):
            proposal.team.append(TeamMember(email=person.email, role=ProjectRole.USER, person=person))
            version = ProposalVersion(
                proposal_id=proposal.id,
                number=100 * half + n,
                submitted_at=clock.now(),
                content={},
                digest="x",
            )
            session.add(version)
        for person in people[half:]:
            state, criteria = ReviewState.SUBMITTED, _criteria(session, proposal.call)
            review = Review(proposal=proposal, reviewer=person, state=state, confidence=3, to_pi="Words.")
            review.scores = [Score(criterion_id=c.id, value=3) for c in criteria]
            session.add(review)
        for dataset in datasets:
            session.add(AccessRequest(proposal=proposal, dataset=dataset, declared_use="Use."))


def _projects(session: Session, people: list[Person]) -> None:
    """More projects of Priya's, more members and allocations of the first one."""
    priya, first = stage.person(session, "priya"), stage.project(session)
    old = session.scalars(select(Allocation).where(Allocation.project_id == first.id).limit(1)).one()
    for n, person in enumerate(people):
        project = Project(title=f"Project {n}")
        project.members = [
            Membership(person=priya, role=ProjectRole.PI),
            Membership(person=person, role=ProjectRole.USER),
        ]
        session.add(project)
        first.members.append(Membership(person=person, role=ProjectRole.USER))
        if n % 5 == 0:
            _allocate(session, project, old)
    for _ in range(len(people) // 15):
        _allocate(session, first, old)


def _allocate(session: Session, project: Project, like: Allocation) -> None:
    now = clock.now()
    award = Award(project=project, starts_at=now, ends_at=now + YEAR, terms="Terms.")
    session.add(award)
    session.flush()
    allocation = Allocation(
        award=award,
        project_id=project.id,
        resource=like.resource,
        pool=like.pool,
        amount=10**9,
        starts_at=now,
        ends_at=now + YEAR,
    )
    session.add(allocation)


def _datasets(session: Session, many: int) -> None:
    dana, first = stage.person(session, "dana"), stage.project(session)
    for n in range(many):
        dataset = Dataset(
            slug=f"set-{many}-{n}",
            title=f"Set {n}",
            summary="Words.",
            access_class=AccessClass.OPEN,
            custodian=dana,
            licence="none",
            location="x",
        )
        session.add(AccessGrant(project_id=first.id, dataset=dataset, until=clock.now() + YEAR))


def _running(session: Session, many: int) -> None:
    """Notebooks, ledger entries and usage records of the project that pages show."""
    first = stage.project(session)
    old = session.scalars(select(Notebook).order_by(Notebook.id).limit(1)).one()
    for _ in range(many):
        notebook = Notebook(
            project=first,
            person=old.person,
            allocation=old.allocation,
            cluster=old.cluster,
            image=old.image,
            gpus=1,
            hours=1,
            datasets=[],
        )
        session.add(notebook)
    accounts = select(Account).where(Account.allocation_id == old.allocation_id)
    held = {account.purpose: account.id for account in session.scalars(accounts)}
    ends = {"source_id": held[Purpose.AVAILABLE], "target_id": held[Purpose.USED]}
    entry = {"movement": Movement.CHARGE, "amount": 1, "cause": "x", "note": "", "at": clock.now(), **ends}
    session.execute(insert(Entry), [entry] * many)
    for n in range(many):
        now = clock.now()
        record = UsageRecord(
            source=f"many-{many}-{n}",
            allocation_id=old.allocation_id,
            cause="x",
            started_at=now,
            measured_at=now,
        )
        record.person_id = old.person_id
        session.add(record)


def _calls(session: Session, many: int) -> None:
    """More open calls like the open one, with criteria and pools."""
    old = stage.call(session, "open")
    for n in range(many // 5 + 1):
        call = Call(
            title=f"Call {n}",
            lane=old.lane,
            summary="Words.",
            opens_at=old.opens_at,
            closes_at=old.closes_at,
            reviewers=2,
            max_months=12,
        )
        call.state = old.state
        session.add(call)


def _waiting(session: Session, many: int) -> None:
    """Letters to Priya, stuck deliveries, pending requests for Dana's data, namespaces."""
    for n in range(many):
        session.add(
            Letter(
                cause=f"many-{many}-{n}", recipient="priya@commons.example", subject="Hello", body="Words."
            )
        )
        row = EventRow(type="CallPublished", payload={"call_id": 1}, expanded=True)
        session.add(row)
        session.flush()
        session.add(Delivery(event_id=row.id, handler="write_letter", state=DeliveryState.STUCK))
    asked = session.scalars(select(AccessRequest).where(AccessRequest.declared_use == "Use.")).all()
    for request in asked:
        request.state = RequestState.PENDING
    cluster = session.scalars(select(Notebook).limit(1)).one().cluster
    held = select(ProjectNamespace.project_id)
    for project in session.scalars(select(Project).where(Project.id.not_in(held))):
        session.add(ProjectNamespace(project=project, cluster=cluster))
