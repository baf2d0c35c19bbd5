"""Reviewer profiles: what somebody knows, how much they take at once, when they are away."""

import enum
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload

from allocations.kernel import audit, clock
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import IllegalMove, Invalid, Stale
from allocations.kernel.refs import checked, id_of
from allocations.people.persons import Person
from allocations.people.roles import Actor, Role, RoleGrant, live

# Open reviews at once: of whoever has not said, and the most that anybody may say.
USUAL, MOST = 6, 30
KEYWORDS = 500


class Kind(enum.StrEnum):
    """What somebody judges: the science, or whether the plan runs on the machines."""

    DOMAIN = "domain"
    TECHNICAL = "technical"


class Seniority(enum.StrEnum):
    """How long somebody has been in research, as far as the mix of reviewers cares."""

    EARLY = "early_career"
    EXPERIENCED = "experienced"
    SENIOR = "senior"


class Publication(Base):
    __tablename__ = "publication"
    __table_args__ = (UniqueConstraint("profile_id", "doi"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    profile_id: Mapped[int] = mapped_column(ForeignKey("reviewer_profile.id"), init=False)
    title: Mapped[str] = mapped_column(String(500))
    abstract: Mapped[str] = mapped_column(Text)
    year: Mapped[int]
    doi: Mapped[str | None] = mapped_column(String(200), default=None)
    # As `authorship` writes them: a line each, with the ORCID iD where it is known.
    authors: Mapped[str] = mapped_column(Text, default="")

    @property
    def text(self) -> str:
        return f"{self.title}\n{self.abstract}".strip()


class ReviewerProfile(Base):
    """What somebody can judge; of somebody who reviews nothing, the list of publications alone."""

    __tablename__ = "reviewer_profile"
    __table_args__ = (
        UniqueConstraint("person_id"),
        CheckConstraint(f"most BETWEEN 1 AND {MOST}", "most_range"),
        CheckConstraint("(away_from IS NULL) = (away_until IS NULL)", "away_both"),
        CheckConstraint("away_until >= away_from", "away_in_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    fields_of_science: Mapped[list[str]] = mapped_column(default_factory=list)
    keywords: Mapped[str] = mapped_column(Text, default="")
    kind: Mapped[Kind] = mapped_column(default=Kind.DOMAIN)
    # Nothing when nobody has said; then they count neither as senior nor as early career.
    seniority: Mapped[Seniority | None] = mapped_column(default=None)
    most: Mapped[int] = mapped_column(default=USUAL)
    away_from: Mapped[date | None] = mapped_column(default=None)
    away_until: Mapped[date | None] = mapped_column(default=None)
    # When the reviewer last said that this is right.
    confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(init=False)
    publications: Mapped[list[Publication]] = relationship(
        init=False, cascade="all, delete-orphan", order_by=(Publication.year.desc(), Publication.id)
    )
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    def away(self, day: date) -> bool:
        return bool(self.away_from and self.away_until and self.away_from <= day <= self.away_until)


@dataclass(frozen=True, slots=True)
class ProfileDraft:
    """A profile as its reviewer writes it; away without a first day is away from today."""

    fields_of_science: tuple[str, ...] = ()
    keywords: str = ""
    kind: Kind = Kind.DOMAIN
    most: int = USUAL
    away_from: date | None = None
    away_until: date | None = None
    seniority: Seniority | None = None


def may_edit(actor: Actor, person: Person) -> Answer:
    """To write the reviewer profile of this person: nobody speaks for another's expertise."""
    holds = actor.has(Role.REVIEWER) or bool(actor.scopes(Role.REVIEWER))
    return first_no(
        when(actor.is_person(person.id), "A reviewer profile is written by the reviewer alone."),
        when(holds, "Only reviewers have a profile. The programme office invites reviewers."),
    )


def may_keep(actor: Actor, person: Person) -> Answer:
    """To keep the list of this person's publications; applicants do, too: co-authors are found by it."""
    return when(actor.is_person(person.id), "Everybody keeps their own list of publications.")


def of_person(session: Session, person: Person) -> ReviewerProfile:
    """The profile with its publications; an empty one, not stored yet, for whoever has written none."""
    mine = select(ReviewerProfile).where(ReviewerProfile.person_id == person.id)
    found = session.scalar(mine.options(selectinload(ReviewerProfile.publications)))
    return found or ReviewerProfile(person_id=person.id)


def locked(session: Session, actor: Actor, person: Person) -> ReviewerProfile:
    """The stored profile, for verbs that count its publications: one after the other, also from two tabs."""
    require(may_keep(actor, person))
    mine = select(ReviewerProfile).where(ReviewerProfile.person_id == person.id).with_for_update()
    loaded = mine.options(selectinload(ReviewerProfile.publications))
    found = session.scalar(loaded.execution_options(populate_existing=True))
    if found is None:
        found = ReviewerProfile(person_id=person.id)
        session.add(found)
    return found


def texts(session: Session, person_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Each person's publications, newest first, each a text of its own: title and abstract."""
    query = (
        select(ReviewerProfile.person_id, Publication)
        .join(Publication, Publication.profile_id == ReviewerProfile.id)
        .where(ReviewerProfile.person_id.in_(person_ids))
        .order_by(Publication.year.desc(), Publication.id)
    )
    found: dict[int, tuple[str, ...]] = dict.fromkeys(person_ids, ())
    for person_id, publication in session.execute(query):
        found[person_id] += (publication.text,)
    return found


def save(
    session: Session, actor: Actor, person: Person, *, draft: ProfileDraft, version: int | None = None
) -> ReviewerProfile:
    """Whoever saves has looked at it: saving confirms. `version` is 0 when there was no profile yet."""
    require(may_edit(actor, person))
    begins, ends = _absence(draft)
    _check(draft)
    profile = of_person(session, person)
    if profile.id is not None and version is not None and version != profile.version:
        raise Stale
    profile.fields_of_science, profile.keywords = list(draft.fields_of_science), draft.keywords
    profile.kind, profile.most, profile.seniority = draft.kind, draft.most, draft.seniority
    profile.away_from, profile.away_until = begins, ends
    profile.confirmed_at = clock.now()
    session.add(profile)
    audit.record(session, actor, "reviewer_profile.save", subject=person.ref)
    return profile


def may_say_seniority(actor: Actor, person: Person) -> Answer:
    """To say how senior a reviewer is; they see it in their profile and can change it."""
    return first_no(
        when(actor.has(Role.PROGRAMME_OFFICER), "Only programme officers say this of somebody else."),
        when(person.disabled_at is None, "This account is closed."),
    )


def get_reviewer(session: Session, actor: Actor, ref: str) -> Person:
    """A reviewer of whom this actor may say it; nobody else is there."""
    holding = select(RoleGrant.person_id).where(RoleGrant.role == Role.REVIEWER, live())
    query = select(Person).where(Person.id == id_of(Person, ref), Person.id.in_(holding))
    found = session.scalar(query) if actor.has(Role.PROGRAMME_OFFICER) else None
    person = checked(found, ref)
    require(may_say_seniority(actor, person))
    return person


def say_seniority(session: Session, actor: Actor, person: Person, *, seniority: Seniority | None) -> None:
    """In place of what stood there, whoever said that. Nothing else is touched, and nothing confirmed."""
    require(may_say_seniority(actor, person))
    profile = of_person(session, person)
    if profile.seniority == seniority:
        return
    profile.seniority = seniority
    session.add(profile)
    said = str(seniority or "not said").replace("_", " ")
    audit.record(session, actor, "reviewer_profile.say_seniority", subject=person.ref, note=said)


def _check(draft: ProfileDraft) -> None:
    wrong = {}
    if not draft.fields_of_science:
        wrong["fields_of_science"] = "Choose at least one field of science."
    if not 1 <= draft.most <= MOST:
        wrong["most"] = f"Enter a number from 1 to {MOST}."
    if len(draft.keywords) > KEYWORDS:
        wrong["keywords"] = f"These are {len(draft.keywords):,} characters; at most {KEYWORDS:,} fit here."
    if wrong:
        raise Invalid(wrong)


def _absence(draft: ProfileDraft) -> tuple[date | None, date | None]:
    if draft.away_until is None and draft.away_from is None:
        return None, None
    if draft.away_until is None:
        raise Invalid({"away_until": "Say until when you are away, so that you are asked again afterwards."})
    begins = draft.away_from or min(clock.today(), draft.away_until)
    if draft.away_until < begins:
        raise Invalid({"away_until": "This day is before the first day away."})
    return begins, draft.away_until


def confirm(session: Session, actor: Actor, person: Person) -> None:
    """I have checked this, and it is right."""
    require(may_edit(actor, person))
    profile = of_person(session, person)
    if not profile.fields_of_science:
        raise IllegalMove("Save your profile first: there is nothing in it that could be right.")
    if profile.confirmed_at is not None and profile.confirmed_at.date() == clock.today():
        raise IllegalMove("You have confirmed this today already.")
    profile.confirmed_at = clock.now()
    audit.record(session, actor, "reviewer_profile.confirm", subject=person.ref)
