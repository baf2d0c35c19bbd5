"""Pages: each view loads through a getter, calls one verb, commits once, answers 303."""

from flask import Flask

from portal.auth import views as auth
from portal.provider import kubectl
from portal.provider import machines as oauth
from portal.provider import pages as provider
from portal.views import (
    assignment,
    awards,
    calls,
    consents,
    datasets,
    front,
    home,
    mailbox,
    notebooks,
    operations,
    panel,
    projects,
    proposals,
    requests,
    reviews,
    screening,
    teams,
    writing,
)

ROOMS = (
    auth,
    assignment,
    awards,
    calls,
    consents,
    datasets,
    front,
    home,
    kubectl,
    mailbox,
    notebooks,
    oauth,
    operations,
    panel,
    projects,
    proposals,
    provider,
    requests,
    reviews,
    screening,
    teams,
    writing,
)


def init(app: Flask) -> None:
    for room in ROOMS:
        app.register_blueprint(room.blueprint)
