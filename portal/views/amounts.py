"""Amounts of resources in a form: `amount_…`, `least_…` and `why_…` for each resource of the call."""

from allocations.kernel import units
from allocations.programme.calls import Call
from allocations.programme.writing import Ask
from portal.forms import Form


def given(form: Form, call: Call) -> tuple[tuple[Ask, ...], dict[str, str]]:
    """What is asked for, and messages by field for what cannot be read."""
    asks, wrong = [], {}
    for resource in call.resources:
        text = str(form.values.get(f"amount_{resource.slug}", "")).strip()
        why = str(form.values.get(f"why_{resource.slug}", "")).strip()
        if len(why) > 5000:
            wrong[f"why_{resource.slug}"] = "At most 5,000 characters fit here."
        if not text:
            if why:
                wrong[f"amount_{resource.slug}"] = "Enter how much you need, or clear the explanation."
            continue
        try:
            amount = units.micro(text)
        except ValueError as error:
            wrong[f"amount_{resource.slug}"] = f"{error}."
            continue
        try:
            asks.append(Ask(resource.slug, amount, why, _least(form, resource.slug)))
        except ValueError as error:
            wrong[f"least_{resource.slug}"] = f"{error}."
    return tuple(asks), wrong


def _least(form: Form, slug: str) -> int | None:
    text = str(form.values.get(f"least_{slug}", "")).strip()
    return units.micro(text) if text else None


def labels(call: Call) -> dict[str, str]:
    """What each amount and reason is about, for the list of errors."""
    return {
        f"{name}_{each.slug}": each.name for each in call.resources for name in ("amount", "least", "why")
    }
