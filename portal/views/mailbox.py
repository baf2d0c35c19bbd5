"""The local mailbox: letters that a portal without a mail server would have sent."""

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue

from portal import mail
from portal.auth.people import current_person
from portal.database import session
from portal.permissions import needs, query
from portal.web import before, page, settings

blueprint = Blueprint("mailbox", __name__)
PAGE = 25


@blueprint.get("/mailbox")
@needs("mailbox.see", personal=True)
@query("before")
def index() -> ResponseReturnValue:
    """Only the person's own address, and only where no mail server delivers.

    Closed to whoever views as the person: letters hold links that act for their reader.
    """
    person = current_person()
    if settings().smtp_url or person is None:
        abort(404)
    found = mail.letters_to(session(), person.email, before=before(), size=PAGE)
    return page("mailbox/index.html", letters=found, older=found[-1].id if len(found) == PAGE else None)
