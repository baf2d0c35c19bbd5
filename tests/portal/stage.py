"""A portal with the demo programme in it, built once a run and copied for each test."""

from dataclasses import dataclass
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from allocations.accounts.awards import Allocation, AllocationState, Award, AwardState, Consent
from allocations.accounts.projects import Project, ProjectRole
from allocations.accounts.resources import Provider
from allocations.kernel import clock, outbox
from allocations.kernel.outbox import Delivery, DeliveryState
from allocations.people import confirmations, desk, invitations, merging, personal_relations
from allocations.people.confirmations import Confirmation
from allocations.people.institutions import HomeOrganisation, IdentityProvider, Institution
from allocations.people.invitations import RoleInvitation
from allocations.people.merging import MergeRequest
from allocations.people.personal_relations import PersonalRelation, RelationDraft, RelationKind
from allocations.people.persons import Identity, Person, by_identity
from allocations.people.roles import SYSTEM, Actor, Given, Role, RoleGrant, actor_of
from allocations.programme import answers, assigning, decisions, reviewing, teams, writing
from allocations.programme.answers import Typed
from allocations.programme.appeals import Appeal, Ground
from allocations.programme.calls import Call
from allocations.programme.expertise import Publication, ReviewerProfile
from allocations.programme.proposals import Proposal
from allocations.programme.reviews import Review
from allocations.programme.runs import Run, RunKind
from allocations.programme.writing import Invitee
from datasets.grants import AccessGrant
from datasets.requests import AccessRequest, RequestState
from k8s import notebooks
from k8s.clusters import Cluster
from k8s.notebooks import Notebook, Order, Phase
from portal import links
from portal.app import create_app
from portal.auth import service_tokens, tokens
from portal.auth.sessions import LoginSession, digest
from portal.auth.tokens import Scope, TokenDraft
from portal.auth.views import DEMO_ISSUER
from portal.demo import story
from portal.provider import clients
from portal.provider.clients import CODE, DEVICE, EXCHANGE, REFRESH, SCOPES, Registration
from portal.provider.devices import DeviceRequest
from portal.settings import Settings
from portal.worker import Worker
from tests import compiled, computing
from tests.portal import at_meeting, at_panel, competitions, talks, writers
from tests.portal.titles import CALLS, PROPOSALS

SECRET = "a key that only the tests know, long enough"
SITE = "https://site.example/callback"
# What a program shows on its screen, as it is digested.
USER_CODE = "BCDFGHJK"
SECOND = "https://login.second.example"


@dataclass(frozen=True)
class Portal:
    """One application with a database of its own."""

    app: Flask
    settings: Settings

    @property
    def engine(self) -> Engine:
        return self.app.extensions["engine"]

    @property
    def sessions(self) -> "sessionmaker[Session]":
        return self.app.extensions["sessions"]

    def visitor(self) -> FlaskClient:
        return self.app.test_client()

    def log_in(self, who: str) -> FlaskClient:
        client = self.app.test_client()
        answer = client.post("/login", data={"who": who})
        assert answer.status_code == 303, f"{who} cannot log in"
        return client

    def worker(self) -> Worker:
        return Worker(self.sessions, self.settings)

    def deliver(self) -> None:
        """The worker's turn for events alone: there is no cluster here."""
        worker = self.worker()
        while worker.expand() or worker.deliver():
            pass


def opened(settings: Settings) -> Portal:
    return Portal(compiled.shared(create_app(settings)), settings)


def fill(portal: Portal) -> None:
    """The demo story, and what its people do next."""
    story.load(portal.worker(), portal.settings)
    with portal.sessions() as session, session.begin():
        competitions.hold(session)
        competitions.assess(session)
        competitions.teach(session, actor(session, "priya"), project(session))
        _offer_an_award(session)
        _appeal(session)
        _invite_sam(session)
        _ask_reviewers(session)
        _start_notebooks(session)
        _get_stuck(session)
        _people_desk(session)
        _state_a_relation(session)
        _connect_sites(session)
        _make_tokens(session)
        _ask_about_accounts(session)
        _propose_reviewers(session)
        talks.begin(session)
        writers.write(session, *(actor(session, who) for who in ("owen", "priya", "mei")))
    with portal.sessions() as session:
        owen, chen, ruth = (actor(session, who) for who in ("owen", "chen", "ruth"))
    at_panel.tell(portal.worker(), owen, chen, ruth)
    portal.deliver()
    while computing.step(portal.sessions):
        pass


