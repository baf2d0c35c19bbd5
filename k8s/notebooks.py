"""Notebooks: interactive servers of a project's members; what is wanted, and the verbs."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    false,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload

from allocations.accounts import courses, reservations
from allocations.accounts.awards import Allocation, AllocationState
from allocations.accounts.projects import LEADERS, Membership, Project, may_work
from allocations.accounts.resources import Kind
from allocations.kernel import audit, clock, outbox, units
from allocations.kernel.answers import Answer, first_no, require, when
from allocations.kernel.db import Base
from allocations.kernel.errors import Invalid
from allocations.kernel.events import Event
from allocations.kernel.refs import Referenced, checked, id_of
from allocations.people.persons import Person
from allocations.people.roles import SYSTEM, Actor, Role
from datasets import grants
from k8s import clusters
from k8s.clusters import Cluster
from k8s.due import Due
from k8s.images import BY_SLUG

MOST_HOURS = 72


@dataclass(frozen=True, slots=True)
class NotebookStarted(Event):
    notebook_id: int


@dataclass(frozen=True, slots=True)
class NotebookStopped(Event):
    notebook_id: int


class Phase(enum.StrEnum):
    QUEUED = "queued"
    PULLING = "pulling"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


LIVE = frozenset({Phase.QUEUED, Phase.PULLING, Phase.STARTING, Phase.RUNNING, Phase.STOPPING})


class Notebook(Due, Referenced, Base):
    """A row a notebook; each start is a new run, with a pod and a reservation of its own."""

    __tablename__ = "notebook"
    __table_args__ = (
        CheckConstraint("gpus BETWEEN 1 AND 64", "gpus_range"),
        CheckConstraint("hours BETWEEN 1 AND 168", "hours_range"),
        Index("ix_notebook_project", "project_id", "id"),
    )
    PREFIX: ClassVar[str] = "NB"

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"), init=False)
    project: Mapped[Project] = relationship(lazy="joined", innerjoin=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False, index=True)
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)
    allocation_id: Mapped[int] = mapped_column(ForeignKey("allocation.id"), init=False, index=True)
    allocation: Mapped[Allocation] = relationship(lazy="joined", innerjoin=True)
    cluster_id: Mapped[int] = mapped_column(ForeignKey("cluster.id"), init=False, index=True)
    cluster: Mapped[Cluster] = relationship(lazy="joined", innerjoin=True)
    image: Mapped[str] = mapped_column(String(40))
    gpus: Mapped[int]
    hours: Mapped[int]
    datasets: Mapped[list[str]]
    run: Mapped[int] = mapped_column(default=1)
    wanted: Mapped[bool] = mapped_column(default=True)
    # Why it is not wanted any more, in words for people.
    reason: Mapped[str] = mapped_column(Text, default="")
    phase: Mapped[Phase] = mapped_column(default=Phase.QUEUED)
    # What the cluster says about a notebook that is waiting or has failed.
    message: Mapped[str] = mapped_column(Text, default="")
    address: Mapped[str] = mapped_column(String(500), default="")
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    ends_at: Mapped[datetime | None] = mapped_column(default=None)
    active_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def pod(self) -> str:
        return f"{self.ref.lower()}-r{self.run}"

    @property
    def cause(self) -> str:
        """Names this run in the ledger."""
        return f"{self.ref} run {self.run}"


@dataclass(frozen=True, slots=True)
class Order:
    """What a member picks; `allocation` is a public reference."""

    allocation: str
    image: str
    gpus: int
    hours: int
    datasets: tuple[str, ...]


def visible(actor: Actor) -> ColumnElement[bool]:
    """Members see their project's notebooks; opening one is another matter."""
    if actor.has(Role.ADMINISTRATOR):
        return true()
    if actor.project_id is not None:
        return Notebook.project_id == actor.project_id
    if actor.person_id is None:
        return false()
    mine = select(Membership.project_id).where(Membership.person_id == actor.person_id)
    return Notebook.project_id.in_(mine)


def get(session: Session, actor: Actor, ref: str) -> Notebook:
    query = select(Notebook).where(Notebook.id == id_of(Notebook, ref), visible(actor))
    return checked(session.scalar(query.options(selectinload(Notebook.project, Project.members))), ref)


