"""Submitted versions: read, compared, as PDF files; and a draft as its reviewers would read it."""

from itertools import groupby

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from allocations.kernel.errors import NotFound
from allocations.people.roles import VISITOR
from allocations.programme import contents, disclosure, proposals, writing
from allocations.programme.contents import Lines, Part
from allocations.programme.proposals import Proposal, ProposalVersion
from datasets import requests
from portal import uploads
from portal.attachments.files import PDF
from portal.auth.people import actor
from portal.database import session
from portal.documents.papers import Grid, Paper, Prose, Section, proposal_pdf
from portal.permissions import needs, query
from portal.views.files import attachment
from portal.web import page

blueprint = Blueprint("versions", __name__)


@blueprint.get("/proposals/<ref>/versions")
@needs("proposal.see")
@query("old", "new")
def index(ref: str) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    known = {version.number: version for version in proposals.versions(session(), proposal)}
    told = {number: _parts(proposal, version) for number, version in known.items()}
    old, new = _chosen("old", known), _chosen("new", known)
    return page(
        "proposals/versions.html",
        proposal=proposal,
        versions=list(known.values()),
        parts=told,
        old=old or max(1, len(known) - 1),
        new=new or len(known),
        changes=contents.changes(told[old], told[new]) if old and new else None,
        is_rows=lambda part: isinstance(part, Lines),
    )


@blueprint.get("/proposals/<ref>/versions/<int:number>.pdf")
@needs("proposal.see")
def pdf(ref: str, number: int) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    known = {version.number: version for version in proposals.versions(session(), proposal)}
    if number not in known:
        raise NotFound
    content = proposal_pdf(_paper(proposal, known[number]))
    return attachment(content, PDF, uploads.named(ref, f"version {number}", ".pdf"))


@blueprint.get("/proposals/<ref>/preview")
@needs("proposal.see")
def preview(ref: str) -> ResponseReturnValue:
    """The reviewers' reading view of what is written now, with the eyes of somebody outside."""
    proposal = proposals.get(session(), actor(), ref)
    return page(
        "proposals/preview.html",
        proposal=proposal,
        requests=requests.of_proposal(session(), proposal),
        written=writing.written_for(session(), proposal),
        shows_team=lambda shown: disclosure.shows_team(VISITOR, shown),
        pi_line=lambda shown: disclosure.pi_line(VISITOR, shown),
    )


def _chosen(key: str, known: dict[int, ProposalVersion]) -> int | None:
    text = request.args.get(key)
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) not in known:
        abort(400, "The address names no version of this proposal.")
    return int(text)


def _parts(proposal: Proposal, version: ProposalVersion) -> list[Part]:
    return contents.parts(version.content, names=disclosure.shows_team(actor(), proposal))


def _paper(proposal: Proposal, version: ProposalVersion) -> Paper:
    """People stand in a section of their own, which is there for those only who may know them."""
    found = _parts(proposal, version)
    grouped = groupby(found[1:], key=lambda part: part.section)
    return Paper(
        reference=f"{proposal.ref}, version {version.number}",
        title=str(version.content.get("title", "")),
        call=proposal.call.title,
        submitted_at=version.submitted_at,
        # It covers the names as well: whoever guesses them could check the guess with it.
        digest=version.digest if disclosure.shows_team(actor(), proposal) else "",
        people=(),
        sections=tuple(Section(name, tuple(map(_printed, parts))) for name, parts in grouped),
    )


def _printed(part: Part) -> Prose | Grid:
    if isinstance(part, Lines):
        return Grid(part.label, part.columns, part.rows)
    return Prose(part.label, part.text)