def person(session: Session, who: str) -> Person:
    found = by_identity(session, DEMO_ISSUER, who)
    assert found is not None, f"{who} is not one of the demo people"
    return found


def actor(session: Session, who: str) -> Actor:
    return actor_of(session, person(session, who))


def proposal(session: Session, key: str) -> Proposal:
    return session.scalars(select(Proposal).where(Proposal.title.contains(PROPOSALS[key]))).one()


def call(session: Session, key: str) -> Call:
    return session.scalars(select(Call).where(Call.title.contains((CALLS | competitions.TITLES)[key]))).one()


def project(session: Session) -> Project:
    """Priya's, with a history."""
    return session.scalars(select(Project).order_by(Project.id).limit(1)).one()


def for_programs(portal: Portal) -> set[str]:
    """The endpoints that are no pages: whoever asks is known by what is sent, not by cookies."""
    views = {name: view for name, view in portal.app.view_functions.items() if name != "static"}
    return {name for name, view in views.items() if view.permission.machine}  # type: ignore[attr-defined]


def _offer_an_award(session: Session) -> None:
    """Enzymes: awarded, waiting for consent and for the PI."""
    found = proposal(session, "enzymes")
    amounts = {request.resource.slug: request.requested // 2 for request in found.requests}
    words = "A clear question and a sound plan."
    decisions.award(session, actor(session, "chen"), found, amounts=amounts, summary=words)


def _appeal(session: Session) -> None:
    """Weather: awarded with less than was asked; its PI has appealed, nobody has answered."""
    found = proposal(session, "weather")
    session.add(Appeal(proposal=found, made_by=found.pi.name, ground=Ground.FACT, text="A page was missed."))


def _invite_sam(session: Session) -> None:
    """Soil: still a draft, with an invitation that nobody has answered; Carlos has joined."""
    invited = [Invitee(f"{who}@commons.example", ProjectRole.USER) for who in ("sam", "carlos")]
    priya, soil = actor(session, "priya"), proposal(session, "soil")
    _, asked = writing.save_team(session, priya, soil, invited)
    teams.accept(session, actor(session, "carlos"), asked)
    texts = ("It matters.", "We train.", "We publish.")
    given = [Typed(question, text=text) for question, text in zip(soil.call.questions, texts, strict=True)]
    answers.save(session, priya, soil, given)


def _ask_reviewers(session: Session) -> None:
    """Imaging: Rosa is invited, Petra has accepted."""
    found, owen = proposal(session, "imaging"), actor(session, "owen")
    reviewing.assign(session, owen, found, person=person(session, "rosa"))
    review = reviewing.assign(session, owen, found, person=person(session, "petra"))
    session.flush()
    reviewing.accept(session, actor(session, "petra"), review)


def _start_notebooks(session: Session) -> None:
    """Uma's waits, Priya's runs, Carlos' has stopped, as if a cluster had said so."""
    home = project(session)
    allocation = notebooks.usable(session, home)[0]
    order = Order(allocation.ref, "scipy", gpus=1, hours=2, datasets=())
    for who in ("uma", "priya", "carlos"):
        made = notebooks.start(session, actor(session, who), home, order)
        if who == "priya":
            made.phase, made.address = Phase.RUNNING, "http://127.0.0.1:9"
            made.started_at, made.ends_at = clock.now(), clock.now() + timedelta(hours=2)
        if who == "carlos":
            notebooks.end(session, made, reason="Stopped by Carlos.")
            made.phase = Phase.STOPPED


def _get_stuck(session: Session) -> None:
    delivery = session.scalars(select(Delivery).order_by(Delivery.id).limit(1)).one()
    delivery.state, delivery.attempts, delivery.error = DeliveryState.STUCK, outbox.ATTEMPTS, "LookupError: x"


def _people_desk(session: Session) -> None:
    """A second log-in of Sam's is held; an expert is invited; somebody who left is disabled; a provider."""
    ada, sam = actor(session, "ada"), person(session, "sam")
    held = session.scalars(select(Identity).where(Identity.person_id == sam.id)).one()
    second = Identity(issuer="https://other.example", subject="sam", person=sam, held_at=clock.now())
    begun = LoginSession(
        person=sam, identity=held, auth_time=clock.now(), agent="A browser of Sam", handle_digest="x" * 64
    )
    home = Institution(name="Far University", country="US", ror="042nb2s44")
    provider = IdentityProvider(
        slug="far", name="Far away", issuer="https://far.example", client_id="c", secret_setting="far"
    )
    entity = HomeOrganisation(
        provider=provider, entity_id="https://far.example/idp", institution=home, scopes=[]
    )
    old = IdentityProvider(
        slug="old",
        name="Old",
        issuer="https://old.example",
        client_id="c",
        secret_setting="old",
        enabled=False,
    )
    session.add_all([second, begun, entity, old])
    given = Given(Role.REVIEWER, None, None, "They know the field.")
    invitations.invite(session, ada, "expert@commons.example", given=given)
    gone = Person(name="Gordon Gone", email="gordon@commons.example", welcomed_at=clock.now())
    session.add(gone)
    session.flush()
    desk.disable(session, ada, gone, reason="Has left.")


def _connect_sites(session: Session) -> None:
    """A site, kubectl with a cluster to reach, and a program that waits for its code to be typed."""
    web = Registration(
        "site-a", "Site A", redirect_uris=(SITE,), scopes=tuple(SCOPES), grant_types=(CODE, REFRESH, EXCHANGE)
    )
    clients.register(session, SYSTEM, web, provider=session.scalars(select(Provider).limit(1)).one())
    on_laptops = Registration(
        "kubectl",
        "kubectl",
        redirect_uris=("http://localhost:8000",),
        scopes=("openid", "groups"),
        grant_types=(CODE, REFRESH, DEVICE),
        public=True,
    )
    kubectl, _ = clients.register(session, SYSTEM, on_laptops)
    waiting = DeviceRequest(
        device_digest="x", user_digest=digest(USER_CODE), client=kubectl, scope="openid", address="192.0.2.7"
    )
    session.add(waiting)
    for cluster in session.scalars(select(Cluster)):
        cluster.api_url = "https://cluster.example:6443"


def _propose_reviewers(session: Session) -> None:
    """For the open call, with Rita, who is asked nothing yet; the worker computes them."""
    home = session.scalars(select(Institution).where(Institution.name == "Far University")).one()
    rita = Person(name="Rita Far", email="rita@far.example", institution=home, welcomed_at=clock.now())
    session.add(rita)
    session.flush()
    session.add(RoleGrant(person_id=rita.id, role=Role.REVIEWER))
    wish = assigning.Wish(reviewers=4)
    assigning.ask(session, actor(session, "owen"), call(session, "open"), wish, seed=7)


def _make_tokens(session: Session) -> None:
    """One of Priya's, and one of her project that waits for Carlos."""
    priya, home = actor(session, "priya"), project(session)
    draft = TokenDraft("Usage report", (Scope.READ_PROJECTS,), 30, "of the stage")
    tokens.make(session, priya, draft)
    service_tokens.make(session, priya, home, draft)


def _state_a_relation(session: Session) -> None:
    ruth = person(session, "ruth")
    draft = RelationDraft(RelationKind.SUPERVISOR, "Marta Stone", "0000-0001-5109-3700")
    personal_relations.declare(session, actor(session, "ruth"), ruth, draft=draft)


def _ask_about_accounts(session: Session) -> None:
    """Lena asks to be confirmed; Sam has a second log-in, and another account that he wants no more."""
    lena, sam = person(session, "lena"), person(session, "sam")
    assert lena.institution is not None
    note = "I am a research assistant in geology. Ask Professor Berg."
    confirmations.ask(session, actor(session, "lena"), lena.institution, note=note)
    last_week = clock.now() - timedelta(days=7)
    session.add(
        Identity(
            issuer=SECOND,
            subject="sam",
            person=sam,
            name="Sam O.",
            mail="so@second.example",
            last_seen_at=last_week,
        )
    )
    old = Person(name="Samuel Okafor", email="old@second.example", welcomed_at=clock.now())
    forgotten = Identity(issuer=SECOND, subject="old", person=old, name=old.name, mail=old.email)
    session.add(forgotten)
    session.flush()
    merging.ask(session, actor(session, "sam"), sam, forgotten)


def places(portal: Portal) -> dict[str, str]:
    """What the `{...}` of the tables of addresses stand for."""
    with portal.sessions() as session:
        found = {f"proposal_{key}": proposal(session, key).ref for key in PROPOSALS}
        found |= {f"call_{key}": call(session, key).ref for key in (*CALLS, *competitions.TITLES)}
        found |= {f"notebook_{_key(n.person)}": n.ref for n in session.scalars(select(Notebook))}
        imaging = proposal(session, "imaging")
        reviews = session.scalars(select(Review).where(Review.proposal_id == imaging.id)).all()
        found |= {f"review_{_key(r.reviewer)}": r.ref for r in reviews}
        talked = Review.proposal_id == proposal(session, "dunes").id
        found["review_dunes"] = session.scalars(select(Review).where(talked)).one().ref
        rivers = proposal(session, "rivers").call.questions
        found |= {f"question_{q.label.lower().split()[0]}": str(q.id) for q in rivers}
        found["project"] = project(session).ref
        found["member_id"] = str(next(m.id for m in project(session).members if _key(m.person) == "uma"))
        found["course_token"] = links.course(SECRET, project(session).id, 1)
        found |= _of_awards(session) | _of_datasets(session)
        found["invited"], found["joined"] = (str(one.id) for one in proposal(session, "soil").team)
        found["token"] = links.invitation(SECRET, int(found["invited"]))
        found["cluster"] = session.scalars(select(Cluster.name).limit(1)).one()
        stuck = select(Delivery.id).where(Delivery.state == DeliveryState.STUCK)
        found["delivery_id"] = str(session.scalars(stuck.limit(1)).one())
        found |= _of_accounts(session) | at_panel.places(session)
        found |= at_meeting.places(session)
        found |= {f"person_{who}": str(person(session, who).id) for who in ("ravi", "sam")}
        found |= _of_people(session) | _of_runs(session)
    return found


def _of_runs(session: Session) -> dict[str, str]:
    """The reviewers that were proposed, and one pair of them whom nobody has asked yet."""
    mine = select(Run).where(Run.call_id == call(session, "open").id, Run.kind == RunKind.ASSIGNMENT)
    run = session.scalars(mine.order_by(Run.id).limit(1)).one()
    pair = next(one for one in run.result["pairs"] if not one["kept"])
    return {"run_assignment": run.ref, "pair": f"{pair['proposal']}-{pair['person']}"}


def _of_accounts(session: Session) -> dict[str, str]:
    second = select(Identity.id).where(Identity.issuer == SECOND, Identity.subject == "sam")
    first = Confirmation.person_id == person(session, "lena").id
    return {
        "confirmation": session.scalars(select(Confirmation).where(first)).one().ref,
        "merge": session.scalars(select(MergeRequest).order_by(MergeRequest.id).limit(1)).one().ref,
        "identity_sam": str(session.scalars(second).one()),
    }


def _key(someone: Person) -> str:
    return someone.email.split("@")[0]


def _of_awards(session: Session) -> dict[str, str]:
    pending, active = Allocation.consent == Consent.PENDING, Allocation.state == AllocationState.ACTIVE
    return {
        "award": session.scalars(select(Award).where(Award.state == AwardState.OFFERED)).one().ref,
        "allocation_offered": session.scalars(select(Allocation).where(pending).limit(1)).one().ref,
        "allocation_active": session.scalars(select(Allocation).where(active).limit(1)).one().ref,
    }


def _of_people(session: Session) -> dict[str, str]:
    found = {f"psn_{_key(one)}": one.ref for one in session.scalars(select(Person))}
    ruth = person(session, "ruth").id
    invitation = session.scalars(select(RoleInvitation).limit(1)).one().id
    held = select(Identity.id).where(Identity.held_at.is_not(None))
    paper = select(Publication.id).join(ReviewerProfile).where(ReviewerProfile.person_id == ruth)
    stated = select(PersonalRelation.id).where(PersonalRelation.person_id == ruth)
    return found | {
        "relation_ruth": str(session.scalars(stated.order_by(PersonalRelation.id).limit(1)).one()),
        "publication_ruth": str(session.scalars(paper.order_by(Publication.id).limit(1)).one()),
        "grant_ruth": str(session.scalars(select(RoleGrant.id).where(RoleGrant.person_id == ruth)).one()),
        "held_id": str(session.scalars(held).one()),
        "session_sam": str(session.scalars(select(LoginSession.id).order_by(LoginSession.id).limit(1)).one()),
        "home_id": str(session.scalars(select(HomeOrganisation.id)).one()),
        "institution_far": str(session.scalars(select(HomeOrganisation.institution_id)).one()),
        "role_invitation_id": str(invitation),
        "role_token": links.role_invitation(SECRET, invitation),
    }


def _of_datasets(session: Session) -> dict[str, str]:
    pending = select(AccessRequest).where(AccessRequest.state == RequestState.PENDING)
    return {
        "request": session.scalars(pending.limit(1)).one().ref,
        "grant_id": str(session.scalars(select(AccessGrant.id).limit(1)).one()),
    }
