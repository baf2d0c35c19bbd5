"""The cast, and arranging functions that bring a proposal to a stage by verbs alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts import awards
from allocations.accounts.awards import Allocation, Award, Consent
from allocations.accounts.projects import Project, ProjectRole
from allocations.accounts.resources import Kind, Provider, Resource
from allocations.kernel import clock, units
from allocations.people import roles
from allocations.people.institutions import Institution
from allocations.people.persons import Identity, Person
from allocations.people.roles import SYSTEM, Actor, Role
from allocations.programme import answers, decisions, opening, reviewing, screening, teams, writing
from allocations.programme.answers import Typed
from allocations.programme.calls import Call, Lane
from allocations.programme.opening import CallDraft, CriterionDraft
from allocations.programme.proposals import Proposal
from allocations.programme.reviewing import ReviewDraft
from allocations.programme.reviews import Review
from allocations.programme.writing import Ask, Invitee, Summary, Wanted
from datasets.catalogue import AccessClass, Dataset
from k8s.clusters import Cluster, Product

HOMES = {
    "priya": "Northern University",
    "carlos": "Northern University",
    "uma": "Northern University",
    "ruth": "Southern College",
    "ravi": "Eastern Institute",
    "rosa": "Western University",
    "chen": "Central Laboratory",
    "owen": "Programme Office",
    "dana": "Genome Archive",
    "pat": "Supercomputing Centre",
    "sam": "Somewhere Else",
    "ada": "Programme Office",
}
CRITERIA = (
    CriterionDraft(name="Merit", weight=60, anchors=("poor", "weak", "fair", "good", "excellent")),
    CriterionDraft(name="Plan", weight=40, anchors=("poor", "weak", "fair", "good", "excellent")),
)
POOLS = {"h100": 1000 * units.MICRO, "a100": 5000 * units.MICRO, "scratch": 20_000 * units.MICRO}


@dataclass(repr=False)
class Cast:
    """People as actors with their roles; `person` gives the row behind one."""

    session: Session
    people: dict[str, Person] = field(default_factory=dict)

    priya: Actor = field(init=False)  # PI
    carlos: Actor = field(init=False)  # co-PI
    uma: Actor = field(init=False)  # user, a student in Priya's project
    ruth: Actor = field(init=False)  # reviewer
    ravi: Actor = field(init=False)  # reviewer
    rosa: Actor = field(init=False)  # reviewer
    chen: Actor = field(init=False)  # panel chair of the call
    owen: Actor = field(init=False)  # programme officer
    dana: Actor = field(init=False)  # data custodian
    pat: Actor = field(init=False)  # provider operator
    sam: Actor = field(init=False)  # stranger
    ada: Actor = field(init=False)  # administrator

    provider: Provider = field(init=False)
    h100: Resource = field(init=False)
    a100: Resource = field(init=False)
    scratch: Resource = field(init=False)
    call: Call = field(init=False)
    climate: Dataset = field(init=False)  # open
    genomes: Dataset = field(init=False)  # controlled

    def person(self, actor: Actor) -> Person:
        return self.session.get_one(Person, actor.person_id)

    def log_in_again(self) -> None:
        """Everybody, now: affiliations count for thirty days."""
        for identity in self.session.scalars(select(Identity)):
            identity.affiliated_at = clock.now()
        self.session.flush()
        self.refresh_roles()

    def refresh_roles(self) -> None:
        for name, person in self.people.items():
            setattr(self, name, roles.actor_of(self.session, person))


def identity(name: str, person: Person) -> Identity:
    """What a home institution says of somebody: Uma is a student, the others work there."""
    place = "student" if name == "uma" else "faculty"
    return Identity(
        issuer="https://idp.example.edu",
        subject=name,
        person=person,
        affiliations=[f"{place}@example.edu"],
        affiliated_at=clock.now(),
        assurance=["https://refeds.org/assurance/IAP/medium"],
    )


def gather(session: Session) -> Cast:
    cast = Cast(session)
    homes = {name: Institution(name=name, country="US") for name in sorted(set(HOMES.values()))}
    for name, home in HOMES.items():
        email = f"{name}@example.edu"
        cast.people[name] = Person(name=name.capitalize(), email=email, institution=homes[home])
    session.add_all(cast.people.values())
    session.add_all(identity(name, person) for name, person in cast.people.items())
    cast.provider = Provider(name="Supercomputing Centre")
    cast.h100 = _resource(cast, "h100", "H100 80 GB", Kind.GPU, quantity=64)
    cast.a100 = _resource(cast, "a100", "A100 40 GB", Kind.GPU, quantity=128)
    cast.scratch = _resource(cast, "scratch", "Project storage", Kind.STORAGE, quantity=500_000)
    session.flush()
    _give_roles(cast)
    cast.call = open_call(cast)
    roles.grant(session, SYSTEM, cast.people["chen"], role=Role.PANEL_CHAIR, scope_id=cast.call.id)
    cast.climate = dataset(cast, "climate", AccessClass.OPEN)
    cast.genomes = dataset(cast, "genomes", AccessClass.CONTROLLED)
    session.flush()
    for kept in (cast.climate, cast.genomes):
        roles.grant(session, SYSTEM, cast.people["dana"], role=Role.CUSTODIAN, scope_id=kept.id)
    session.flush()
    cast.refresh_roles()
    return cast


def _resource(cast: Cast, slug: str, name: str, kind: Kind, *, quantity: int) -> Resource:
    resource = Resource(slug=slug, name=name, kind=kind, provider=cast.provider, quantity=quantity)
    cast.session.add(resource)
    return resource


def _give_roles(cast: Cast) -> None:
    held = {
        "ruth": Role.REVIEWER,
        "ravi": Role.REVIEWER,
        "rosa": Role.REVIEWER,
        "owen": Role.PROGRAMME_OFFICER,
        "ada": Role.ADMINISTRATOR,
    }
    for name, role in held.items():
        roles.grant(cast.session, SYSTEM, cast.people[name], role=role)
    pat = cast.people["pat"]
    roles.grant(cast.session, SYSTEM, pat, role=Role.PROVIDER_OPERATOR, scope_id=cast.provider.id)
    cast.session.flush()
    cast.refresh_roles()


def dataset(cast: Cast, slug: str, access_class: AccessClass) -> Dataset:
    made = Dataset(
        slug=slug,
        title=slug.capitalize(),
        summary=f"The {slug} collection.",
        access_class=access_class,
        custodian=cast.people["dana"],
        licence="CC BY 4.0",
        location=f"{slug}/1.0",
    )
    cast.session.add(made)
    return made


def call_draft(**changes: object) -> CallDraft:
    """A call that opened yesterday and closes in thirty days."""
    now = clock.now()
    draft = CallDraft(
        title="AI for science",
        lane=Lane.STANDARD,
        summary="GPU time for research.",
        opens_at=now - timedelta(days=1),
        closes_at=now + timedelta(days=30),
        reviewers=2,
        max_months=24,
        criteria=CRITERIA,
        pools=dict(POOLS),
    )
    return replace(draft, **changes)  # type: ignore[arg-type]


def open_call(cast: Cast, **changes: object) -> Call:
    call = opening.start(cast.session, cast.owen, call_draft(**changes))
    opening.publish(cast.session, cast.owen, call)
    cast.session.flush()
    return call


def draft(
    cast: Cast, *, call: Call | None = None, asks: Mapping[str, int] | None = None, pi: Actor | None = None
) -> Proposal:
    """Complete, and not yet submitted. `asks` are whole units by resource slug."""
    session, author = cast.session, pi or cast.priya
    proposal = writing.start(session, author, call or cast.call)
    summary = Summary(title="Folding", abstract="We fold.", fields_of_science=("Biology",), keywords="fold")
    wanted = Wanted(
        asks=tuple(
            Ask(slug, amount * units.MICRO, "To train.") for slug, amount in (asks or {"h100": 100}).items()
        ),
        starts_on=clock.today(),
        months=12,
    )
    writing.save_text(session, author, proposal, summary)
    answer(cast, proposal, "Great.", "We train.", "We publish.", author=author)
    writing.save_resources(session, author, proposal, wanted)
    session.flush()
    return proposal


def answer(cast: Cast, proposal: Proposal, *texts: str, author: Actor | None = None) -> None:
    """The call's questions, in order."""
    given = [
        Typed(question, text=text) for question, text in zip(proposal.call.questions, texts, strict=True)
    ]
    answers.save(cast.session, author or cast.priya, proposal, given)


