"""The people and things that the matrix of rules asks about, brought about by verbs."""

from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts import courses, projects
from allocations.accounts.courses import CourseDraft
from allocations.accounts.projects import ProjectRole
from allocations.kernel import clock, units
from allocations.people import confirmations, invitations, merging, roles
from allocations.people.institutions import Institution
from allocations.people.persons import Identity, Person
from allocations.people.roles import SYSTEM, VISITOR, Actor, Given, Role, RoleGrant
from allocations.programme import teams, writing
from allocations.programme.meetings import Meeting
from allocations.programme.writing import Invitee
from datasets import grants, requests
from datasets.grants import AccessGrant
from k8s import notebooks
from k8s.notebooks import Order
from portal.auth import service_tokens
from portal.auth.service_tokens import ServiceToken
from portal.auth.tokens import Scope, TokenDraft
from portal.provider import clients
from portal.provider.clients import DEVICE, Registration
from portal.provider.devices import DeviceRequest
from tests import cast as stage
from tests.cast import Cast

DAY = timedelta(days=1)
# Beside the cast: whom the rules of separation and of standing are about.
OTHERS = {
    "aude": "Programme Office",  # auditor
    "rene": "Somewhere Else",  # representative of that institution
    "dora": "Genome Archive",  # on the committee (DAC) of both datasets
    "tess": "Western University",  # holds every office of the programme, and is on Priya's team
    "nora": "Northern University",  # holds every office of the programme, in Priya's institution
    "gus": "",  # a guest: no institution, no place there
}
PERSONS = [*["priya", "carlos", "uma", "ruth", "chen", "owen", "dana", "pat", "sam", "ada"], *OTHERS]


@dataclass(frozen=True, slots=True)
class World:
    """Committed once; a test sets the state of a thing, asks, and rolls back."""

    session: Session
    cast: Cast
    # By name; `token` speaks for Priya's project, `visitor` is not logged in.
    actors: dict[str, Actor]
    # One of each kind.
    one: SimpleNamespace


def build(session: Session) -> World:
    cast, one = stage.gather(session), SimpleNamespace()
    _others_join(cast)
    _programme(cast, one)
    _project(cast, one)
    _accounts(cast, one)
    _programs(cast, one)
    session.commit()
    actors = {name: _actor(cast, name) for name in PERSONS}
    actors["token"] = Actor(name="token", project_id=one.project.id, owner_id=cast.priya.person_id)
    return World(session, cast, {**actors, "visitor": VISITOR}, one)


def _actor(cast: Cast, name: str) -> Actor:
    return roles.actor_of(cast.session, cast.people[name])


def _others_join(cast: Cast) -> None:
    homes = {home.name: home for home in cast.session.scalars(select(Institution))}
    for name, home in OTHERS.items():
        person = Person(name=name.capitalize(), email=f"{name}@example.edu", institution=homes.get(home))
        cast.people[name] = person
        identity = stage.identity(name, person)
        if not home:
            identity.affiliations, identity.assurance = [], []
        cast.session.add(identity)
    cast.session.flush()
    _give(cast, "aude", Role.AUDITOR)
    _give(cast, "rene", Role.REPRESENTATIVE, homes["Somewhere Else"].id)
    for name in ("tess", "nora"):
        _give(cast, name, Role.PROGRAMME_OFFICER)
        _give(cast, name, Role.PANEL_CHAIR, cast.call.id)
        _give(cast, name, Role.PROVIDER_OPERATOR, cast.provider.id)
    for name in ("dora", "tess", "nora"):
        _give(cast, name, Role.DAC_MEMBER, cast.climate.id)
        _give(cast, name, Role.DAC_MEMBER, cast.genomes.id)
    cast.session.flush()


def _give(cast: Cast, name: str, role: Role, scope_id: int | None = None) -> None:
    roles.grant(cast.session, SYSTEM, cast.people[name], role=role, scope_id=scope_id)


