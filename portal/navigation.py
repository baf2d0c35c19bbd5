"""The brand and the main menu: which rooms and desks a person sees, by role."""

from dataclasses import dataclass

from allocations.people.roles import Actor, Role

ROOMS: tuple[tuple[str, str, frozenset[Role] | None], ...] = (
    ("Calls", "/calls", None),
    ("Resources", "/resources", None),
    ("Datasets", "/datasets", None),
    ("Awards", "/awarded", None),
)
DESKS: tuple[tuple[str, str, frozenset[Role]], ...] = (
    ("Screening", "/screening", frozenset({Role.PROGRAMME_OFFICER})),
    ("Panel", "/panel", frozenset({Role.PANEL_CHAIR, Role.PROGRAMME_OFFICER})),
    # A reviewer who sits in one comes by the letter or from the reviews.
    ("Meetings", "/meetings", frozenset({Role.PANEL_CHAIR, Role.PROGRAMME_OFFICER})),
    ("Reviewers", "/reviewers", frozenset({Role.PROGRAMME_OFFICER, Role.PANEL_CHAIR})),
    ("Reviews", "/reviews", frozenset({Role.REVIEWER})),
    ("Assessments", "/assessments", frozenset({Role.PROVIDER_OPERATOR})),
    ("Consents", "/consents", frozenset({Role.PROVIDER_OPERATOR})),
    ("Confirmations", "/confirmations", frozenset({Role.REPRESENTATIVE})),
    ("Audit trail", "/audit", frozenset({Role.ADMINISTRATOR, Role.AUDITOR})),
    ("Data requests", "/access-requests", frozenset({Role.CUSTODIAN, Role.DAC_MEMBER})),
    ("People", "/people", frozenset({Role.ADMINISTRATOR, Role.PROGRAMME_OFFICER})),
    ("Registry", "/admin/providers", frozenset({Role.ADMINISTRATOR})),
    ("Operations", "/operations", frozenset({Role.ADMINISTRATOR, Role.PROGRAMME_OFFICER})),
)


@dataclass(frozen=True, slots=True)
class Brand:
    name: str
    tagline: str
    logo_url: str | None


Link = tuple[str, str, bool]  # label, address, whether we are there


@dataclass(frozen=True, slots=True)
class Menu:
    """What everybody sees is one row of links; several desks are behind one word: it stays one row."""

    rooms: list[Link]
    desks: list[Link]

    @property
    def at_desk(self) -> bool:
        return any(current for _, _, current in self.desks)


def menu(actor: Actor, path: str, *, reviews: bool = False) -> Menu:
    """`reviews`: has reviews to write without the role, as applicants of some calls do."""
    held = {role for role, _ in actor.roles} | ({Role.REVIEWER} if reviews else set())
    rooms = [(label, href) for label, href, _ in ROOMS]
    if actor.person_id is not None:
        rooms += [("Proposals", "/proposals"), ("Projects", "/projects")]
    desks = [(label, href) for label, href, roles in DESKS if held & roles]
    if len(desks) == 1:
        rooms, desks = rooms + desks, []
    return Menu([_link(*one, path) for one in rooms], [_link(*one, path) for one in desks])


def _link(label: str, href: str, path: str) -> Link:
    return label, href, path == href or path.startswith(href + "/")
