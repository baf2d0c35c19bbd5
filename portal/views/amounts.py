"""Amounts of resources in a form: `amount_…`, `least_…`, `instead_…` and `why_…` for each resource."""

from allocations.accounts.resources import Resource
from allocations.kernel import units
from allocations.programme import substitutes
from allocations.programme.calls import Call
from allocations.programme.writing import Ask
from portal.forms import Form


def given(form: Form, call: Call) -> tuple[tuple[Ask, ...], dict[str, str]]:
    """What is asked for, and messages by field for what cannot be read."""
    asks, wrong = [], dict[str, str]()
    for resource in call.resources:
        text = str(form.values.get(f"amount_{resource.slug}", "")).strip()
        why = str(form.values.get(f"why_{resource.slug}", "")).strip()
        if len(why) > 5000:
            wrong[f"why_{resource.slug}"] = "At most 5,000 characters fit here."
        if not text:
            if why:
                wrong[f"amount_{resource.slug}"] = "Enter how much you need, or clear the explanation."
            continue
        amount = _number(form, f"amount_{resource.slug}", wrong)
        least = _number(form, f"least_{resource.slug}", wrong)
        instead = _instead(form, call, resource, wrong=wrong)
        if amount is not None:
            asks.append(Ask(resource.slug, amount, why, least, instead))
    return tuple(asks), wrong


def _number(form: Form, name: str, wrong: dict[str, str]) -> int | None:
    text = str(form.values.get(name, "")).strip()
    try:
        return units.micro(text) if text else None
    except ValueError as error:
        wrong[name] = f"{error}."
        return None


def _instead(form: Form, call: Call, resource: Resource, *, wrong: dict[str, str]) -> dict[str, int]:
    names = {other.slug: f"instead_{resource.slug}_{other.slug}" for other in others(call, resource)}
    rates = {slug: _number(form, name, wrong) for slug, name in names.items()}
    return {slug: rate for slug, rate in rates.items() if rate is not None}


def others(call: Call, resource: Resource) -> list[Resource]:
    """What of the call could stand in for this resource."""
    return [other for other in call.resources if substitutes.are_alike(resource, other)]


def labels(call: Call) -> dict[str, str]:
    """What each amount and reason is about, for the list of errors."""
    pairs = ((each, other) for each in call.resources for other in others(call, each))
    named = {f"instead_{one.slug}_{other.slug}": f"{other.name} for {one.name}" for one, other in pairs}
    plain = ((name, each) for each in call.resources for name in ("amount", "least", "why"))
    return named | {f"{name}_{each.slug}": each.name for name, each in plain}
