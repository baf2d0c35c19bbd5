"""Projects: list, page with balances and burn-down, members, and an allocation's ledger."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.accounts import awards, projects, usage
from allocations.accounts.projects import Membership, Project, ProjectRole
from allocations.kernel.answers import require
from allocations.kernel.errors import NotFound
from allocations.programme import joining
from allocations.programme.writing import Invitee
from datasets import catalogue, grants
from k8s import namespaces, notebooks
from portal import fields, statements
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs, query
from portal.web import act, before, page, see_other

blueprint = Blueprint("projects", __name__)
PAGE = 25


class InviteInput(BaseModel):
    email: fields.Line
    role: ProjectRole


@blueprint.get("/projects")
@needs("project.see")
@query("before")
def index() -> ResponseReturnValue:
    found = projects.page(session(), actor(), before=before(), size=PAGE)
    return page("projects/index.html", projects=found, older=found[-1].id if len(found) == PAGE else None)


@blueprint.get("/projects/<ref>")
@needs("project.see")
def show(ref: str) -> ResponseReturnValue:
    project = projects.get(session(), actor(), ref)
    lines = statements.of_project(session(), project)
    return page(
        "projects/show.html",
        project=project,
        lines=lines,
        spaces=namespaces.of_project(session(), project.id),
        notebooks=notebooks.of_project(session(), project, size=10),
        grants=grants.live(session(), project.id),
        usable=[line.allocation for line in lines if line.charged],
    )


@blueprint.get("/projects/<ref>/data")
@needs("project.see")
def data(ref: str) -> ResponseReturnValue:
    project = projects.get(session(), actor(), ref)
    held = grants.live(session(), project.id)
    known = {grant.dataset_id for grant in held}
    others = [d for d in catalogue.all_datasets(session()) if d.id not in known and not d.needs_approval]
    return page("projects/data.html", project=project, grants=held, others=others)


@blueprint.post("/projects/<ref>/data")
@needs("access_grant.add_open")
def add_data(ref: str) -> ResponseReturnValue:
    project = projects.get(session(), actor(), ref)
    dataset = catalogue.get(session(), request.form.get("dataset", ""))
    here = url_for("projects.data", ref=ref)
    until = statements.last_end(session(), project)
    added = f"{dataset.title} will be mounted in new notebooks."
    return act(lambda: grants.add_open(session(), actor(), project, dataset, until=until), here, added)


@blueprint.route("/projects/<ref>/members/invite", methods=["GET", "POST"])
@needs("project.manage_members")
def invite(ref: str) -> ResponseReturnValue:
    project = projects.get(session(), actor(), ref)
    form = Form({"role": "user"})
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _invite(form, project)):
            return see_other(url_for("projects.show", ref=ref), "The invitation is on its way.")
    else:
        require(projects.may_manage_members(actor(), project))
    return page("projects/invite.html", project=project, form=form, status=form.status)


def _invite(form: Form, project: Project) -> None:
    given = form.parse(InviteInput)
    joining.invite(session(), actor(), project, Invitee(given.email, given.role))


@blueprint.post("/projects/<ref>/members/sponsor")
@needs("project.sponsor")
def sponsor(ref: str) -> ResponseReturnValue:
    project = projects.get(session(), actor(), ref)
    member = _named(project)
    here = url_for("projects.show", ref=ref)
    done = f"You sponsor {member.person.name} for a year."
    return act(lambda: projects.sponsor(session(), actor(), project, member), here, done)


def _named(project: Project) -> Membership:
    named = request.form.get("member", "")
    member = next((m for m in project.members if str(m.id) == named), None)
    if member is None:
        raise NotFound
    return member


@blueprint.post("/projects/<ref>/members/remove")
@needs("project.remove_member")
def remove_member(ref: str) -> ResponseReturnValue:
    project = projects.get(session(), actor(), ref)
    member = _named(project)
    here = url_for("projects.show", ref=ref)
    removed = f"{member.person.name} is no longer a member."
    return act(lambda: projects.remove_member(session(), actor(), project, member), here, removed)


@blueprint.get("/allocations/<ref>")
@needs("allocation.see")
@query("before")
def allocation(ref: str) -> ResponseReturnValue:
    """The ledger of one allocation, newest first."""
    found = awards.get(session(), actor(), ref)
    entries = usage.entries(session(), found, before=before(), size=PAGE)
    records = usage.recent(session(), found)
    return page(
        "projects/allocation.html",
        allocation=found,
        line=statements.of_allocation(session(), found),
        entries=statements.readable(session(), found, entries),
        records=statements.with_names(session(), records),
        older=entries[-1].id if len(entries) == PAGE else None,
    )
