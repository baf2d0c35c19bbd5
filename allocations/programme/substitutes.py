"""Other resources that would do as well: named with a request at its PI's rate, and what they serve of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from allocations.accounts.resources import Resource
from allocations.kernel import units
from allocations.programme.calls import Call, CallPool
from allocations.programme.proposals import Proposal, ResourceRequest

# From a tenth to ten thousand units in place of one: more is a slip of the keyboard.
LEAST, MOST = units.MICRO // 10, 10_000 * units.MICRO


@dataclass(frozen=True, slots=True)
class Part:
    """`amount` of another resource stands in for `worth` of the one that was asked for; micro-units both."""

    slug: str
    amount: int
    worth: int


def are_alike(one: Resource, other: Resource) -> bool:
    """Whether one could stand in for the other at all: hours of a GPU for hours of another."""
    return one.kind == other.kind and one.slug != other.slug


def rates(request: ResourceRequest) -> dict[str, int]:
    """Micro-units of another resource that do the work of one whole unit, by its slug."""
    return {slug: int(held["rate"]) for slug, held in sorted(request.substitutes.items())}


def worth(amount: int, rate: int) -> int:
    """What an amount of a substitute does of the work that was asked for, rounded down."""
    return amount * units.MICRO // rate


def told(call: Call, request: ResourceRequest) -> list[str]:
    """The rates in words; frozen with a version, which stays readable when resources are renamed."""
    names = {resource.slug: resource.name for resource in call.resources}
    return [f"{units.shown(rate)} of {names.get(slug, slug)} for 1" for slug, rate in rates(request).items()]


def slugs(proposal: Proposal) -> list[str]:
    """Everything of which an award of this proposal may hold something."""
    return [slug for request in proposal.requests for slug in (request.resource.slug, *rates(request))]


def whole(request: ResourceRequest, amounts: Mapping[str, int]) -> int:
    """What amounts by slug do for this request, in its own micro-units."""
    others = (worth(amounts.get(slug, 0), rate) for slug, rate in rates(request).items())
    return amounts.get(request.resource.slug, 0) + sum(others)


def ask(request: ResourceRequest, wanted: Mapping[str, int]) -> None:
    """The rates from now on; nothing is recommended or awarded of them yet."""
    request.substitutes = {slug: {"rate": rate} for slug, rate in sorted(wanted.items())}


def note(request: ResourceRequest, amounts: Mapping[str, int], *names: str) -> None:
    """Write amounts as `recommended` or `awarded`: in all on the request, and what substitutes have of it."""
    for name in names:
        setattr(request, name, whole(request, amounts))
    request.substitutes = {
        slug: held | dict.fromkeys(names, amounts.get(slug, 0)) for slug, held in request.substitutes.items()
    }


def parts(request: ResourceRequest, name: str) -> list[Part]:
    """What substitutes have of what is `recommended` or `awarded`."""
    held = {slug: int(one.get(name, 0)) for slug, one in sorted(request.substitutes.items())}
    return [
        Part(slug, amount, worth(amount, rates(request)[slug])) for slug, amount in held.items() if amount
    ]


def recommended(proposal: Proposal) -> dict[str, int]:
    """By slug, what is recommended; all that was requested where nothing is yet."""
    each = (_held(r, "recommended", otherwise=r.requested) for r in proposal.requests)
    return {slug: amount for held in each for slug, amount in held.items()}


def awarded(proposal: Proposal) -> dict[str, int]:
    """By slug, what is awarded."""
    each = (_held(r, "awarded", otherwise=0) for r in proposal.requests)
    return {slug: amount for held in each for slug, amount in held.items()}


def _held(request: ResourceRequest, name: str, *, otherwise: int) -> dict[str, int]:
    noted, some = getattr(request, name), parts(request, name)
    own = (otherwise if noted is None else noted) - sum(part.worth for part in some)
    others = dict.fromkeys(rates(request), 0) | {part.slug: part.amount for part in some}
    return others | {request.resource.slug: own}


def award_faults(proposal: Proposal, amounts: Mapping[str, int]) -> dict[str, str]:
    """By form field: what was not asked for, and more than was."""
    known, wrong = set(slugs(proposal)), dict[str, str]()
    for slug, amount in amounts.items():
        if slug not in known:
            wrong[f"amount_{slug}"] = "The proposal does not ask for this resource."
        elif amount < 0:
            wrong[f"amount_{slug}"] = "Enter nothing or more."
    for request in proposal.requests:
        if whole(request, amounts) > request.requested:
            most = f"At most {units.shown(request.requested)} {request.resource.unit} were requested"
            stands = ", what stands in for them counted at its rate." if request.substitutes else "."
            wrong[f"amount_{request.resource.slug}"] = most + stands
    return wrong


def ask_faults(call: Call, amount: int, slug: str, wanted: Mapping[str, int]) -> dict[str, str]:
    """By form field, for one request of a proposal: what cannot stand in for it."""
    links = {link.pool.resource.slug: link for link in call.pools}
    found = {
        other: _ask_fault(links[slug], links.get(other), (amount, rate)) for other, rate in wanted.items()
    }
    return {f"instead_{slug}_{other}": message for other, message in found.items() if message}


def _ask_fault(own: CallPool, other: CallPool | None, wanted: tuple[int, int]) -> str:
    amount, rate = wanted
    if other is None or not are_alike(own.pool.resource, other.pool.resource):
        return "This resource cannot stand in for it."
    if not LEAST <= rate <= MOST:
        return "Enter a number from 0.1 to 10,000."
    if amount * rate > other.ceiling * units.MICRO:
        most = f"{units.shown(other.ceiling)} {other.pool.resource.unit}"
        return f"One proposal gets at most {most} of it, too few to stand in for all that you ask for."
    return ""


def clashes(asked: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
    """Of all requests together, by slug: a resource is asked for itself, or stands in for one other."""
    wrong: dict[str, str] = {}
    taken = dict.fromkeys(asked, "You ask for this resource itself.")
    for slug, wanted in asked.items():
        for other in wanted:
            if other in taken:
                wrong[f"instead_{slug}_{other}"] = taken[other]
            taken.setdefault(other, "It stands in for another resource already.")
    return wrong
