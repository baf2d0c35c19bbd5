"""Writing a proposal: one group of questions a page, check the answers, submit, withdraw."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel
from werkzeug.wrappers import Response

from allocations.accounts.projects import ProjectRole
from allocations.kernel import units
from allocations.kernel.answers import require
from allocations.kernel.errors import Invalid
from allocations.programme import calls, decisions, proposals, shortform, substitutes, writing
from allocations.programme.proposals import Proposal
from allocations.programme.writing import Invitee, Summary, Wanted
from datasets import catalogue, requests
from portal import amounts, fields, meanwhile, science
from portal.auth.people import actor
from portal.database import session
from portal.forms import Form, posted
from portal.permissions import needs
from portal.views import sections
from portal.web import act, page, see_other

blueprint = Blueprint("writing", __name__)
# So many addresses are named after saving.
FEW = 5
LABELS = {"title": "Title", "abstract": "Abstract", "keywords": "Keywords"}
LABELS |= {"months": "Length", "starts_on": "Start", "fields_of_science": "Fields of science"}
LABELS |= {f"{name}_{place}": f"Person {place + 1}" for place in range(200) for name in ("email", "role")}


class SummaryInput(BaseModel):
    title: fields.Line
    abstract: fields.Note
    fields_of_science: list[fields.Short] = []
    keywords: fields.Line
    high_risk: list[fields.Short] = []


class PeriodInput(BaseModel):
    starts_on: fields.Day
    months: fields.Number


@blueprint.post("/calls/<ref>/apply")
@needs("call.apply")
def start(ref: str) -> ResponseReturnValue:
    call = calls.get(session(), actor(), ref)
    proposal = writing.start(session(), actor(), call)
    session().commit()
    return see_other(sections.first(proposal))


@blueprint.route("/proposals/<ref>/summary", methods=["GET", "POST"])
@needs("proposal.edit")
def summary(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)

    def save(form: Form) -> None:
        given = form.parse(SummaryInput)
        chosen = tuple(given.fields_of_science)
        if not set(chosen) <= set(science.FIELDS):
            raise Invalid({"fields_of_science": "Choose fields from the list."})
        part = Summary(given.title, given.abstract, chosen, given.keywords, "yes" in given.high_risk)
        writing.save_text(session(), actor(), proposal, part)

    earlier = sections.earlier(proposal)
    return _section("summary", proposal, save, fields_of_science=science.FIELDS, earlier=earlier)


@blueprint.route("/proposals/<ref>/resources", methods=["GET", "POST"])
@needs("proposal.edit")
def resources(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)

    def save(form: Form) -> None:
        writing.save_resources(session(), actor(), proposal, _wanted(form, proposal))

    return _section("resources", proposal, save)


@blueprint.route("/proposals/<ref>/data", methods=["GET", "POST"])
@needs("proposal.edit")
def data(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    listed = catalogue.all_datasets(session())

    def save(form: Form) -> None:
        chosen = [slug for slug in form.values.get("datasets", []) if slug]
        form.labels |= {f"use_{dataset.slug}": dataset.title for dataset in listed}
        _check_ticked(form, proposal, chosen)
        uses = {slug: _use(form, slug) for slug in chosen}
        requests.save(session(), actor(), proposal, uses)

    return _section("data", proposal, save, datasets=listed)


@blueprint.route("/proposals/<ref>/team", methods=["GET", "POST"])
@needs("proposal.edit")
def team(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)

    asked: list[str] = []

    def save(form: Form) -> None:
        members = writing.save_team(session(), actor(), proposal, _invitees(form))
        asked.extend(member.email for member in members)

    known = {member.email: member for member in proposal.listed_team}
    answer = _section("team", proposal, save, rows=_team_rows(proposal), known=known)
    if asked and isinstance(answer, Response):
        flash(_sent_to(asked), "success")
    return answer


@blueprint.get("/proposals/<ref>/check")
@needs("proposal.edit")
def check(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    return _check_page(proposal, Form())


@blueprint.post("/proposals/<ref>/submit")
@needs("proposal.submit")
def submit(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    asked = requests.of_proposal(session(), proposal)
    form = posted()

    def send() -> None:
        absent = requests.missing(asked)
        if absent and not writing.missing(proposal, writing.written_for(session(), proposal)):
            raise Invalid(absent)
        disagreed = shortform.disagreement(proposal.call, agreed=form.values.get("agree") == "yes")
        if disagreed:
            raise Invalid(disagreed)
        writing.submit(session(), actor(), proposal, annex=requests.snapshot(asked))

    if form.save(send):
        message = f"{proposal.ref} is submitted. The office screens it next; each step sends you a letter."
        return see_other(url_for("proposals.show", ref=ref), message)
    return _check_page(proposal, form)


@blueprint.post("/proposals/<ref>/withdraw")
@needs("proposal.withdraw")
def withdraw(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    here = url_for("proposals.show", ref=ref)
    return act(lambda: writing.withdraw(session(), actor(), proposal), here, "The proposal is withdrawn.")


def _section(
    name: str, proposal: Proposal, save: Callable[[Form], None], **context: Any
) -> ResponseReturnValue:
    """GET shows what is saved; POST saves and goes on to the next section, or stays with the messages."""
    _require_team(proposal)
    values = shown(session(), proposal)
    kept = sections.own(name, values)
    form = Form(values | {"seen": meanwhile.marks(kept)})
    if request.method == "POST":
        form = posted("fields_of_science", "datasets", "high_risk")
        form.labels |= LABELS | amounts.labels(proposal.call)
        saved = form.save(lambda: meanwhile.merge(form, kept, lambda: save(form)))
        if form.values.get("then") == sections.BY_ITSELF:
            return sections.saved_itself(form, sections.own(name, shown(session(), proposal)))
        if saved:
            return sections.onward(form, proposal, name)
    else:
        require(proposals.may_edit(actor(), proposal))
    return page(
        f"proposals/{name}.html",
        proposal=proposal,
        form=form,
        section=name,
        sections=sections.of(proposal),
        status=form.status,
        **context,
    )


def _require_team(proposal: Proposal) -> None:
    """These pages name everybody on the team, also where they only say why nothing can be done."""
    if not proposals.on_team(actor(), proposal):
        require(proposals.may_edit(actor(), proposal))


def _check_page(proposal: Proposal, form: Form) -> ResponseReturnValue:
    _require_team(proposal)
    asked = requests.of_proposal(session(), proposal)
    written = writing.written_for(session(), proposal)
    missing = writing.missing(proposal, written) | requests.missing(asked)
    return page(
        "proposals/check.html",
        proposal=proposal,
        terms=decisions.TERMS.split("\n") if shortform.agrees_first(proposal.call) else [],
        requests=asked,
        written=written,
        form=form,
        missing=[(message, sections.address(proposal, field)) for field, message in missing.items()],
        section="check",
        sections=sections.of(proposal),
        status=form.status,
    )


def shown(held: Any, proposal: Proposal) -> dict[str, Any]:
    """The saved proposal as form values, for every section."""
    asked = {r.dataset.slug: r.declared_use for r in requests.of_proposal(held, proposal)}
    values: dict[str, Any] = {
        name: getattr(proposal, name) for name in ("title", "abstract", "fields_of_science", "keywords")
    }
    values["high_risk"] = ["yes"] if proposal.high_risk else []
    values["starts_on"] = proposal.starts_on.isoformat() if proposal.starts_on else ""
    values["months"] = str(proposal.months)
    values["datasets"] = list(asked)
    values |= {f"use_{slug}": use for slug, use in asked.items()}
    for wanted in proposal.requests:
        values[f"amount_{wanted.resource.slug}"] = units.written(wanted.requested)
        values[f"least_{wanted.resource.slug}"] = units.written(wanted.minimum) if wanted.minimum else ""
        values[f"why_{wanted.resource.slug}"] = wanted.why
        for slug, rate in substitutes.rates(wanted).items():
            values[f"instead_{wanted.resource.slug}_{slug}"] = units.written(rate)
    for place, member in enumerate(proposal.listed_team):
        values[f"email_{place}"], values[f"role_{place}"] = member.email, str(member.role)
    return values


def _wanted(form: Form, proposal: Proposal) -> Wanted:
    wrong: dict[str, str] = {}
    period: PeriodInput | None = None
    try:
        period = form.parse(PeriodInput)
    except Invalid as error:
        wrong |= error.fields
    asks, faults = amounts.asked(form, proposal.call)
    wrong |= faults
    if period is None or wrong:
        raise Invalid(wrong)
    return Wanted(asks, period.starts_on, period.months)


def _use(form: Form, slug: str) -> str:
    text = str(form.values.get(f"use_{slug}", "")).strip()
    if len(text) > 5000:
        raise Invalid({f"use_{slug}": "At most 5,000 characters fit here."})
    return text


def _check_ticked(form: Form, proposal: Proposal, chosen: list[str]) -> None:
    """A use that was typed beside a dataset without a tick would be lost."""
    known = {f"use_{r.dataset.slug}": r.declared_use for r in requests.of_proposal(session(), proposal)}
    typed = {name: str(text).strip() for name, text in form.values.items() if name.startswith("use_")}
    lost = [
        name
        for name, text in typed.items()
        if text and text != known.get(name, "").strip() and name.removeprefix("use_") not in chosen
    ]
    if lost:
        raise Invalid(dict.fromkeys(lost, "Tick the dataset, or clear this."))


def _invitees(form: Form) -> list[Invitee]:
    found, wrong = [], {}
    for place in range(200):
        email = str(form.values.get(f"email_{place}", "")).strip()
        role = str(form.values.get(f"role_{place}", "")) or str(ProjectRole.USER)
        if not email:
            continue
        if role not in set(ProjectRole):
            wrong[f"role_{place}"] = "Choose a role from the list."
            continue
        found.append(Invitee(email, ProjectRole(role)))
    if wrong:
        raise Invalid(wrong)
    return found


def _sent_to(asked: list[str]) -> str:
    named = " and ".join(", ".join(asked).rsplit(", ", 1)) if len(asked) <= FEW else f"{len(asked)} people"
    return f"{'An invitation was' if len(asked) == 1 else 'Invitations were'} sent to {named}."


def _team_rows(proposal: Proposal) -> int:
    """As many rows as were typed, or saved, and one to spare."""
    typed = sum(name.startswith("email_") for name in request.form) + ("add" in request.form)
    return min(200, max(typed, len(proposal.listed_team) + 2))
