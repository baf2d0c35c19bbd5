"""One field for each resource of a proposal, in whole units as people write them."""

from collections.abc import Mapping

from allocations.kernel import units
from allocations.kernel.errors import Invalid
from allocations.programme import substitutes
from allocations.programme.proposals import Proposal
from portal.forms import Form


def shown(proposal: Proposal, amounts: Mapping[str, int] | None = None) -> dict[str, str]:
    """These amounts, else the recommended ones, else what was requested."""
    noted = substitutes.recommended(proposal) if amounts is None else amounts
    return {f"amount_{slug}": units.written(noted.get(slug, 0)) for slug in substitutes.slugs(proposal)}


def typed(form: Form, proposal: Proposal) -> dict[str, int]:
    """Micro-units by resource slug; an empty field is nothing."""
    found, wrong = {}, {}
    for slug in substitutes.slugs(proposal):
        name = f"amount_{slug}"
        try:
            found[slug] = units.micro(str(form.values.get(name, "")).strip() or 0)
        except ValueError as error:
            wrong[name] = f"{error}."
    if wrong:
        raise Invalid(wrong)
    return found