def with_team(cast: Cast, proposal: Proposal) -> Proposal:
    """Carlos as co-PI and Uma as user, both invited and accepted."""
    session = cast.session
    invitees = [
        Invitee("carlos@example.edu", ProjectRole.CO_PI),
        Invitee("uma@example.edu", ProjectRole.USER),
    ]
    writing.save_team(session, cast.priya, proposal, invitees)
    session.flush()
    for member, actor in zip(proposal.team, (cast.carlos, cast.uma), strict=True):
        teams.accept(session, actor, member)
    session.flush()
    return proposal


def submitted(cast: Cast, **options: object) -> Proposal:
    """With Carlos and Uma on the team."""
    proposal = with_team(cast, draft(cast, **options))  # type: ignore[arg-type]
    writing.submit(cast.session, cast.priya, proposal)
    cast.session.flush()
    return proposal


def in_review(cast: Cast, **options: object) -> Proposal:
    proposal = submitted(cast, **options)
    screening.forward(cast.session, cast.owen, proposal)
    cast.session.flush()
    return proposal


def assigned(cast: Cast, proposal: Proposal, reviewer: Actor) -> Review:
    """An invitation that the reviewer has accepted."""
    review = reviewing.assign(cast.session, cast.owen, proposal, person=cast.person(reviewer))
    reviewing.accept(cast.session, reviewer, review)
    cast.session.flush()
    return review


