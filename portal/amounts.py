"""One field for each resource of a proposal, in whole units as people write them."""

from collections.abc import Mapping

from allocations.kernel import units
from allocations.kernel.errors import Invalid
from allocations.programme.proposals import Proposal
from portal.forms import Form


def shown(proposal: Proposal, amounts: Mapping[str, int] | None = None) -> dict[str, str]:
    """These amounts, else the recommended ones, else what was requested."""
    values = {}
    for wanted in proposal.requests:
        noted = wanted.requested if wanted.recommended is None else wanted.recommended
        slug = wanted.resource.slug
        values[f"amount_{slug}"] = units.written((amounts or {}).get(slug, noted))
    return values


def typed(form: Form, proposal: Proposal) -> dict[str, int]:
    """Micro-units by resource slug; an empty field is nothing."""
    found, wrong = {}, {}
    for wanted in proposal.requests:
        name = f"amount_{wanted.resource.slug}"
        try:
            found[wanted.resource.slug] = units.micro(str(form.values.get(name, "")).strip() or 0)
        except ValueError as error:
            wrong[name] = f"{error}."
    if wrong:
        raise Invalid(wrong)
    return found
