"""Projects: the list, and one with its members, balances and namespaces."""

from datetime import datetime

from flask import Blueprint
from pydantic import BaseModel

from allocations.accounts import projects
from allocations.accounts.awards import AllocationState
from allocations.accounts.projects import ProjectRole
from k8s import namespaces
from k8s.namespaces import Phase, ProjectNamespace
from portal import statements
from portal.api.operations import PAGE, Amount, Page, amount, older, operation
from portal.auth.people import actor
from portal.auth.tokens import Scope
from portal.database import session
from portal.permissions import allowed, machine, query
from portal.statements import Line
from portal.web import before

blueprint = Blueprint("projects", __name__)
RULES = ("project.manage_members", "project.see", "project.work")


class ProjectLine(BaseModel):
    ref: str
    title: str
    pi: str
    members: int


class Member(BaseModel):
    name: str
    institution: str | None
    role: ProjectRole
    since: datetime


class AllocationBalance(BaseModel):
    """`awarded` is what was granted; of it, `charged` is used, `reserved` held, `left` free."""

    ref: str
    resource: str
    unit: str
    state: AllocationState
    starts_at: datetime
    ends_at: datetime
    awarded: Amount
    charged: Amount
    reserved: Amount
    left: Amount


class Namespace(BaseModel):
    cluster: str
    name: str
    phase: Phase


class Project(BaseModel):
    ref: str
    title: str
    summary: str
    members: list[Member]
    allocations: list[AllocationBalance]
    namespaces: list[Namespace]
    allowed: list[str]


@blueprint.get("/projects")
@machine("project.see")
@query("before")
@operation(Page[ProjectLine], scope=Scope.READ_PROJECTS)
def index() -> Page[ProjectLine]:
    """Projects that the token's holder sees."""
    found = projects.page(session(), actor(), before=before(), size=PAGE)
    lines = [ProjectLine(ref=p.ref, title=p.title, pi=p.pi.name, members=len(p.members)) for p in found]
    return Page[ProjectLine](items=lines, older=older(found))


@blueprint.get("/projects/<ref>")
@machine("project.see")
@operation(Project, scope=Scope.READ_PROJECTS)
def show(ref: str) -> Project:
    """One project with members, balances and namespaces."""
    project = projects.get(session(), actor(), ref)
    spaces = namespaces.of_project(session(), project.id)
    return Project(
        ref=project.ref,
        title=project.title,
        summary=project.summary,
        members=[_member(member) for member in project.members],
        allocations=[_balance(line) for line in statements.of_project(session(), project)],
        namespaces=[_namespace(space) for space in spaces],
        allowed=allowed(actor(), RULES, project),
    )


def _member(row: projects.Membership) -> Member:
    home = row.person.institution.name if row.person.institution else None
    return Member(name=row.person.name, institution=home, role=row.role, since=row.since)


def _balance(line: Line) -> AllocationBalance:
    allocation = line.allocation
    return AllocationBalance(
        ref=allocation.ref,
        resource=allocation.resource.slug,
        unit=allocation.resource.unit,
        state=allocation.state,
        starts_at=allocation.starts_at,
        ends_at=allocation.ends_at,
        awarded=amount(line.granted),
        charged=amount(line.used),
        reserved=amount(line.reserved),
        left=amount(line.left),
    )


def _namespace(space: ProjectNamespace) -> Namespace:
    return Namespace(cluster=space.cluster.name, name=space.name, phase=space.phase)