def of_project(
    session: Session, project: Project, *, before: int | None = None, size: int = 50
) -> Sequence[Notebook]:
    """Newest first, by keyset."""
    older = Notebook.id < before if before is not None else true()
    query = select(Notebook).where(Notebook.project_id == project.id, older)
    return session.scalars(query.order_by(Notebook.id.desc()).limit(size)).all()


def usable(session: Session, project: Project) -> Sequence[Allocation]:
    """GPU allocations of the project, active ones first."""
    query = select(Allocation).where(Allocation.project_id == project.id)
    found = [a for a in session.scalars(query.order_by(Allocation.id)) if a.resource.kind == Kind.GPU]
    return sorted(found, key=lambda a: a.state != AllocationState.ACTIVE)


def may_start(actor: Actor, project: Project, allocations: Sequence[Allocation]) -> Answer:
    active = any(allocation.state == AllocationState.ACTIVE for allocation in allocations)
    return first_no(
        may_work(actor, project),
        when(active, "The project has no active GPU allocation at the moment."),
    )


def may_open(actor: Actor, notebook: Notebook) -> Answer:
    return first_no(
        when(actor.is_person(notebook.person_id), "Only the person who started a notebook opens it."),
        may_work(actor, notebook.project),
        when(notebook.phase == Phase.RUNNING and notebook.wanted, f"The notebook is {notebook.phase}."),
    )


def may_stop(actor: Actor, notebook: Notebook) -> Answer:
    mine = actor.answerable_id == notebook.person_id
    leads = notebook.project.role_of(actor) in LEADERS
    return first_no(
        when(mine or leads, "Only its owner and the project's leaders stop a notebook."),
        when(notebook.wanted, "The notebook is stopped or stopping already."),
    )


def may_restart(actor: Actor, notebook: Notebook) -> Answer:
    over = notebook.phase in (Phase.STOPPED, Phase.FAILED) and not notebook.wanted
    return first_no(
        when(actor.is_person(notebook.person_id), "Only its owner restarts a notebook."),
        may_work(actor, notebook.project),
        when(over, f"The notebook is {notebook.phase}; wait until it has stopped."),
        when(
            notebook.allocation.state == AllocationState.ACTIVE,
            f"The allocation is {notebook.allocation.state}.",
        ),
    )


def start(session: Session, actor: Actor, project: Project, order: Order) -> Notebook:
    """Reserve the units, then ask for the notebook; both or neither."""
    allocations = {a.ref: a for a in usable(session, project)}
    require(may_start(actor, project, list(allocations.values())))
    if order.allocation not in allocations:
        raise Invalid({"allocation": "Choose one of the project's allocations."})
    allocation = allocations[order.allocation]
    home = clusters.of_resource(session, allocation.resource_id)
    if home is None:
        raise Invalid({"allocation": "No cluster serves this resource yet."})
    _check(session, project, order, most=home[1].most_at_once)
    notebook = Notebook(
        project=project,
        person=session.get_one(Person, actor.answerable_id),
        allocation=allocation,
        cluster=home[0],
        image=order.image,
        gpus=order.gpus,
        hours=order.hours,
        datasets=list(dict.fromkeys(order.datasets)),
    )
    session.add(notebook)
    session.flush()
    _reserve(session, notebook)
    audit.record(session, actor, "notebook.start", subject=notebook.ref, note=project.ref)
    outbox.put(session, NotebookStarted(notebook.id))
    return notebook


def _check(session: Session, project: Project, order: Order, *, most: int) -> None:
    wrong: dict[str, str] = {}
    if order.image not in BY_SLUG:
        wrong["image"] = "Choose one of the images."
    if not 1 <= order.gpus <= most:
        wrong["gpus"] = f"Choose between 1 and {most} GPUs."
    if not 1 <= order.hours <= MOST_HOURS:
        wrong["hours"] = f"Choose between 1 and {MOST_HOURS} hours."
    granted = {grant.dataset.slug for grant in grants.live(session, project.id)}
    if not set(order.datasets) <= granted:
        wrong["datasets"] = "The project has no access to one of these datasets."
    if wrong:
        raise Invalid(wrong)


