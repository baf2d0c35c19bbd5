"""The public front: what this is, what is open, what is free, and how the portal is doing."""

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from allocations.accounts import resources
from allocations.programme import calls
from portal import availability, guides, operations
from portal.database import session
from portal.permissions import public
from portal.web import page, settings

blueprint = Blueprint("front", __name__)


@blueprint.get("/")
@public
def index() -> ResponseReturnValue:
    return page("front/index.html", calls=calls.open_calls(session()), lines=availability.lines(session()))


@blueprint.get("/resources")
@public
def resource_list() -> ResponseReturnValue:
    return page("front/resources.html", lines=availability.lines(session()))


@blueprint.get("/resources/<slug>")
@public
def resource(slug: str) -> ResponseReturnValue:
    found = resources.get(session(), slug)
    line = next(line for line in availability.lines(session()) if line.resource.id == found.id)
    return page("front/resource.html", line=line)


@blueprint.get("/about")
@public
def about() -> ResponseReturnValue:
    return page("front/about.html")


@blueprint.get("/accessibility")
@public
def accessibility() -> ResponseReturnValue:
    return page("front/accessibility.html")


@blueprint.get("/docs")
@public
def docs() -> ResponseReturnValue:
    return page("front/docs.html")


@blueprint.get("/docs/running-a-call")
@public
def running_a_call() -> ResponseReturnValue:
    return page("front/guide.html", guide=guides.read("running-a-call"))


@blueprint.get("/status")
@public
def status() -> ResponseReturnValue:
    at = operations.last_beat(session())
    return page("front/status.html", alive=operations.is_alive(at), at=at)


@blueprint.get("/theme.css")
@public
def theme() -> Response:
    """The accent colour and a darker shade of it, from the settings."""
    accent = settings().accent
    red, green, blue = (int(accent[place : place + 2], 16) for place in (1, 3, 5))
    dark = f"#{red * 7 // 10:02x}{green * 7 // 10:02x}{blue * 7 // 10:02x}"
    css = f":root {{ --accent: {accent}; --accent-dark: {dark}; --accent-ink: #ffffff; }}\n"
    return Response(css, mimetype="text/css", headers={"Cache-Control": "public, max-age=300"})


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
@public
def readyz() -> Response:
    """200 when the database answers and a worker has been heard of lately."""
    alive = operations.is_alive(operations.last_beat(session()))
    text = "ready\n" if alive else "no worker has been heard of lately\n"
    return Response(text, status=200 if alive else 503, mimetype="text/plain")
