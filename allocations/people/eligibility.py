"""Who may be PI, co-PI, reviewer or user: rules over a person's standing, with the way out in the reason."""

from datetime import datetime

from allocations.kernel import clock
from allocations.kernel.answers import Answer, first_no, no, when
from allocations.people.persons import Place
from allocations.people.roles import Actor
from allocations.people.standing import Level, Standing

UNKNOWN = (
    "We do not know your institution. Log in through it, or ask its representative to confirm you "
    "(in your account, under Standing)."
)
SILENT = (
    "Your log-in does not say what you are at your institution. Log in through the institution itself, "
    "or ask its representative to confirm you (in your account, under Standing)."
)
STUDENT = "Students work in the project of a PI, who sponsors them; they do not lead one."


def may_be_pi(actor: Actor, level: Level = Level.ANY) -> Answer:
    """To lead a project: a researcher of an institution in good standing, known at least this well."""
    if actor.is_system:
        return when(True, "")
    standing = actor.standing
    return first_no(
        when(actor.person_id is not None, "Log in first."),
        may_belong(actor),
        when(standing.place != Place.STUDENT, STUDENT),
        when(standing.place is not None, _why_no_place(standing)),
        _is_known(standing, level),
    )


def may_be_co_pi(actor: Actor) -> Answer:
    """A co-PI can lead the project while the PI is away, and so has to be one who could."""
    return may_be_pi(actor)


def may_review(actor: Actor) -> Answer:
    """A reviewer needs an institution on record: without one, no conflict of interest can be seen."""
    return (actor.is_system and when(True, "")) or may_belong(actor)


def may_use(actor: Actor, sponsored_until: datetime | None = None) -> Answer:
    """To compute and to read data: as a researcher, or sponsored by a leader of the project until then."""
    if actor.standing.is_suspended:
        return may_belong(actor)
    sponsored = sponsored_until is not None and clock.now() < sponsored_until
    if actor.is_system or sponsored or actor.standing.place == Place.RESEARCHER:
        return when(True, "")
    if sponsored_until is not None:
        ended = f"Your sponsorship ended on {sponsored_until:%-d %B %Y}."
        return no(f"{ended} Ask a leader of the project to sponsor you again.")
    if actor.standing.place == Place.STUDENT:
        return no("Students need a sponsor. Ask a leader of the project to sponsor you.")
    return no(_why_no_place(actor.standing))


def may_belong(actor: Actor) -> Answer:
    """To an institution that takes part."""
    standing = actor.standing
    closed = f"{standing.institution} does not take part at the moment. Please write to us."
    return first_no(when(standing.institution, UNKNOWN), when(not standing.is_suspended, closed))


def _why_no_place(standing: Standing) -> str:
    home = standing.institution or "your institution"
    if standing.affiliations and standing.affiliated_at is not None and not standing.is_fresh:
        spoke = f"Your log-in at {home} last spoke for you on {standing.affiliated_at:%-d %B %Y}."
        return f"{spoke} Log out and log in again through it."
    if standing.confirmed_until is not None:
        ended = f"The confirmation of {home} ended on {standing.confirmed_until:%-d %B %Y}."
        return f"{ended} Ask its representative again (in your account, under Standing)."
    if standing.affiliations:
        return (
            f"Your log-in knows you as {', '.join(standing.kinds)}, not as a researcher or student. "
            "If you are one, ask your institution’s representative to confirm you "
            "(in your account, under Standing)."
        )
    return SILENT


def _is_known(standing: Standing, level: Level) -> Answer:
    """A representative who confirms the person makes up for a low assurance."""
    known = standing.is_confirmed or standing.level.rank >= level.rank
    return when(
        known,
        f"This call wants identities proofed at level {level} or higher, and your log-in says "
        f"{f'“{standing.level}”' if standing.level != Level.ANY else 'nothing'} about yours. "
        "Your institution’s representative can confirm you instead (in your account, under Standing).",
    )
