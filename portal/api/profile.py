"""Who the token speaks for."""

from flask import Blueprint
from pydantic import BaseModel

from allocations.people import persons
from portal.api.operations import operation
from portal.auth.people import actor
from portal.auth.tokens import Scope
from portal.database import session
from portal.permissions import machine

blueprint = Blueprint("profile", __name__)


class Me(BaseModel):
    name: str
    email: str
    institution: str | None
    orcid: str | None


@blueprint.get("/me")
@machine("home.see")
@operation(Me, scope=Scope.READ_PROFILE)
def show() -> Me:
    """The person whose token this is."""
    person = persons.get(session(), actor())
    home = person.institution.name if person.institution else None
    return Me(name=person.name, email=person.email, institution=home, orcid=person.orcid or None)
