"""Alembic, driven from the application: the schema's versions live in `migrations/`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from allocations.accounts import awards, courses, ledger, pools, projects, reservations, resources, usage
from allocations.kernel import audit, chain, db, outbox
from allocations.people import (
    confirmations,
    institutions,
    invitations,
    merging,
    personal_relations,
    persons,
    roles,
)
from allocations.programme import (
    answers,
    appeals,
    assessing,
    bids,
    calls,
    conflicts,
    decisions,
    draws,
    expertise,
    meetings,
    proposals,
    questions,
    reviews,
    runs,
    talking,
    teams,
)
from datasets import catalogue, grants, requests
from k8s import clusters, namespaces, notebooks
from portal import digests, mail, operations
from portal.auth import (
    attempts,
    backchannel,
    offers,
    service_tokens,
    sessions,
    step_up,
    throttle,
)
from portal.auth import tokens as personal_tokens
from portal.provider import clients, codes, consents, devices, families, subjects, tokens

SCRIPTS = Path(__file__).resolve().parent.parent / "migrations"
# Every module with rows, so that the metadata is whole wherever it is asked for.
MODELS = (
    (audit, chain, outbox, institutions, persons, roles, invitations, confirmations, merging),
    (personal_relations,),
    (resources, pools, ledger, projects, awards, reservations, usage),
    (calls, questions, answers, conflicts, decisions, proposals, reviews, talking, teams, runs, draws),
    (expertise, assessing, bids, courses, meetings, appeals),
    (catalogue, grants, requests, clusters, namespaces, notebooks),
    (mail, digests, operations, attempts, backchannel, offers, sessions, step_up, throttle),
    (personal_tokens, service_tokens),
    (clients, subjects, families, codes, tokens, consents, devices),
)
METADATA = db.Base.metadata


def config(engine: Engine) -> Config:
    found = Config()
    found.set_main_option("script_location", str(SCRIPTS))
    found.attributes["engine"] = engine
    return found


def upgrade(engine: Engine, revision: str = "head") -> None:
    command.upgrade(config(engine), revision)


def downgrade(engine: Engine, revision: str = "base") -> None:
    command.downgrade(config(engine), revision)
