"""From refusals and failures to pages: a status, a sentence, never a stack trace."""

import logging
import secrets

from flask import Flask, Response, make_response, render_template
from flask import session as cookie
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, SecurityError

from allocations.kernel.errors import IllegalMove, Invalid, NotAllowed, NotFound, Stale

log = logging.getLogger(__name__)

# Database constraint -> form field and message: what two people at the same moment can run into.
CONSTRAINTS = {
    "uq_team_member_email": ("email_0", "This address is on the team already."),
    "uq_team_member_person": ("_form", "This person is on the team already."),
    "uq_review_reviewer": ("reviewer", "This person has been asked already."),
    "uq_conflict_person": ("reason", "This conflict has been declared already."),
    "uq_decision_proposal_id": ("_form", "Somebody else has just decided about this proposal."),
    "uq_reservation_cause": ("_form", "This has just been started in another window."),
    "uq_confirmation_open": ("_form", "You have just asked in another window."),
    "uq_confirmation_person_id": ("_form", "You have just asked in another window."),
    "uq_merge_request_open": ("_form", "This has just been asked in another window."),
    "uq_merge_request_person_id_other_id": ("_form", "This has just been asked in another window."),
    "uq_membership_person": ("_form", "This person is a member already."),
    "uq_access_grant_project_id_dataset_id": ("_form", "The project has this dataset already."),
    "uq_resource_request_proposal_id_resource_id": ("_form", "This resource has just been added."),
    "ck_ledger_account_never_overdrawn": ("_form", "There is not enough left for this amount."),
}
UNSTORABLE_VALUE = "This contains a character or a value that cannot be stored."
TITLES = {
    400: "This address is not right",
    403: "You cannot do this",
    404: "There is nothing here",
    405: "This cannot be done here",
    409: "Somebody was quicker",
    413: "This is too large",
    422: "Something is missing",
    429: "Too many requests",
    500: "Something went wrong on our side",
    503: "The portal is busy",
}


def field_message(error: IntegrityError) -> dict[str, str]:
    """The message for the constraint that was hit, whichever database names it."""
    text = str(error.orig)
    for name, (field, message) in CONSTRAINTS.items():
        table_columns = name.removeprefix("uq_").removeprefix("ck_")
        if name in text or _sqlite_name(text) == table_columns:
            return {field: message}
    return {"_form": "Somebody else has just done this. Load the page again to see how it stands."}


def _sqlite_name(text: str) -> str:
    """`UNIQUE constraint failed: a.b, a.c` as `a_b_c`: SQLite names columns, not constraints."""
    _, found, columns = text.partition("UNIQUE constraint failed: ")
    parts = [column.split(".") for column in columns.split(", ")] if found else []
    return "_".join([parts[0][0], *(part[-1] for part in parts)]) if parts else ""


def init(app: Flask) -> None:
    for kind, code in ((NotFound, 404), (NotAllowed, 403), (IllegalMove, 409), (Stale, 409), (Invalid, 422)):
        app.register_error_handler(kind, _refusal(code))
    app.register_error_handler(StaleDataError, _quicker)
    app.register_error_handler(IntegrityError, _constraint)
    app.register_error_handler(DataError, _unstorable)
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _failure)


def page(code: int, message: str, reference: str = "") -> ResponseReturnValue:
    title = TITLES.get(code, "This did not work")
    context = {"code": code, "title": title, "message": message, "reference": reference}
    return render_template("errors/error.html", **context), code


def _refusal(code: int):  # type: ignore[no-untyped-def]
    def answer(error: NotFound | NotAllowed | IllegalMove | Stale | Invalid) -> ResponseReturnValue:
        return page(code, error.reason)

    return answer


def _quicker(_error: StaleDataError) -> ResponseReturnValue:
    return page(409, "Somebody changed this at the same moment. Load the page again to see how it stands.")


def _constraint(error: IntegrityError) -> ResponseReturnValue:
    return page(409, next(iter(field_message(error).values())))


def _unstorable(_error: DataError) -> ResponseReturnValue:
    """Such as NUL in an address, which PostgreSQL does not even compare with."""
    return page(400, UNSTORABLE_VALUE)


def _busy(error: OperationalError) -> ResponseReturnValue:
    log.error("database: %s", error.orig)
    return page(503, "The database did not answer in time. Nothing was saved; please try again in a minute.")


def _http(error: HTTPException) -> ResponseReturnValue:
    told = {
        404: "There is nothing at this address that you can open.",
        405: "This address does not take that kind of request.",
        413: "What you sent is larger than 2 MB. Go back in your browser: your text is there to shorten.",
    }
    code = error.code or 500
    if code in (301, 302, 303, 307, 308):
        return error.get_response()
    if isinstance(error, SecurityError):
        # A host name that is not ours: no page could be rendered for it, nor should one.
        return Response("This is not an address of the portal.\n", 400, mimetype="text/plain")
    answer = make_response(page(code, told.get(code, error.description or "")))
    # Such as Allow, which a 405 must carry.
    answer.headers.update({name: value for name, value in error.get_headers() if name != "Content-Type"})
    return answer


def _failure(error: Exception) -> ResponseReturnValue:
    reference = secrets.token_hex(4)
    log.exception("request failed, reference %s", reference, exc_info=error)
    cookie.pop("_flashes", None)
    return page(500, "We have recorded what happened. Nothing was saved; please try again.", reference)
