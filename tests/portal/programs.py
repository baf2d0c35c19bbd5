"""Programs with tokens: they send one header, and no cookies."""

from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from allocations.accounts.awards import Allocation
from portal.auth import service_tokens, tokens
from portal.auth.service_tokens import ServiceToken
from portal.auth.tokens import Scope, TokenDraft
from tests.portal import stage
from tests.portal.stage import Portal

API = "/api/v1"
PROBLEM = "application/problem+json"
_forms = count()


class Program:
    """Holds a token and remembers nothing else."""

    def __init__(self, portal: Portal, token: str) -> None:
        self.portal, self.token = portal, token

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.send("GET", path, headers=headers)

    def send(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        client = self.portal.app.test_client(use_cookies=False)
        return client.open(f"{API}{path}", method=method, headers=headers, **more)


def draft(*scopes: Scope, days: int = 30, name: str = "A program") -> TokenDraft:
    return TokenDraft(name, scopes or tuple(Scope), days, f"form {next(_forms)}")


def program(portal: Portal, who: str, *scopes: Scope, days: int = 30) -> Program:
    """With a token of this person's; all scopes unless some are named."""
    with portal.sessions() as session, session.begin():
        return Program(portal, tokens.make(session, stage.actor(session, who), draft(*scopes, days=days)))


def service(portal: Portal, *scopes: Scope, confirmed: bool = True, name: str = "A service") -> Program:
    """With a token of Priya's project, for which Carlos is the second owner."""
    with portal.sessions() as session, session.begin():
        home, asked = stage.project(session), draft(*(scopes or service_tokens.SCOPES), name=name)
        text = service_tokens.make(session, stage.actor(session, "priya"), home, asked)
        if confirmed:
            service_tokens.confirm(session, stage.actor(session, "carlos"), row_of(session, text))
    return Program(portal, text)


def row_of(session: Session, text: str) -> ServiceToken:
    return session.scalars(select(ServiceToken).where(ServiceToken.digest == tokens.digest(text))).one()


def problem(answer: TestResponse, code: int) -> str:
    """The detail of the refusal, which has the form that every refusal of the API has."""
    assert answer.status_code == code, answer.text
    assert answer.mimetype == PROBLEM
    assert answer.json["status"] == code
    assert answer.json["title"]
    assert "Set-Cookie" not in answer.headers
    detail: str = answer.json["detail"]
    return detail


def order(portal: Portal, **changes: object) -> dict[str, object]:
    """One GPU for an hour, of the project's first active allocation."""
    with portal.sessions() as session:
        active = (Allocation.project_id == stage.project(session).id, Allocation.state == "active")
        ref = session.scalars(select(Allocation).where(*active).order_by(Allocation.id).limit(1)).one().ref
    return {"allocation": ref, "image": "scipy", "gpus": 1, "hours": 1} | changes
