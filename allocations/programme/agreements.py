"""Standing agreements: a provider consents ahead to every award that a call makes of its pool."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from allocations.accounts.pools import Pool
from allocations.accounts.resources import Resource
from allocations.kernel import audit, clock
from allocations.kernel.answers import Answer, require, when
from allocations.kernel.errors import IllegalMove, NotFound
from allocations.people.roles import Actor, Role
from allocations.programme import calls
from allocations.programme.calls import Call, CallPool, CallState

MOST = 100


def may_agree_ahead(actor: Actor, link: CallPool) -> Answer:
    """To agree ahead, and to take that back."""
    provider = link.pool.resource.provider
    operates = actor.has(Role.PROVIDER_OPERATOR, provider.id)
    return when(operates, f"Only {provider.name} can answer for its resource.")


def may_list(actor: Actor) -> Answer:
    operates = actor.has(Role.PROVIDER_OPERATOR) or actor.scopes(Role.PROVIDER_OPERATOR)
    return when(operates, "Only the operators of a provider agree ahead.")


def visible(actor: Actor) -> ColumnElement[bool]:
    """Of resources: those of the providers that the actor operates."""
    everywhere = actor.has(Role.PROVIDER_OPERATOR)
    return true() if everywhere else Resource.provider_id.in_(actor.scopes(Role.PROVIDER_OPERATOR))


def offered(session: Session, actor: Actor) -> Sequence[tuple[Call, CallPool]]:
    """The pools of published calls that this operator can answer for, newest call first.

    A call that has closed still awards until it is concluded; it stands behind those that have not.
    """
    require(may_list(actor))
    query = select(Call, CallPool).join(CallPool, CallPool.call_id == Call.id)
    query = query.join(Pool, CallPool.pool_id == Pool.id).join(Resource, Pool.resource_id == Resource.id)
    query = query.where(Call.state == CallState.PUBLISHED, visible(actor))
    ordered = query.order_by(Call.closes_at <= clock.now(), Call.id.desc(), CallPool.pool_id).limit(MOST)
    return [(call, link) for call, link in session.execute(ordered)]


def get(session: Session, actor: Actor, ref: str, *, slug: str) -> CallPool:
    """The pool of this resource in a published call, for whoever operates it."""
    call = calls.get(session, actor, ref)
    for link in call.pools if call.state == CallState.PUBLISHED else ():
        if link.pool.resource.slug == slug and may_agree_ahead(actor, link):
            return link
    raise NotFound


def agree_ahead(session: Session, actor: Actor, link: CallPool) -> None:
    """From now on an award within the ceiling needs no answer of the provider."""
    require(may_agree_ahead(actor, link))
    if link.agreed_at is not None:
        raise IllegalMove(f"{link.agreed_by} has agreed to this already.")
    link.agreed_at, link.agreed_by, link.agreed_by_id = clock.now(), actor.name, actor.person_id
    call = session.get_one(Call, link.call_id)
    note = link.pool.resource.name
    audit.record(session, actor, "call_pool.agree_ahead", subject=call.ref, note=note)


def take_back(session: Session, actor: Actor, link: CallPool) -> None:
    """Awards that were made meanwhile keep their consent; later ones are asked about one by one."""
    require(may_agree_ahead(actor, link))
    if link.agreed_at is None:
        raise IllegalMove("There is no agreement to take back.")
    link.agreed_at, link.agreed_by, link.agreed_by_id = None, "", None
    call = session.get_one(Call, link.call_id)
    audit.record(session, actor, "call_pool.take_back", subject=call.ref, note=link.pool.resource.name)
