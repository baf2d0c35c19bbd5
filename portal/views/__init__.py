"""Pages: each view loads through a getter, calls one verb, commits once, answers 303."""

from flask import Flask

from portal import api
from portal.auth import views as auth
from portal.provider import kubectl
from portal.provider import machines as oauth
from portal.provider import pages as provider
from portal.views import (
    account,
    answering,
    assignment,
    audit,
    awards,
    calls,
    consents,
    datasets,
    draws,
    exchange,
    expertise,
    front,
    home,
    identities,
    institutions,
    invitations,
    mailbox,
    notebooks,
    operations,
    panel,
    people,
    projects,
    proposals,
    registry,
    requests,
    reviewers,
    reviews,
    roles,
    screening,
    service_tokens,
    splits,
    standing,
    teams,
    tokens,
    viewing,
    writing,
)

ROOMS = (
    auth,
    account,
    answering,
    api,
    assignment,
    audit,
    awards,
    calls,
    consents,
    datasets,
    draws,
    exchange,
    expertise,
    front,
    home,
    identities,
    institutions,
    invitations,
    kubectl,
    mailbox,
    notebooks,
    oauth,
    operations,
    panel,
    people,
    projects,
    proposals,
    registry,
    provider,
    requests,
    reviewers,
    reviews,
    roles,
    screening,
    service_tokens,
    splits,
    standing,
    teams,
    tokens,
    viewing,
    writing,
)


def init(app: Flask) -> None:
    for room in ROOMS:
        app.register_blueprint(room.blueprint)
