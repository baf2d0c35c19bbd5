"""Pages: each view loads through a getter, calls one verb, commits once, answers 303."""

from flask import Flask

from portal import api
from portal.auth import views as auth
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
    service_tokens,
    teams,
    tokens,
    writing,
)

ROOMS = (
    auth,
    api,
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
    service_tokens,
    teams,
    tokens,
    writing,
)


def init(app: Flask) -> None:
    for room in ROOMS:
        app.register_blueprint(room.blueprint)