def scored(cast: Cast, proposal: Proposal, reviewer: Actor, *, values: tuple[int, ...] = (4, 4)) -> Review:
    """A submitted review with these scores, in the rubric's order."""
    session, review = cast.session, assigned(cast, proposal, reviewer)
    numbers = {c.id: value for c, value in zip(proposal.call.criteria, values, strict=True)}
    text = ReviewDraft(scores=numbers, confidence=4, to_pi=f"Words of {reviewer.name}.", to_panel="Fund it.")
    reviewing.save(session, reviewer, review, text)
    reviewing.submit(session, reviewer, review)
    session.flush()
    return review


def reviewed(cast: Cast, **options: object) -> Proposal:
    """In review, with submitted reviews of Ruth and Ravi."""
    proposal = in_review(cast, **options)
    for reviewer in (cast.ruth, cast.ravi):
        scored(cast, proposal, reviewer)
    return proposal


def awarded(cast: Cast, **options: object) -> Award:
    """Everything that was asked for is awarded and on offer."""
    proposal = reviewed(cast, **options)
    amounts = {request.resource.slug: request.requested for request in proposal.requests}
    decision = decisions.award(cast.session, cast.chen, proposal, amounts=amounts, summary="Fund it.")
    cast.session.flush()
    assert decision.award is not None
    return decision.award


def consented(cast: Cast, award: Award) -> Award:
    for allocation in award.allocations:
        if allocation.consent == Consent.PENDING:
            awards.consent(cast.session, cast.pat, allocation, amount=allocation.amount)
    cast.session.flush()
    return award


def active(cast: Cast, **options: object) -> Project:
    """The provider consented, the PI accepted, the allocations have started."""
    award = consented(cast, awarded(cast, **options))
    awards.accept(cast.session, cast.priya, award)
    cast.session.flush()
    return award.project


def allocation_of(cast: Cast, project: Project, resource: Resource | None = None) -> Allocation:
    """The project's allocation on this resource (the H100)."""
    wanted = (Allocation.project_id == project.id, Allocation.resource_id == (resource or cast.h100).id)
    return cast.session.scalars(select(Allocation).where(*wanted)).one()


def cluster(cast: Cast) -> Cluster:
    """A cluster that serves both GPU resources."""
    made = Cluster(
        name="alpha", kubeconfig="nowhere", dataset_volume={"hostPath": {"path": "/data/{location}"}}
    )
    cast.session.add(made)
    cast.session.flush()
    for resource, label in ((cast.h100, "NVIDIA-H100-80GB-HBM3"), (cast.a100, "NVIDIA-A100-SXM4-40GB")):
        offer = Product(
            cluster_id=made.id, resource=resource, slug=resource.slug, label=label, most_at_once=8
        )
        cast.session.add(offer)
    cast.session.flush()
    cast.session.refresh(made, ["products"])
    return made
