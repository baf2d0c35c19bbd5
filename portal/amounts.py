"""Amounts of resources in a form: a field `amount_…` each, in whole units as people write them."""

from collections.abc import Mapping

from allocations.kernel import units
from allocations.kernel.errors import Invalid
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal
from allocations.programme.writing import Ask
from portal.forms import Form

LONGEST = 5000


def shown(proposal: Proposal, amounts: Mapping[str, int] | None = None) -> dict[str, str]:
    """These amounts, else the recommended ones, else what was requested."""
    values = {}
    for wanted in proposal.requests:
        noted = wanted.requested if wanted.recommended is None else wanted.recommended
        slug = wanted.resource.slug
        values[_field(slug)] = units.written((amounts or {}).get(slug, noted))
    return values


def typed(form: Form, proposal: Proposal) -> dict[str, int]:
    """Of what the proposal asks for: micro-units by resource slug; an empty field is nothing."""
    found, wrong = {}, dict[str, str]()
    for wanted in proposal.requests:
        found[wanted.resource.slug] = _read(form, wanted.resource.slug, wrong) or 0
    if wrong:
        raise Invalid(wrong)
    return found


def asked(form: Form, call: Call) -> tuple[tuple[Ask, ...], dict[str, str]]:
    """Of what the call offers, with `why_…` beside each amount; and messages for what cannot be read."""
    asks, wrong = [], dict[str, str]()
    for resource in call.resources:
        amount = _read(form, resource.slug, wrong)
        why = _text(form, f"why_{resource.slug}")
        if len(why) > LONGEST:
            wrong[f"why_{resource.slug}"] = f"At most {LONGEST:,} characters fit here."
        if amount is not None:
            asks.append(Ask(resource.slug, amount, why))
        elif why:
            wrong.setdefault(_field(resource.slug), "Enter how much you need, or clear the explanation.")
    return tuple(asks), wrong


def labels(call: Call) -> dict[str, str]:
    """What each amount and reason is about, for the list of errors."""
    return {f"{name}_{each.slug}": each.name for each in call.resources for name in ("amount", "why")}


def _read(form: Form, slug: str, wrong: dict[str, str]) -> int | None:
    """None for an empty field, and for one that cannot be read: `wrong` then says why."""
    text = _text(form, _field(slug))
    try:
        return units.micro(text) if text else None
    except ValueError as error:
        wrong[_field(slug)] = f"{error}."
        return None


def _text(form: Form, name: str) -> str:
    return str(form.values.get(name, "")).strip()


def _field(slug: str) -> str:
    return f"amount_{slug}"
