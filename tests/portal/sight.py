"""Who may see what of the demo programme: one table from the rows, not from the portal's queries."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts.awards import Allocation, Award
from allocations.accounts.projects import Membership, Project
from allocations.people.persons import Person
from allocations.programme.calls import Call
from allocations.programme.conflicts import Conflict
from allocations.programme.meetings import AgendaItem, Meeting, Seat
from allocations.programme.proposals import Proposal
from allocations.programme.reviews import Review
from allocations.programme.teams import TeamMember
from datasets.grants import AccessGrant
from datasets.requests import AccessRequest
from k8s.notebooks import Notebook
from portal.demo.cast import PEOPLE
from tests.portal import stage

CAST = tuple(PEOPLE)
OFFICER, CHAIR, OPERATOR, CUSTODIAN, ADMINISTRATOR = "owen", "chen", "pat", "dana", "ada"
UNFINISHED = {"draft", "returned"}


@dataclass(frozen=True)
class Thing:
    """One object: its kind, what stands for it in addresses, the title it shows, and who sees it."""

    kind: str
    ref: str
    title: str
    seen_by: frozenset[str]

    @property
    def named_to(self) -> frozenset[str]:
        """The office reads on a project's page which notebooks it has; it opens none of them. Administrators
        read the names of calls where they give roles on them.
        """
        more = {"notebook": {OFFICER}, "call": {ADMINISTRATOR}}
        return self.seen_by | more.get(self.kind, set())


class Facts:
    """People by number, teams, members and conflicts, read once."""

    def __init__(self, session: Session) -> None:
        # Whoever is not of the cast has written or reviewed something, and never logs in.
        self.names = {person.id: person.name for person in session.scalars(select(Person))}
        self.names |= {stage.person(session, who).id: who for who in CAST}
        self.houses = {self.names[one.id]: one.institution_id for one in session.scalars(select(Person))}
        accepted = [member for member in session.scalars(select(TeamMember)) if member.state == "accepted"]
        self.team = {(member.proposal_id, self.names[member.person_id or 0]) for member in accepted}
        members = session.scalars(select(Membership))
        self.members = {(member.project_id, self.names[member.person_id]) for member in members}
        conflicts = session.scalars(select(Conflict))
        self.conflicts = {(found.proposal_id, self.names[found.person_id]) for found in conflicts}
        self.titles = {project.id: project.title for project in session.scalars(select(Project))}
        reviews = [found for found in session.scalars(select(Review)) if is_open(found)]
        live = select(AgendaItem.proposal_id, Seat.person_id).join(
            Meeting, Meeting.id == AgendaItem.meeting_id
        )
        live = live.join(Seat, Seat.meeting_id == Meeting.id).where(Meeting.state != "closed")
        self.seated = {(proposal, self.names[one]) for proposal, one in session.execute(live)}
        self.reviewers = {(found.proposal_id, self.names[found.reviewer_id]) for found in reviews}


def is_open(review: Review) -> bool:
    return str(review.state) in {"invited", "accepted", "submitted"}


def sees_proposal(facts: Facts, proposal: Proposal, who: str) -> bool:
    here, state = (proposal.id, who), str(proposal.state)
    judged = (
        who == CHAIR and state not in UNFINISHED | {"withdrawn"},
        here in facts.reviewers and state not in UNFINISHED,
        here in facts.seated and state not in UNFINISHED | {"submitted", "withdrawn"},
    )
    # Whoever only judges, and works at the PI's institution, does not see it.
    judges = any(judged) and facts.houses[who] != facts.houses[facts.names[proposal.pi_id]]
    ways = (
        judges,
        who == OPERATOR and state == "submitted" and str(proposal.step) == "technical",
        facts.names[proposal.pi_id] == who,
        here in facts.team,
        who == OFFICER and state != "draft",
    )
    return any(ways) and here not in facts.conflicts


def sees_review(facts: Facts, review: Review, who: str) -> bool:
    mine = facts.names[review.reviewer_id] == who and is_open(review)
    return mine and sees_proposal(facts, review.proposal, who)


def sees_project(facts: Facts, project: Project, who: str) -> bool:
    return (project.id, who) in facts.members or who in (OFFICER, ADMINISTRATOR)


def sees_allocation(facts: Facts, allocation: Allocation, who: str) -> bool:
    member = (allocation.project_id, who) in facts.members
    return member or who in (OPERATOR, OFFICER, ADMINISTRATOR)


def sees_call(_facts: Facts, call: Call, who: str) -> bool:
    return str(call.state) != "draft" or who == OFFICER


def sees_notebook(facts: Facts, notebook: Notebook, who: str) -> bool:
    return (notebook.project_id, who) in facts.members or who == ADMINISTRATOR


def sees_request(_facts: Facts, asked: AccessRequest, who: str) -> bool:
    return who == CUSTODIAN and str(asked.state) != "draft"


def of_project(facts: Facts, row: Allocation | Award | Notebook) -> str:
    return facts.titles[row.project_id]


# Kind -> rows, the rule, the title that its pages show.
Rule = Callable[[Facts, Any, str], bool]
Title = Callable[[Facts, Any], str]
KINDS: Mapping[str, tuple[type[Any], Rule, Title]] = {
    "proposal": (Proposal, sees_proposal, lambda _facts, row: str(row.title)),
    "review": (Review, sees_review, lambda _facts, row: str(row.proposal.title)),
    "call": (Call, sees_call, lambda _facts, row: str(row.title)),
    "project": (Project, sees_project, lambda _facts, row: str(row.title)),
    "award": (Award, lambda facts, row, who: sees_project(facts, row.project, who), of_project),
    "allocation": (Allocation, sees_allocation, of_project),
    "notebook": (Notebook, sees_notebook, of_project),
    "request": (AccessRequest, sees_request, lambda _facts, row: str(row.proposal.title)),
    "grant": (AccessGrant, lambda _facts, _row, who: who == CUSTODIAN, lambda _facts, _row: ""),
}


def things(session: Session) -> list[Thing]:
    facts = Facts(session)
    found = []
    for kind, (rows, rule, title) in KINDS.items():
        for row in session.scalars(select(rows).order_by(rows.id)):
            seen = frozenset(who for who in CAST if rule(facts, row, who))
            found.append(Thing(kind, getattr(row, "ref", "") or str(row.id), title(facts, row), seen))
    return found


def secret_titles(listed: Iterable[Thing], who: str) -> set[str]:
    """Titles of which this person sees no object at all."""
    listed = list(listed)
    known = {thing.title for thing in listed if who in thing.named_to}
    return {thing.title for thing in listed if thing.title} - known


def reviewers(session: Session) -> dict[str, str]:
    """Short name of every expert who was ever asked for a review, with the name on pages.

    Applicants who review each other are known as such.
    """
    return {
        review.reviewer.email.split("@")[0]: review.reviewer.name
        for review in session.scalars(select(Review).where(~Review.is_duty))
    }
