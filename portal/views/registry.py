"""The registry desk: identity providers, what each is believed, and its home organisations."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from allocations.kernel.answers import require
from allocations.people.institutions import IdentityProvider, ProviderKind
from portal import providers, scopes
from portal.auth.oidc import ASYMMETRIC
from portal.auth.people import actor
from portal.confirming import Step, ask
from portal.database import session
from portal.entries import HomeEntry, ProviderEntry
from portal.forms import Form, posted
from portal.permissions import needs
from portal.web import page, see_other, settings

blueprint = Blueprint("registry", __name__)
FLAGS = ("trusts_assurance", "trusts_mfa", "sirtfi")


@blueprint.get("/admin/providers")
@needs("registry.edit")
def index() -> ResponseReturnValue:
    found = providers.all_providers(session(), actor())
    counts = providers.people_through(session(), [row.issuer for row in found])
    return page("registry/index.html", providers=found, counts=counts)


@blueprint.get("/admin/providers/<slug>")
@needs("registry.edit")
def show(slug: str) -> ResponseReturnValue:
    found = providers.get(session(), actor(), slug)
    return page(
        "registry/show.html",
        provider=found,
        homes=providers.homes(session(), found),
        people=_people(found),
        callback=f"{settings().public_url}/login/{found.slug}/callback",
    )


@blueprint.route("/admin/providers/new", methods=["GET", "POST"])
@needs("registry.edit", step_up=True)
def new() -> ResponseReturnValue:
    require(providers.may_edit(actor()))
    form = Form({"kind": "generic", "algorithms": ["RS256", "ES256"]} | _lives(3600, 300))
    if request.method == "POST":
        form = posted("algorithms")
        if form.save(lambda: _add(form)):
            return see_other(url_for("registry.show", slug=form.values["slug"]), "The provider is added.")
    return _edit_page(form, None)


def _add(form: Form) -> None:
    entry = form.parse(ProviderEntry)
    providers.add(session(), actor(), entry, production=settings().production)


@blueprint.route("/admin/providers/<slug>/edit", methods=["GET", "POST"])
@needs("registry.edit", step_up=True)
def edit(slug: str) -> ResponseReturnValue:
    found = providers.get(session(), actor(), slug)
    form = _filled(found)
    if request.method == "POST":
        form = posted("algorithms")
        form.values["slug"] = slug
        form.values.setdefault("issuer", found.issuer)
        if form.save(lambda: _change(form, found)):
            return see_other(url_for("registry.show", slug=slug), "The provider is changed.")
    return _edit_page(form, found)


def _change(form: Form, row: IdentityProvider) -> None:
    entry = form.parse(ProviderEntry)
    providers.change(session(), actor(), row, entry, production=settings().production)


def _filled(row: IdentityProvider) -> Form:
    names = ("slug", "name", "issuer", "client_id", "secret_setting", "kind", "algorithms")
    values: dict[str, Any] = {name: getattr(row, name) for name in names}
    flags = {name: "yes" if getattr(row, name) else "" for name in FLAGS}
    return Form(values | flags | _lives(row.metadata_seconds, row.keys_seconds))


def _lives(metadata: int, keys: int) -> dict[str, str]:
    return {"metadata_seconds": str(metadata), "keys_seconds": str(keys)}


def _edit_page(form: Form, provider: IdentityProvider | None) -> ResponseReturnValue:
    return page(
        "registry/edit.html",
        form=form,
        provider=provider,
        people=_people(provider) if provider else 0,
        kinds=[(kind, kind.value.capitalize()) for kind in ProviderKind],
        algorithms=[(name, name) for name in sorted(ASYMMETRIC)],
        status=form.status,
    )


def _people(provider: IdentityProvider) -> int:
    return providers.people_through(session(), [provider.issuer]).get(provider.issuer, 0)


@blueprint.route("/admin/providers/<slug>/disable", methods=["GET", "POST"])
@needs("registry.edit", step_up=True)
def disable(slug: str) -> ResponseReturnValue:
    return _switch(slug, on=False)


@blueprint.route("/admin/providers/<slug>/enable", methods=["GET", "POST"])
@needs("registry.edit", step_up=True)
def enable(slug: str) -> ResponseReturnValue:
    return _switch(slug, on=True)


def _switch(slug: str, *, on: bool) -> ResponseReturnValue:
    found = providers.get(session(), actor(), slug)
    people = _people(found)
    who = f"{people} {'person has' if people == 1 else 'people have'} logged in through it."
    off = "Nobody can log in through it from now on; sessions that are open go on to their end."
    step = Step(
        f"{'Enable' if on else 'Disable'} {found.name}",
        f"{who} {'They can log in again.' if on else off}",
        "Enable" if on else "Disable",
        f"{found.name} is {'enabled' if on else 'disabled'}.",
        url_for("registry.show", slug=slug),
    )
    answer = providers.may_switch(actor(), found, on=on)
    return ask(
        step,
        answer,
        lambda why: providers.switch(session(), actor(), found, on=on, reason=why),
        crumb=found.name,
    )


@blueprint.route("/admin/providers/<slug>/homes/new", methods=["GET", "POST"])
@needs("registry.edit", step_up=True)
def add_home(slug: str) -> ResponseReturnValue:
    found = providers.get(session(), actor(), slug)
    form = Form()
    if request.method == "POST":
        form = posted()
        if form.save(lambda: _add_home(form, found)):
            return see_other(url_for("registry.show", slug=slug), "The home organisation is added.")
    return page("registry/home.html", provider=found, form=form, status=form.status)


def _add_home(form: Form, provider: IdentityProvider) -> None:
    entry = form.parse(HomeEntry)
    home = scopes.institution_named(session(), entry.ror, field="ror")
    providers.add_home(session(), actor(), provider, institution=home, entry=entry)


@blueprint.route("/admin/providers/<slug>/homes/<int:home_id>/remove", methods=["GET", "POST"])
@needs("registry.edit", step_up=True)
def remove_home(slug: str, home_id: int) -> ResponseReturnValue:
    found = providers.get(session(), actor(), slug)
    home = providers.home(session(), found, min(home_id, 2**31 - 1))
    step = Step(
        f"Remove {home.institution.name} from {found.name}",
        f"Its people keep their accounts; nothing is believed of {home.entity_id} any more.",
        "Remove",
        "The home organisation is removed.",
        url_for("registry.show", slug=slug),
    )
    answer = providers.may_edit(actor())
    return ask(
        step,
        answer,
        lambda why: providers.remove_home(session(), actor(), home, reason=why),
        crumb=found.name,
    )
