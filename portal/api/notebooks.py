"""Notebooks of a project: list, one, start, stop."""

from datetime import datetime
from typing import Any

from flask import Blueprint
from pydantic import BaseModel, Field

from allocations.accounts import projects
from k8s import notebooks
from k8s.notebooks import Order, Phase
from portal import fields
from portal.api.operations import PAGE, Body, Page, body, older, operation
from portal.auth.people import actor
from portal.auth.tokens import Scope
from portal.database import session
from portal.permissions import allowed, machine, query
from portal.web import before

blueprint = Blueprint("notebooks", __name__)
RULES = ("notebook.stop",)


class NotebookLine(BaseModel):
    ref: str
    person: str
    image: str
    gpus: int
    hours: int
    phase: Phase
    wanted: bool
    started_at: datetime | None
    ends_at: datetime | None


class Notebook(NotebookLine):
    project: str
    allocation: str
    datasets: list[str]
    reason: str
    message: str
    allowed: list[str]


class NotebookOrder(Body):
    """What to start: an allocation of the project by its reference, an image, and how long."""

    allocation: fields.Short
    image: fields.Short
    gpus: int
    hours: int
    datasets: list[fields.Short] = Field(default_factory=list)


@blueprint.get("/projects/<ref>/notebooks")
@machine("project.see")
@query("before")
@operation(Page[NotebookLine], scope=Scope.READ_PROJECTS)
def index(ref: str) -> Page[NotebookLine]:
    """Notebooks of a project."""
    project = projects.get(session(), actor(), ref)
    found = notebooks.of_project(session(), project, before=before(), size=PAGE)
    return Page[NotebookLine](items=[NotebookLine(**_line(row)) for row in found], older=older(found))


@blueprint.get("/notebooks/<ref>")
@machine("notebook.see")
@operation(Notebook, scope=Scope.READ_PROJECTS)
def show(ref: str) -> Notebook:
    """One notebook, to ask how far it is."""
    return _whole(notebooks.get(session(), actor(), ref))


@blueprint.post("/projects/<ref>/notebooks")
@machine("notebook.start")
@operation(Notebook, scope=Scope.NOTEBOOKS, status=201, takes=NotebookOrder)
def start(ref: str) -> Notebook:
    """Start a notebook. Sent twice, it starts two."""
    project = projects.get(session(), actor(), ref)
    given = body(NotebookOrder)
    order = Order(given.allocation, given.image, given.gpus, given.hours, tuple(given.datasets))
    notebook = notebooks.start(session(), actor(), project, order)
    session().commit()
    return _whole(notebook)


@blueprint.post("/notebooks/<ref>/stop")
@machine("notebook.stop")
@operation(Notebook, scope=Scope.NOTEBOOKS)
def stop(ref: str) -> Notebook:
    """Stop a notebook; the answer comes before it has stopped."""
    notebook = notebooks.get(session(), actor(), ref)
    notebooks.stop(session(), actor(), notebook)
    session().commit()
    return _whole(notebook)


def _line(row: notebooks.Notebook) -> dict[str, Any]:
    plain = ("ref", "image", "gpus", "hours", "phase", "wanted", "started_at", "ends_at")
    return {name: getattr(row, name) for name in plain} | {"person": row.person.name}


def _whole(row: notebooks.Notebook) -> Notebook:
    return Notebook(
        **_line(row),
        project=row.project.ref,
        allocation=row.allocation.ref,
        datasets=row.datasets,
        reason=row.reason,
        message=row.message,
        allowed=allowed(actor(), RULES, row),
    )