def _reserve(session: Session, notebook: Notebook) -> None:
    amount = notebook.gpus * notebook.hours * units.MICRO
    reservations.reserve(session, notebook.allocation, amount, cause=notebook.cause)
    _check_allowance(session, notebook)


def _check_allowance(session: Session, notebook: Notebook) -> None:
    """Students of a course have a limit. Asked after reserving, which lets nobody else in meanwhile."""
    left = courses.allowance(session, notebook.project, notebook.person_id)
    if left is None:
        return
    session.flush()
    mine = (Notebook.project_id == notebook.project_id, Notebook.person_id == notebook.person_id)
    live = session.scalars(select(Notebook).where(*mine, or_(Notebook.wanted, Notebook.phase.in_(LIVE))))
    held = reservations.held(session, [one.cause for one in live])
    if held > left:
        amount = notebook.gpus * notebook.hours * units.MICRO
        rest = units.shown(max(0, left - held + amount))
        raise Invalid({"hours": f"In this course you may still use {rest} GPU-hours. Choose fewer hours."})


def stop(session: Session, actor: Actor, notebook: Notebook) -> None:
    require(may_stop(actor, notebook))
    end(session, notebook, reason=f"Stopped by {actor.name}.")
    audit.record(session, actor, "notebook.stop", subject=notebook.ref)


def end(session: Session, notebook: Notebook, *, reason: str) -> None:
    """Not wanted any more; the worker stops it and settles the reservation."""
    notebook.wanted, notebook.reason, notebook.due_at = False, reason, clock.now()
    outbox.put(session, NotebookStopped(notebook.id))


def restart(session: Session, actor: Actor, notebook: Notebook) -> None:
    """A new run with the same choices; the home folder is the same."""
    session.refresh(notebook, ["wanted", "phase", "run"], with_for_update=True)
    require(may_restart(actor, notebook))
    granted = {grant.dataset.slug for grant in grants.live(session, notebook.project_id)}
    notebook.datasets = [slug for slug in notebook.datasets if slug in granted]
    notebook.run += 1
    notebook.wanted, notebook.phase, notebook.reason, notebook.message = True, Phase.QUEUED, "", ""
    notebook.started_at = notebook.ends_at = notebook.active_at = None
    notebook.address, notebook.due_at = "", clock.now()
    _reserve(session, notebook)
    audit.record(session, actor, "notebook.restart", subject=notebook.ref)
    outbox.put(session, NotebookStarted(notebook.id))


def end_where_not_allowed(session: Session, project_id: int) -> None:
    """Stop what may not run any more: allocation off, owner disabled or gone, dataset revoked."""
    granted = {grant.dataset.slug for grant in grants.live(session, project_id)}
    query = select(Notebook).where(Notebook.project_id == project_id, Notebook.wanted)
    loaded = query.options(selectinload(Notebook.project, Project.members)).order_by(Notebook.id)
    for notebook in session.scalars(loaded).all():
        reason = _not_allowed(notebook, granted)
        if reason:
            end(session, notebook, reason=reason)
            audit.record(session, SYSTEM, "notebook.stop", subject=notebook.ref, note=reason)


def end_of_person(session: Session, person_id: int) -> None:
    """Somebody was disabled: look at each project where a notebook of theirs is wanted."""
    mine = select(Notebook.project_id).where(Notebook.person_id == person_id, Notebook.wanted)
    for project_id in session.scalars(mine.distinct().order_by(Notebook.project_id)).all():
        end_where_not_allowed(session, project_id)


def _not_allowed(notebook: Notebook, granted: set[str]) -> str:
    if notebook.allocation.state != AllocationState.ACTIVE:
        return f"The allocation is {notebook.allocation.state}."
    if all(member.person_id != notebook.person_id for member in notebook.project.members):
        return "Its owner is no longer a member of the project."
    if notebook.person.disabled_at is not None:
        return "Its owner is disabled."
    lost = set(notebook.datasets) - granted
    return f"Access to {', '.join(sorted(lost))} has ended." if lost else ""
