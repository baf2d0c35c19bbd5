"""Files that answer a question, sent to whoever sees the proposal."""

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from allocations.kernel.errors import NotFound
from allocations.programme import answers, proposals
from portal import uploads
from portal.attachments.files import CSV
from portal.auth.people import actor
from portal.database import session
from portal.permissions import needs

blueprint = Blueprint("files", __name__)
# Nothing in it is ever run, whatever a browser makes of it.
CLOSED = "default-src 'none'; sandbox"


def attachment(content: bytes, media_type: str, name: str) -> Response:
    """To be saved, never shown as a page of ours; `name` is plain ASCII."""
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": CLOSED,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, content_type=media_type, headers=headers)


@blueprint.get("/proposals/<ref>/files/<int:question_id>")
@needs("proposal.see")
def download(ref: str, question_id: int) -> ResponseReturnValue:
    proposal = proposals.get(session(), actor(), ref)
    question = next((one for one in proposal.call.questions if one.id == question_id), None)
    if question is None:
        raise NotFound
    file = answers.attachment(session(), proposal, question.id)
    media_type = f"{file.media_type}; charset=utf-8" if file.media_type == CSV else file.media_type
    return attachment(file.content, media_type, uploads.neutral_name(proposal, question, file))
