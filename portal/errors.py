"""From refusals and failures to pages: a status, a sentence, never a stack trace."""

import logging
import secrets

from flask import Flask, Response, make_response, render_template, request
from flask import session as cookie
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, SecurityError

from allocations.kernel.errors import DomainError, IllegalMove, Invalid, NotAllowed, NotFound, Stale
from portal import problems
from portal.auth import cookies
from portal.auth.people import current_person
from portal.database import session

log = logging.getLogger(__name__)

# Database constraint -> form field and message: what two people at the same moment can run into.
CONSTRAINTS = {
    "uq_bid_person_id_proposal_id": ("_form", "You have just answered in another window."),
    "uq_answer_proposal_id_question_id": (
        "_form",
        "Somebody else saved an answer at the same moment. Theirs is shown below yours; saving again "
        "replaces it.",
    ),
    "uq_attachment_proposal_id_question_id": ("_form", "Somebody else sent a file at the same moment."),
    "uq_team_member_email": ("email_0", "This address is on the team already."),
    "uq_team_member_person": ("_form", "This person is on the team already."),
    "uq_review_reviewer": ("reviewer", "This person has been asked already."),
    "uq_reviewer_profile_person_id": ("_form", "You have just begun your profile in another window."),
    "uq_publication_profile_id_doi": ("doi", "This publication is in your list already."),
    "uq_personal_relation_person_id_kind_other_name_other_orcid": ("name", "You have stated this already."),
    "uq_conflict_person": ("reason", "This conflict has been declared already."),
    "uq_appeal_proposal_id": ("_form", "This appeal has just been made in another window."),
    "uq_decision_proposal_id": ("_form", "Somebody else has just decided about this proposal."),
    "uq_reservation_cause": ("_form", "This has just been started in another window."),
    "uq_confirmation_open": ("_form", "You have just asked in another window."),
    "uq_confirmation_person_id": ("_form", "You have just asked in another window."),
    "uq_merge_request_open": ("_form", "This has just been asked in another window."),
    "uq_merge_request_person_id_other_id": ("_form", "This has just been asked in another window."),
    "uq_seat_meeting_id_person_id": ("members", "Somebody else has just changed the members."),
    "uq_agenda_item_meeting_id_proposal_id": ("_form", "Somebody else has just put this on the agenda."),
    "uq_membership_person": ("_form", "This person is a member already."),
    "uq_access_grant_project_id_dataset_id": ("_form", "The project has this dataset already."),
    "uq_personal_token_person_id_nonce": ("_form", "This token has been made already, and was shown then."),
    "uq_service_token_project_id_nonce": ("_form", "This token has been made already, and was shown then."),
    "uq_resource_request_proposal_id_resource_id": ("_form", "This resource has just been added."),
    "uq_role_grant_scoped": ("_form", "This person holds the role already."),
    "uq_role_grant_everywhere": ("_form", "This person holds the role already."),
    "ck_role_grant_not_to_oneself": ("_form", "Nobody grants a role to themselves."),
    "uq_role_invitation_scoped": ("email", "This address has been invited to this role already."),
    "uq_role_invitation_everywhere": ("email", "This address has been invited to this role already."),
    "uq_identity_provider_slug": ("slug", "Another provider has this short name."),
    "uq_identity_provider_issuer": ("issuer", "Another provider has this issuer."),
    "uq_home_organisation_provider_id_entity_id": ("entity_id", "This provider names it already."),
    "uq_institution_name": ("name", "An institution of this name is in the list already."),
    "uq_institution_ror": ("ror", "An institution with this ROR id is in the list already."),
    "uq_client_client_id": ("client_id", "This client id is taken."),
    "uq_client_consent_person_id_client_id": ("_form", "You have just agreed in another window."),
    "uq_subject_person_id": ("_form", "You have just agreed in another window. Please try again."),
    "ck_ledger_account_never_overdrawn": ("_form", "There is not enough left for this amount."),
}
REFUSALS: dict[type[DomainError], int] = {
    DomainError: 409,
    NotFound: 404,
    NotAllowed: 403,
    IllegalMove: 409,
    Stale: 409,
    Invalid: 422,
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
    for kind, code in REFUSALS.items():
        app.register_error_handler(kind, _refusal(code))
    app.register_error_handler(StaleDataError, _quicker)
    app.register_error_handler(IntegrityError, _constraint)
    app.register_error_handler(DataError, _unstorable)
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _failure)


def page(code: int, message: str, reference: str = "") -> ResponseReturnValue:
    """For people; programs get the same as problem details."""
    if request.path.startswith(cookies.API):
        return problems.answer(code, message, reference=reference)
    title = TITLES.get(code, "This did not work")
    context = {"code": code, "title": title, "message": message, "reference": reference}
    return render_template("errors/error.html", **context), code


def _refusal(code: int):  # type: ignore[no-untyped-def]
    def answer(error: DomainError) -> ResponseReturnValue:
        if code in (403, 404):
            # Never the address: it can hold the token of an invitation.
            who = getattr(current_person(), "id", None)
            log.warning("refused %s %s to person-%s: %s", request.method, request.endpoint, who, error.reason)
        if isinstance(error, Invalid) and request.path.startswith(cookies.API):
            return problems.answer(code, "The body of the request is not right.", fields=error.fields)
        return page(code, error.reason)

    return answer


def _quicker(_error: StaleDataError) -> ResponseReturnValue:
    # A flush that failed leaves the session closed to the page that says so.
    session().rollback()
    return page(409, "Somebody changed this at the same moment. Load the page again to see how it stands.")


def _constraint(error: IntegrityError) -> ResponseReturnValue:
    session().rollback()
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
        413: f"What you sent is larger than {(request.max_content_length or 0) // 1_000_000} MB. Go back in "
        "your browser: what you typed is still there.",
    }
    if request.path.startswith(cookies.API):
        told[413] = "The body of a request has at most 2 MB."
    code = error.code or 500
    if code in (301, 302, 303, 307, 308):
        return error.get_response()
    if isinstance(error, SecurityError) and not request.path.startswith(cookies.API):
        # A host name that is not ours: no page could be rendered for it, nor should one.
        return Response("This is not an address of the portal.\n", 400, mimetype="text/plain")
    answer = make_response(page(code, told.get(code, error.description or "")))
    # Such as Allow, which a 405 must carry.
    answer.headers.update({name: value for name, value in error.get_headers() if name != "Content-Type"})
    return answer


def _failure(error: Exception) -> ResponseReturnValue:
    reference = secrets.token_hex(4)
    log.exception("request failed, reference %s", reference, exc_info=error)
    if not cookies.are_ignored():
        cookie.pop("_flashes", None)
    return page(500, "We have recorded what happened. Nothing was saved; please try again.", reference)
