"""What a run of reviewer assignment is computed from: plain values, in as many statements for any call."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from allocations.people.persons import Person
from allocations.people.roles import SYSTEM
from allocations.programme import assigning, bidding, expertise, relations, reviewers
from allocations.programme.answers import Answer
from allocations.programme.calls import Call
from allocations.programme.expertise import Kind, ReviewerProfile
from allocations.programme.proposals import Proposal, State
from allocations.programme.questions import Question, QuestionKind
from allocations.programme.reviewers import Availability, Reviewer
from allocations.programme.reviews import READING, Review
from allocations.programme.runs import Run

Pair = tuple[int, int]  # proposal id, person id


@dataclass(frozen=True, slots=True)
class _Asked:
    """Reviews that there are: `kept` ones hold, the others were declined, cancelled or conflicted."""

    kept: frozenset[Pair]
    declined: frozenset[Pair]
    people: Mapping[int, Person]

    def of_people(self) -> Counter[int]:
        return Counter(person for _, person in self.kept)

    def of_proposals(self) -> Counter[int]:
        return Counter(proposal for proposal, _ in self.kept)


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What people fixed by hand, as far as it can be had; `dropped` says why the rest cannot."""

    locks: tuple[Pair, ...]
    bans: tuple[Pair, ...]
    dropped: tuple[tuple[int, int, str], ...]


def gather(session: Session, run: Run, *, text_model: str = "words") -> dict[str, Any]:
    """Everything that `jobs.assignment` needs to know. Whoever cannot take more today has no place left."""
    call = session.get_one(Call, run.call_id)
    listed = _in_review(session, call)
    known = reviewers.everybody(session, SYSTEM, call.id)
    asked = _asked(session, call)
    apart = set(relations.barred(session, [each.person for each in known], listed)) - asked.kept
    places = {each.person.id: _left(each) for each in known}
    wishes = _possible(run, [each.id for each in listed], places, apart=apart, asked=asked)
    texts = _texts(session, call, listed)
    wanted, held = run.parameters["reviewers"], asked.of_proposals()
    return {
        "proposals": [
            {
                "id": each.id,
                "text": texts[each.id],
                "fields": each.fields_of_science,
                "wanted": max(0, wanted - held[each.id]),
            }
            for each in listed
        ],
        "people": [*_people(session, known, places, asked)],
        "bids": _bids(session, call, places, apart=apart),
        "barred": _pairs(apart),
        "kept": _pairs(asked.kept),
        "declined": _pairs(asked.declined),
        "locks": _pairs(wishes.locks),
        "bans": _pairs(wishes.bans),
        "dropped": [list(each) for each in wishes.dropped],
        **{key: run.parameters[key] for key in ("spread", "limit")},
        "mix": assigning.wish_of(run).mix,
        "text_model": text_model,
    }


def _pairs(pairs: Collection[Pair]) -> list[list[int]]:
    return [list(pair) for pair in sorted(pairs)]


def _bids(
    session: Session, call: Call, places: Collection[int], *, apart: Collection[Pair]
) -> dict[str, list[list[Any]]]:
    """What reviewers have said, by person; keys are text, because that is what JSON keeps."""
    said = bidding.of_call(session, call, places)
    return {
        str(person): [[proposal, str(value)] for proposal, value in each if (proposal, person) not in apart]
        for person, each in sorted(said.items())
    }


def _in_review(session: Session, call: Call) -> Sequence[Proposal]:
    query = select(Proposal).where(Proposal.call_id == call.id, Proposal.state == State.IN_REVIEW)
    loaded = (selectinload(Proposal.team), selectinload(Proposal.requests))
    return session.scalars(query.options(*loaded).order_by(Proposal.id)).all()


