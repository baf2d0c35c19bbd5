"""Publications of a person: added by hand or from a list, and removed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from allocations.kernel import audit, clock
from allocations.kernel.errors import IllegalMove, Incomplete, Invalid, NotFound
from allocations.people.persons import Person
from allocations.people.roles import Actor
from allocations.programme import authorship, bibliography, expertise
from allocations.programme.bibliography import Refusal
from allocations.programme.expertise import Publication, ReviewerProfile

MOST = 60
TITLE, ABSTRACT, EARLIEST = 500, 10_000, 1900
DOI = re.compile(r"10\.\d{4,9}/[!-~]{1,180}")
PREFIX = re.compile(r"\s*(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PublicationDraft:
    title: str
    abstract: str
    year: int
    doi: str = ""
    authors: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that was read: what can be taken in, and the lines that cannot."""

    drafts: tuple[PublicationDraft, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of a list: added, and in the profile already."""

    added: int
    known: int


def read(text: str) -> Listed:
    """BibTeX, RIS or CSV; every line that cannot become a publication is named, in order."""
    reading, drafts = bibliography.read(text), []
    refused = list(reading.refused)
    for entry in reading.entries:
        try:
            drafts.append(_draft(entry.values))
        except Invalid as error:
            refused.append(Refusal(entry.line, " ".join(error.fields.values())))
    return Listed(tuple(drafts), tuple(sorted(refused, key=lambda one: one.line)))


def add(session: Session, actor: Actor, person: Person, *, draft: PublicationDraft) -> Publication:
    profile = expertise.locked(session, actor, person)
    clean = checked(draft)
    if _marks(clean.doi, clean.title, clean.year) & _known(profile.publications):
        raise IllegalMove("This publication is in your list already.")
    _limit(profile, 1, "title")
    added = _put(profile, clean)
    audit.record(session, actor, "publication.add", subject=person.ref, note=clean.title[:200])
    return added


def remove(session: Session, actor: Actor, person: Person, *, publication_id: int) -> None:
    profile = expertise.locked(session, actor, person)
    found = next((each for each in profile.publications if each.id == publication_id), None)
    if found is None:
        raise NotFound
    profile.publications.remove(found)
    audit.record(session, actor, "publication.remove", subject=person.ref, note=found.title[:200])


def take_in(
    session: Session, actor: Actor, person: Person, *, listed: Listed, leave_out: bool = False
) -> TakenIn:
    """All of a list or none of it; with `leave_out`, all of it that could be read.

    What is in the profile already, or twice in the list, is there once afterwards.
    """
    profile = expertise.locked(session, actor, person)
    if listed.refused and not leave_out:
        count = len(listed.refused)
        lines = "1 line" if count == 1 else f"{count:,} lines"
        raise Invalid({"text": f"{lines} cannot be taken in; see below why. Nothing has been added yet."})
    if not listed.drafts:
        raise Incomplete({"text": "There is no publication in this."})
    known, fresh = _known(profile.publications), list[PublicationDraft]()
    for draft in listed.drafts:
        marks = _marks(draft.doi, draft.title, draft.year)
        if not marks & known:
            fresh.append(draft)
        known |= marks
    _limit(profile, len(fresh), "text")
    for draft in fresh:
        _put(profile, draft)
    if fresh:
        audit.record(
            session, actor, "publication.import", subject=person.ref, note=f"{len(fresh)} publications"
        )
    return TakenIn(len(fresh), len(listed.drafts) - len(fresh))


def checked(draft: PublicationDraft) -> PublicationDraft:
    """With the DOI as it is registered and one space between words; raises Invalid."""
    title, abstract = " ".join(draft.title.split()), draft.abstract.strip()
    doi = PREFIX.sub("", draft.doi, count=1).strip().lower()
    latest, wrong = clock.today().year + 1, {}
    if not title:
        wrong["title"] = "There is no title."
    if len(title) > TITLE:
        wrong["title"] = f"The title is {len(title):,} characters long; at most {TITLE:,} fit."
    if len(abstract) > ABSTRACT:
        wrong["abstract"] = f"The abstract is {len(abstract):,} characters long; at most {ABSTRACT:,} fit."
    if not EARLIEST <= draft.year <= latest:
        wrong["year"] = f"The year is not one from {EARLIEST} to {latest}."
    if doi and not DOI.fullmatch(doi):
        wrong["doi"] = "The DOI does not look like one, such as 10.1000/182."
    if wrong:
        raise Invalid(wrong)
    authors = authorship.written(authorship.read(draft.authors))
    return replace(draft, title=title, abstract=abstract, doi=doi, authors=authors)


def _draft(values: Mapping[str, str]) -> PublicationDraft:
    year = values["year"].strip()
    number = int(year) if re.fullmatch(r"[0-9]{4}", year) else 0
    draft = PublicationDraft(values["title"], values["abstract"], number, values["doi"], values["authors"])
    return checked(draft)


def _marks(doi: str | None, title: str, year: int) -> set[str]:
    """By what a publication is known again. A preprint and its article have DOIs of their own."""
    return {doi} if doi else {f"{year} {title.casefold()}"}


def _known(publications: Iterable[Publication]) -> set[str]:
    return {mark for each in publications for mark in _marks(each.doi, each.title, each.year)}


def _limit(profile: ReviewerProfile, more: int, field: str) -> None:
    held = len(profile.publications)
    if held + more > MOST:
        words = f"You have {held} publications and add {more}; at most {MOST} fit. Keep those that say most."
        raise Invalid({field: words})


def _put(profile: ReviewerProfile, draft: PublicationDraft) -> Publication:
    added = Publication(
        title=draft.title,
        abstract=draft.abstract,
        year=draft.year,
        doi=draft.doi or None,
        authors=draft.authors,
    )
    profile.publications.append(added)
    return added