def _programme(cast: Cast, one: SimpleNamespace) -> None:
    """A proposal with its team, two invitations that wait and a dataset; another one under review."""
    session, proposal = cast.session, stage.with_team(cast, stage.draft(cast))
    invitees = [Invitee(member.email, member.role) for member in proposal.team]
    invitees.append(Invitee("tess@example.edu", ProjectRole.USER))
    invitees.append(Invitee("leads@example.edu", ProjectRole.CO_PI))
    invitees.append(Invitee("works@example.edu", ProjectRole.USER))
    writing.save_team(session, cast.priya, proposal, invitees)
    session.flush()
    tess, one.leads, one.works = proposal.team[-3:]
    teams.accept(session, _actor(cast, "tess"), tess)
    requests.save(session, cast.priya, proposal, {"genomes": "To fold."})
    session.flush()
    one.request = requests.of_proposal(session, proposal)[0]
    one.call, one.proposal = cast.call, proposal
    one.meeting = Meeting(call=cast.call, title="Panel", starts_at=clock.now() + DAY)
    # It came to some item: what was called off has no minutes.
    one.meeting.item_id = 1
    session.add(one.meeting)
    one.review = stage.assigned(cast, stage.in_review(cast), cast.ruth)


def _project(cast: Cast, one: SimpleNamespace) -> None:
    """Priya's, with Carlos, Uma and Tess and a notebook each of Uma and Priya. Sam has another project."""
    session, project = cast.session, stage.active(cast)
    tess = cast.people["tess"]
    projects.add_member(session, cast.priya, project, person=tess, role=ProjectRole.USER)
    grants.add_open(session, cast.priya, project, cast.climate, until=clock.now() + 9 * DAY)
    stage.cluster(cast)
    session.flush()
    one.project, one.allocation = project, stage.allocation_of(cast, project)
    one.award, one.grant = one.allocation.award, session.scalars(select(AccessGrant)).one()
    order = Order(one.allocation.ref, "scipy", gpus=1, hours=1, datasets=())
    one.notebook = notebooks.start(session, cast.uma, project, order)
    one.notebook_of_priya = notebooks.start(session, cast.priya, project, order)
    term = CourseDraft(seats=5, cap=units.MICRO, ends_at=clock.now() + 9 * DAY)
    one.course = courses.hold(session, cast.priya, project, term)
    one.project_of_sam = projects.found(session, title="Other", summary="", pi=cast.people["sam"])
    one.members = {member.person.name.lower(): member for member in project.members}


def _accounts(cast: Cast, one: SimpleNamespace) -> None:
    """What administrators, representatives and inviters have to answer."""
    session, sam, ada = cast.session, cast.people["sam"], cast.people["ada"]
    one.identities = {identity.subject: identity for identity in session.scalars(select(Identity))}
    homes = {home.name: home for home in session.scalars(select(Institution))}
    one.confirmation = confirmations.ask(session, cast.sam, homes["Somewhere Else"], note="A geologist.")
    itself = _actor(cast, "rene")
    one.confirmation_of_rene = confirmations.ask(session, itself, homes["Somewhere Else"], note="I.")
    one.merge = merging.ask(session, cast.sam, sam, one.identities["gus"])
    one.merge_of_ada = merging.ask(session, cast.ada, ada, one.identities["gus"])
    reviewer, auditor = Given(Role.REVIEWER, reason="Expert."), Given(Role.AUDITOR, reason="Trusted.")
    one.invitation = invitations.invite(session, cast.owen, "new@example.edu", given=reviewer)
    one.invitation_to_audit = invitations.invite(session, cast.ada, "new@example.edu", given=auditor)
    one.role = session.scalars(select(RoleGrant).where(RoleGrant.person_id == cast.ruth.person_id)).one()


def _programs(cast: Cast, one: SimpleNamespace) -> None:
    """A token of the project that waits for its second owner, a client, and a program that waits."""
    session = cast.session
    draft = TokenDraft("Report", (Scope.READ_PROJECTS,), 30, "once")
    service_tokens.make(session, cast.priya, one.project, draft)
    one.token = session.scalars(select(ServiceToken)).one()
    told = Registration("site", "Site", redirect_uris=("https://site.example/back",))
    one.client, _ = clients.register(session, cast.ada, told)
    kubectl = Registration("kubectl", "kubectl", grant_types=(DEVICE,), public=True)
    one.public_client, _ = clients.register(session, cast.ada, kubectl)
    one.device = DeviceRequest(
        device_digest="d", user_digest="u", client=one.public_client, scope="openid", address="192.0.2.7"
    )
    session.add(one.device)
    session.flush()
