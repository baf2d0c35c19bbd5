"""Linking: one person with several log-ins. Nothing but two fresh log-ins in one browser joins them."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import audit, clock, outbox
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.errors import IllegalMove, NotFound
from allocations.kernel.events import Event
from allocations.people import recognition
from allocations.people.institutions import IdentityProvider, ProviderKind
from allocations.people.merging import MergeRequest, ask
from allocations.people.persons import Identity, Person
from allocations.people.recognition import Claims
from allocations.people.roles import Actor


@dataclass(frozen=True, slots=True)
class IdentityLinked(Event):
    identity_id: int


@dataclass(frozen=True, slots=True)
class IdentityUnlinked(Event):
    person_id: int


def of_person(session: Session, actor: Actor) -> list[Identity]:
    """The actor's own log-ins, the first one first."""
    mine = select(Identity).where(Identity.person_id == actor.person_id, Identity.unlinked_at.is_(None))
    return list(session.scalars(mine.order_by(Identity.id)))


def addresses(session: Session, person: Person) -> tuple[str, ...]:
    """Everywhere this person can be told what happened to the account; unlinked log-ins hear it, too."""
    identities = select(Identity.mail).where(Identity.person_id == person.id, Identity.mail != "")
    return tuple(sorted({person.email, *session.scalars(identities)} - {""}))


def prove_orcid(session: Session, actor: Actor, claims: Claims) -> None:
    """A log-in at ORCID proves an iD; it opens no account and says nothing about a place."""
    if not claims.orcid:
        raise IllegalMove("That log-in named no ORCID iD.")
    person = session.get_one(Person, actor.person_id)
    person.orcid = claims.orcid
    audit.record(session, actor, "person.prove_orcid", subject=f"person-{person.id}", note=claims.orcid)


def link(
    session: Session, actor: Actor, provider: IdentityProvider, claims: Claims
) -> Identity | MergeRequest:
    """Add this log-in to the actor's account; if it has an account already, ask staff to merge the two."""
    known = _known(session, claims)
    if known is not None and known.person_id == actor.person_id and known.unlinked_at is None:
        raise IllegalMove("This log-in belongs to your account already.")
    if known is not None and known.held_at is not None:
        raise IllegalMove("This log-in is held until our staff have looked at it.")
    person = session.get_one(Person, actor.person_id)
    if known is not None and known.unlinked_at is None:
        return ask(session, actor, person, known)
    identity = known or Identity(issuer=claims.issuer, subject=claims.subject, person=person)
    identity.person, identity.unlinked_at = person, None
    recognition.refresh(session, identity, provider, claims)
    session.add(identity)
    session.flush()
    note = f"{claims.issuer} identity-{identity.id}"
    audit.record(session, actor, "identity.link", subject=f"person-{person.id}", note=note)
    outbox.put(session, IdentityLinked(identity.id))
    return identity


def _known(session: Session, claims: Claims) -> Identity | None:
    mine = (Identity.issuer == claims.issuer, Identity.subject == claims.subject)
    return session.scalar(select(Identity).where(*mine))


def get(session: Session, actor: Actor, identity_id: int) -> Identity:
    """One of the actor's own."""
    found = next((each for each in of_person(session, actor) if each.id == identity_id), None)
    if found is None:
        raise NotFound
    return found


def may_unlink(actor: Actor, identity: Identity, mine: list[Identity], in_use: Identity) -> Answer:
    return first_no(
        when(actor.is_person(identity.person_id), "This is somebody else's log-in."),
        when(len(mine) > 1, "This is your only log-in: without it you could not come back."),
        when(identity.id != in_use.id, "You are here with this log-in. Log in with another one first."),
    )


def unlink(session: Session, actor: Actor, identity: Identity, *, in_use: Identity) -> None:
    """From now on this log-in opens no door to the account; its sessions end at once."""
    require(may_unlink(actor, identity, of_person(session, actor), in_use))
    identity.unlinked_at = clock.now()
    subject = f"person-{identity.person_id}"
    audit.record(session, actor, "identity.unlink", subject=subject, note=f"identity-{identity.id}")
    outbox.put(session, IdentityUnlinked(identity.person_id))


def is_proof_only(provider: IdentityProvider) -> bool:
    """Whether linking this provider proves an iD and adds no log-in."""
    return provider.kind == ProviderKind.ORCID
