"""The JSON API under /api/v1/: the getters and verbs of the pages, for programs that send a token."""

from flask import Blueprint

from portal.api import calls, datasets, document, entrance, notebooks, profile, projects, proposals

ROOMS = (profile, projects, notebooks, proposals, calls, datasets, document)
blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
blueprint.before_request(entrance.enter)
for room in ROOMS:
    blueprint.register_blueprint(room.blueprint)
