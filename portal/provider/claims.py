"""What a client is told of a person: by the scopes agreed to, and as it is at this moment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts.awards import Allocation, AllocationState
from allocations.accounts.projects import Membership, Project, ProjectRole
from allocations.kernel import clock
from k8s import names
from portal.provider import subjects
from portal.provider.families import Family
from portal.settings import Settings

# Under it all groups of this portal stand; also the first part of user names on clusters.
COMMUNITY = "commons"
USER_PREFIX = f"{COMMUNITY}:"


@dataclass(frozen=True, slots=True)
class Place:
    """This portal, as tokens name it."""

    issuer: str
    namespace: str
    authority: str


def place(settings: Settings) -> Place:
    host = urlsplit(settings.public_url).hostname or "localhost"
    return Place(settings.public_url, settings.urn_namespace, host)


def user_name(person_id: int) -> str:
    """Cluster names of people are this behind a prefix, so that role bindings hold as they are."""
    return names.subject(person_id).removeprefix(USER_PREFIX)


def of_family(session: Session, family: Family, scope: str, where: Place) -> dict[str, Any]:
    """The same in id tokens, at userinfo and in introspection."""
    found: dict[str, Any] = {"sub": subjects.known(session, family.person_id)}
    for name in scope.split():
        if name in _BY_SCOPE:
            found |= _BY_SCOPE[name](session, family, where)
    return found


def of_log_in(family: Family) -> dict[str, Any]:
    """When and how well the person proved who it is. Only what the registry believes is in the session."""
    known = {"auth_time": int(family.auth_time.timestamp())}
    named = family.acr.startswith("https://")
    return known | ({"acr": family.acr} if named else {})


def _openid(session: Session, family: Family, where: Place) -> dict[str, Any]:
    """Of the identity used, never added up with others of the same person."""
    return {"eduperson_assurance": family.identity.assurance} if family.identity.assurance else {}


def _profile(session: Session, family: Family, where: Place) -> dict[str, Any]:
    told = {"name": family.person.name, "preferred_username": user_name(family.person_id)}
    home = family.identity.affiliations
    return told | ({"voperson_external_affiliation": home} if home else {})


def _email(session: Session, family: Family, where: Place) -> dict[str, Any]:
    """People type it themselves."""
    return {"email": family.person.email, "email_verified": False}


def _groups(session: Session, family: Family, where: Place) -> dict[str, Any]:
    joined = [f"{COMMUNITY}:{project.ref}" for project, _ in memberships(session, family.person_id)]
    return {"groups": joined, "preferred_username": user_name(family.person_id)}


def _entitlements(session: Session, family: Family, where: Place) -> dict[str, Any]:
    told: list[str] = []
    for project, role in memberships(session, family.person_id):
        told += [group(where, project), group(where, project, role)]
    told += [resource(where, allocation) for allocation in usable(session, family.person_id)]
    return {"eduperson_entitlement": told}


_BY_SCOPE: dict[str, Callable[[Session, Family, Place], dict[str, Any]]] = {
    "openid": _openid,
    "profile": _profile,
    "email": _email,
    "groups": _groups,
    "entitlements": _entitlements,
}


def memberships(session: Session, person_id: int) -> Sequence[tuple[Project, ProjectRole]]:
    query = select(Project, Membership.role).join(Membership, Membership.project_id == Project.id)
    mine = query.where(Membership.person_id == person_id).order_by(Project.id)
    return [(project, role) for project, role in session.execute(mine)]


def usable(session: Session, person_id: int) -> Sequence[Allocation]:
    """Active allocations of the person's projects, in their time."""
    now = clock.now()
    joined = select(Membership.project_id).where(Membership.person_id == person_id)
    query = select(Allocation).where(
        Allocation.project_id.in_(joined),
        Allocation.state == AllocationState.ACTIVE,
        Allocation.starts_at <= now,
        Allocation.ends_at > now,
    )
    return session.scalars(query.order_by(Allocation.id)).all()


def group(where: Place, project: Project, role: ProjectRole | None = None) -> str:
    """AARC-G069: the project as a group; with a role for those who hold it."""
    held = f":role={role}" if role else ""
    return f"urn:{where.namespace}:group:{COMMUNITY}:{project.ref}{held}#{where.authority}"


def resource(where: Place, allocation: Allocation) -> str:
    """AARC-G027: the resource and the allocation that opens it."""
    return f"urn:{where.namespace}:res:{allocation.resource.slug}:{allocation.ref}#{where.authority}"
