"""A portal with the demo programme in it, built once a run and copied for each test."""

from dataclasses import dataclass
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from allocations.accounts.awards import Allocation, AllocationState, Award, AwardState, Consent
from allocations.accounts.projects import Project, ProjectRole
from allocations.kernel import clock, outbox
from allocations.kernel.outbox import Delivery, DeliveryState
from allocations.people import confirmations, merging, roles
from allocations.people.confirmations import Confirmation
from allocations.people.merging import MergeRequest
from allocations.people.persons import Identity, Person, by_identity
from allocations.people.roles import SYSTEM, Actor, Role, actor_of
from allocations.programme import decisions, reviewing, writing
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal
from allocations.programme.reviews import Review
from allocations.programme.writing import Case, Invitee
from datasets.grants import AccessGrant
from datasets.requests import AccessRequest, RequestState
from k8s import notebooks
from k8s.notebooks import Notebook, Order, Phase
from portal import links
from portal.app import create_app
from portal.auth.views import DEMO_ISSUER
from portal.demo import story
from portal.settings import Settings
from portal.worker import Worker

SECRET = "a key that only the tests know, long enough"
# Short names for what the story tells of, by words of their titles.
PROPOSALS = {
    "weather": "weather",
    "poetry": "poems",
    "enzymes": "enzymes",
    "imaging": "lung nodules",
    "language": "Speech",
    "fusion": "fusion",
    "soil": "Soil",
}
SECOND = "https://login.second.example"
CALLS = {"draft": "Courses", "open": "second round", "past": "first round", "starter": "Starter"}


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
    return Portal(create_app(settings), settings)


def fill(portal: Portal) -> None:
    """The demo story, and what its people do next."""
    story.load(portal.worker(), portal.settings)
    with portal.sessions() as session, session.begin():
        _offer_an_award(session)
        _invite_sam(session)
        _ask_reviewers(session)
        _start_notebooks(session)
        _get_stuck(session)
        _give_offices(session)
        _ask_about_accounts(session)
    portal.deliver()


def person(session: Session, who: str) -> Person:
    found = by_identity(session, DEMO_ISSUER, who)
    assert found is not None, f"{who} is not one of the demo people"
    return found


def actor(session: Session, who: str) -> Actor:
    return actor_of(session, person(session, who))


def proposal(session: Session, key: str) -> Proposal:
    return session.scalars(select(Proposal).where(Proposal.title.contains(PROPOSALS[key]))).one()


def call(session: Session, key: str) -> Call:
    return session.scalars(select(Call).where(Call.title.contains(CALLS[key]))).one()


def project(session: Session) -> Project:
    """Priya's, with a history."""
    return session.scalars(select(Project).order_by(Project.id).limit(1)).one()


def _offer_an_award(session: Session) -> None:
    """Enzymes: awarded, waiting for consent and for the PI."""
    found = proposal(session, "enzymes")
    amounts = {request.resource.slug: request.requested // 2 for request in found.requests}
    words = "A clear question and a sound plan."
    decisions.award(session, actor(session, "chen"), found, amounts=amounts, summary=words)


def _invite_sam(session: Session) -> None:
    """Soil: still a draft, with an invitation that nobody has answered."""
    invited = [Invitee("sam@commons.example", ProjectRole.USER)]
    priya, soil = actor(session, "priya"), proposal(session, "soil")
    writing.save_team(session, priya, soil, invited)
    writing.save_text(session, priya, soil, Case("It matters.", "We train.", "We publish."))


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


# Who holds offices that the demo programme gives to nobody.
REPRESENTATIVE, ADMINISTRATOR = "ravi", "ibrahim"


def _give_offices(session: Session) -> None:
    home = person(session, REPRESENTATIVE).institution_id
    scope = {"role": Role.REPRESENTATIVE, "scope_id": home}
    roles.grant(session, SYSTEM, person(session, REPRESENTATIVE), **scope)  # type: ignore[arg-type]
    roles.grant(session, SYSTEM, person(session, ADMINISTRATOR), role=Role.ADMINISTRATOR)
    session.flush()


def _ask_about_accounts(session: Session) -> None:
    """Lena asks to be confirmed; Sam has a second log-in, and another account that he wants no more."""
    lena, sam = person(session, "lena"), person(session, "sam")
    assert lena.institution is not None
    note = "I am a research assistant in geology. Ask Professor Berg."
    confirmations.ask(session, actor(session, "lena"), lena.institution, note=note)
    session.add(Identity(issuer=SECOND, subject="sam", person=sam, name="Sam O.", mail="so@second.example"))
    old = Person(name="Samuel Okafor", email="old@second.example", welcomed_at=clock.now())
    forgotten = Identity(issuer=SECOND, subject="old", person=old, name=old.name, mail=old.email)
    session.add(forgotten)
    session.flush()
    merging.ask(session, actor(session, "sam"), sam, forgotten)


def places(portal: Portal) -> dict[str, str]:
    """What the `{...}` of the tables of addresses stand for."""
    with portal.sessions() as session:
        found = {f"proposal_{key}": proposal(session, key).ref for key in PROPOSALS}
        found |= {f"call_{key}": call(session, key).ref for key in CALLS}
        found |= {f"notebook_{_key(n.person)}": n.ref for n in session.scalars(select(Notebook))}
        imaging = proposal(session, "imaging")
        reviews = session.scalars(select(Review).where(Review.proposal_id == imaging.id)).all()
        found |= {f"review_{_key(r.reviewer)}": r.ref for r in reviews}
        found["project"] = project(session).ref
        found["member_id"] = str(next(m.id for m in project(session).members if _key(m.person) == "uma"))
        found |= _of_awards(session) | _of_datasets(session)
        found["token"] = links.invitation(SECRET, proposal(session, "soil").team[0].id)
        stuck = select(Delivery.id).where(Delivery.state == DeliveryState.STUCK)
        found["delivery_id"] = str(session.scalars(stuck.limit(1)).one())
        found |= _of_accounts(session)
        found |= {f"person_{who}": str(person(session, who).id) for who in ("ravi", "sam")}
    return found


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


def _of_datasets(session: Session) -> dict[str, str]:
    pending = select(AccessRequest).where(AccessRequest.state == RequestState.PENDING)
    return {
        "request": session.scalars(pending.limit(1)).one().ref,
        "grant_id": str(session.scalars(select(AccessGrant.id).limit(1)).one()),
    }