def _asked(session: Session, call: Call) -> _Asked:
    query = (
        select(Review.proposal_id, Review.state, Person)
        .join(Person, Person.id == Review.reviewer_id)
        .join(Proposal, Proposal.id == Review.proposal_id)
        .where(Proposal.call_id == call.id, Proposal.state == State.IN_REVIEW)
    )
    rows = session.execute(query).all()
    return _Asked(
        frozenset((proposal, person.id) for proposal, state, person in rows if state in READING),
        frozenset((proposal, person.id) for proposal, state, person in rows if state not in READING),
        {person.id: person for _, state, person in rows if state in READING},
    )


def _left(reviewer: Reviewer) -> int:
    free = reviewer.availability == Availability.AVAILABLE
    return reviewer.most - reviewer.load if free else 0


def _texts(session: Session, call: Call, listed: Sequence[Proposal]) -> dict[int, str]:
    """Title, abstract and the answers in words of each proposal."""
    query = (
        select(Answer.proposal_id, Answer.text)
        .join(Question, Question.id == Answer.question_id)
        .where(Question.call_id == call.id, Question.kind == QuestionKind.TEXT)
        .order_by(Question.position)
    )
    answered: dict[int, list[str]] = {}
    for proposal_id, text in session.execute(query):
        answered.setdefault(proposal_id, []).append(text)
    return {
        each.id: "\n".join([each.title, each.abstract, *answered.get(each.id, [])]).strip() for each in listed
    }


def _people(
    session: Session, known: Sequence[Reviewer], places: Mapping[int, int], asked: _Asked
) -> Iterator[dict[str, Any]]:
    """The reviewers, and whoever reviews here already although they are no reviewer any more."""
    written, held = expertise.texts(session, places), asked.of_people()
    for each in sorted(known, key=lambda one: one.person.id):
        fields = each.profile.fields_of_science if each.profile else []
        cap = places[each.person.id] + held[each.person.id]
        papers = written[each.person.id]
        yield _one(each.person, cap, roles=_roles(each.profile), fields=fields, papers=papers)
    for person_id in sorted(set(asked.people) - set(places)):
        person = asked.people[person_id]
        yield _one(person, held[person_id], roles=_roles(None), fields=(), papers=())


def _roles(profile: ReviewerProfile | None) -> list[str]:
    """What a mix of reviewers may ask for."""
    kind = str(profile.kind if profile else Kind.DOMAIN)
    return [kind, str(profile.seniority)] if profile and profile.seniority else [kind]


def _one(
    person: Person, cap: int, *, roles: Sequence[str], fields: Sequence[str], papers: Sequence[str]
) -> dict[str, Any]:
    return {
        "id": person.id,
        # Reviews of this call that the person has already count in it.
        "cap": cap,
        "institution": str(person.institution_id or ""),
        "roles": list(roles),
        "fields": list(fields),
        "papers": list(papers),
    }


def _possible(
    run: Run, proposals: Collection[int], places: Mapping[int, int], *, apart: Collection[Pair], asked: _Asked
) -> _Wishes:
    known, left = set(proposals), dict(places)
    bans = {(p, r) for p, r in run.parameters.get("bans", []) if p in known} - asked.kept
    locks, dropped = [], []
    for proposal, person in sorted((p, r) for p, r in run.parameters.get("locks", []) if p in known):
        if (proposal, person) in asked.kept | bans:
            continue
        why = _hindered((proposal, person), left, apart=apart, asked=asked)
        if why:
            dropped.append((proposal, person, why))
        else:
            left[person] -= 1
            locks.append((proposal, person))
    return _Wishes(tuple(locks), tuple(sorted(bans)), tuple(dropped))


def _hindered(pair: Pair, left: Mapping[int, int], *, apart: Collection[Pair], asked: _Asked) -> str:
    """Why a pair that an officer fixed cannot be had, in words that follow the name."""
    if pair[1] not in left:
        return "is not a reviewer of this programme any more"
    if pair in apart:
        return "has a conflict of interest with this proposal"
    if pair in asked.declined:
        return "has declined, or the request was cancelled"
    return "" if left[pair[1]] else "has no free place"
