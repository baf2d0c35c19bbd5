"""Notebooks: start, watch, open, stop, restart."""

from collections.abc import Sequence

from flask import Blueprint, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from allocations.accounts import ledger, projects, usage
from allocations.accounts.awards import Allocation, AllocationState
from allocations.accounts.ledger import Purpose
from allocations.accounts.projects import Project
from allocations.kernel.answers import require
from datasets import grants
from k8s import clusters, notebooks
from k8s.images import IMAGES
from k8s.notebooks import Notebook, Order, Phase
from portal import fields, links
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs
from portal.web import act, page, see_other

blueprint = Blueprint("notebooks", __name__)
STEPS = (Phase.QUEUED, Phase.PULLING, Phase.STARTING, Phase.RUNNING)
STEP_WORDS = {
    Phase.QUEUED: "Waiting for a GPU",
    Phase.PULLING: "Fetching the software",
    Phase.STARTING: "Starting JupyterLab",
    Phase.RUNNING: "Ready to open",
}


class OrderInput(BaseModel):
    allocation: fields.Short
    image: fields.Short
    gpus: fields.Number
    hours: fields.Number
    datasets: list[fields.Short] = []


@blueprint.route("/projects/<ref>/notebooks/new", methods=["GET", "POST"])
@needs("notebook.start")
def new(ref: str) -> ResponseReturnValue:
    project = projects.get(session(), actor(), ref)
    usable = notebooks.usable(session(), project)
    held = [grant.dataset for grant in grants.live(session(), project.id)]
    form = _fresh(usable, [dataset.slug for dataset in held])
    if request.method == "POST":
        form = posted("datasets")
        started: list[Notebook] = []
        if form.save(lambda: started.append(_start(form, project))):
            return see_other(url_for("notebooks.show", ref=started[0].ref))
    answer = notebooks.may_start(actor(), project, usable)
    if not answer and not form.errors:
        form.errors["_form"], form.status = answer.reason, 403
    balances = ledger.balances(session(), [ledger.allocation(a.id) for a in usable])
    left = {a.id: balances.get(ledger.allocation(a.id), {}).get(Purpose.AVAILABLE, 0) for a in usable}
    most = clusters.most_at_once(session(), [a.resource_id for a in usable])
    context = {"project": project, "form": form, "usable": usable, "left": left, "datasets": held}
    startable = (most.get(a.resource_id, 0) for a in usable if a.state == AllocationState.ACTIVE)
    context |= {"most": most, "most_gpus": max(startable, default=0) or None}
    return page("notebooks/new.html", images=IMAGES, status=form.status, **context)


@blueprint.get("/notebooks/<ref>")
@needs("notebook.see")
def show(ref: str) -> ResponseReturnValue:
    notebook = notebooks.get(session(), actor(), ref)
    return _status_page("notebooks/show.html", notebook)


@blueprint.get("/notebooks/<ref>/status")
@needs("notebook.see")
def status(ref: str) -> ResponseReturnValue:
    """The fragment that the page asks for again while something is moving."""
    notebook = notebooks.get(session(), actor(), ref)
    return _status_page("notebooks/_status.html", notebook)


def _status_page(template: str, notebook: Notebook) -> ResponseReturnValue:
    cost = usage.charged_for(session(), notebook.allocation_id, notebook.ref)
    return page(template, notebook=notebook, steps=_steps(notebook), cost=cost)


@blueprint.get("/notebooks/<ref>/open")
@needs("notebook.open", personal=True)
def enter(ref: str) -> ResponseReturnValue:
    """On to the notebook's own origin; its token goes with the person, once, and is then a cookie there."""
    notebook = notebooks.get(session(), actor(), ref)
    require(notebooks.may_open(actor(), notebook))
    token = links.notebook_token(str(current_app.secret_key), notebook.pod)
    answer = redirect(f"{notebook.address}/lab?token={token}", 303)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@blueprint.post("/notebooks/<ref>/stop")
@needs("notebook.stop")
def stop(ref: str) -> ResponseReturnValue:
    notebook = notebooks.get(session(), actor(), ref)
    here = url_for("notebooks.show", ref=ref)
    return act(lambda: notebooks.stop(session(), actor(), notebook), here, "The notebook is stopping.")


@blueprint.post("/notebooks/<ref>/restart")
@needs("notebook.restart")
def restart(ref: str) -> ResponseReturnValue:
    notebook = notebooks.get(session(), actor(), ref)
    here = url_for("notebooks.show", ref=ref)
    return act(lambda: notebooks.restart(session(), actor(), notebook), here)


def _start(form: Form, project: Project) -> Notebook:
    given = form.parse(OrderInput)
    order = Order(given.allocation, given.image, given.gpus, given.hours, tuple(given.datasets))
    return notebooks.start(session(), actor(), project, order)


def _fresh(usable: Sequence[Allocation], datasets: list[str]) -> Form:
    first = next(iter(usable), None)
    return Form(
        {
            "allocation": first.ref if first else "",
            "image": IMAGES[0].slug,
            "gpus": "1",
            "hours": "2",
            "datasets": datasets,
        }
    )


def _steps(notebook: Notebook) -> list[tuple[str, str]]:
    """The way to a running notebook, for the progress list; empty when it is not on that way."""
    if notebook.phase not in STEPS or not notebook.wanted:
        return []
    here = STEPS.index(notebook.phase)
    states = ["done" if n < here else "current" if n == here else "todo" for n in range(len(STEPS))]
    if notebook.phase == Phase.RUNNING:
        states = ["done"] * len(STEPS)
    return [(STEP_WORDS[step], state) for step, state in zip(STEPS, states, strict=True)]
