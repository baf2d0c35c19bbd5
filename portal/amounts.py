"""Amounts of resources in a form, in whole units as people write them.

`amount_…` for each resource; in a proposal also `least_…`, `why_…` and `instead_…_…`.
"""

from collections.abc import Mapping

from allocations.accounts.resources import Resource
from allocations.kernel import units
from allocations.kernel.errors import Invalid
from allocations.programme import substitutes
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal
from allocations.programme.writing import Ask
from portal.forms import Form

LONGEST = 5000


def shown(proposal: Proposal, amounts: Mapping[str, int] | None = None) -> dict[str, str]:
    """These amounts, else the recommended ones, else what was requested."""
    noted = substitutes.recommended(proposal) if amounts is None else amounts
    return {f"amount_{slug}": units.written(noted.get(slug, 0)) for slug in substitutes.slugs(proposal)}


def typed(form: Form, proposal: Proposal) -> dict[str, int]:
    """Of what the proposal could be given: micro-units by resource slug; an empty field is nothing."""
    wrong: dict[str, str] = {}
    found = {slug: _read(form, f"amount_{slug}", wrong) or 0 for slug in substitutes.slugs(proposal)}
    if wrong:
        raise Invalid(wrong)
    return found


def noted(proposal: Proposal) -> dict[str, str]:
    """The recommended amounts; empty fields as long as there are none."""
    if all(request.recommended is None for request in proposal.requests):
        return {f"amount_{slug}": "" for slug in substitutes.slugs(proposal)}
    return shown(proposal)


def all_typed(form: Form, proposal: Proposal) -> dict[str, int]:
    """Like `typed`, but what was asked for cannot stay empty: nobody gets nothing by an oversight."""
    fields = [f"amount_{request.resource.slug}" for request in proposal.requests]
    empty = {name: "Enter an amount, or 0 for none." for name in fields if not _text(form, name)}
    if empty:
        raise Invalid(empty)
    return typed(form, proposal)


def asked(form: Form, call: Call) -> tuple[tuple[Ask, ...], dict[str, str]]:
    """What is asked for of what the call offers, and messages by field for what cannot be read."""
    asks, wrong = [], dict[str, str]()
    for resource in call.resources:
        amount, why = f"amount_{resource.slug}", _text(form, f"why_{resource.slug}")
        if len(why) > LONGEST:
            wrong[f"why_{resource.slug}"] = f"At most {LONGEST:,} characters fit here."
        if not _text(form, amount):
            if why:
                wrong[amount] = "Enter how much you need, or clear the explanation."
            continue
        number, least = _read(form, amount, wrong), _read(form, f"least_{resource.slug}", wrong)
        instead = _instead(form, call, resource, wrong=wrong)
        if number is not None:
            asks.append(Ask(resource.slug, number, why, least, instead))
    return tuple(asks), wrong


def labels(call: Call) -> dict[str, str]:
    """What each field is about, for the list of errors."""
    pairs = ((each, other) for each in call.resources for other in _others(call, each))
    named = {f"instead_{one.slug}_{other.slug}": f"{other.name} for {one.name}" for one, other in pairs}
    plain = ((name, each) for each in call.resources for name in ("amount", "least", "why"))
    return named | {f"{name}_{each.slug}": each.name for name, each in plain}


def _others(call: Call, resource: Resource) -> list[Resource]:
    """What of the call could stand in for this resource."""
    return [other for other in call.resources if substitutes.are_alike(resource, other)]


def _instead(form: Form, call: Call, resource: Resource, *, wrong: dict[str, str]) -> dict[str, int]:
    names = {other.slug: f"instead_{resource.slug}_{other.slug}" for other in _others(call, resource)}
    rates = {slug: _read(form, name, wrong) for slug, name in names.items()}
    return {slug: rate for slug, rate in rates.items() if rate is not None}


def _read(form: Form, name: str, wrong: dict[str, str]) -> int | None:
    """None for an empty field, and for one that cannot be read: `wrong` then says why."""
    text = _text(form, name)
    try:
        return units.micro(text) if text else None
    except ValueError as error:
        wrong[name] = f"{error}."
        return None


def _text(form: Form, name: str) -> str:
    return str(form.values.get(name, "")).strip()
