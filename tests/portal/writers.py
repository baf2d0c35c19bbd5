"""What people write in the demo programme of the tests besides its story: a short form, tables and files."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.kernel import clock, units
from allocations.people.roles import Actor
from allocations.programme import answers, opening, writing
from allocations.programme.answers import Typed, Upload
from allocations.programme.calls import Call, Decider, Disclosure, Lane
from allocations.programme.opening import CallDraft, CriterionDraft
from allocations.programme.proposals import Proposal
from allocations.programme.questions import QuestionDraft, QuestionKind
from allocations.programme.steps import StepKind
from allocations.programme.writing import Ask, Summary, Wanted

RUBRIC = (CriterionDraft("Merit", 50, ("poor", "weak", "fair", "good", "excellent")),)
ASKED = (
    QuestionDraft("Case", QuestionKind.TEXT, "Question", "What do you want to know?", words=1000),
    QuestionDraft("Case", QuestionKind.TEXT, "Method", words=20),
    QuestionDraft("Budget", QuestionKind.TABLE, "Runs", options=("Run", "GPU-hours")),
    QuestionDraft("Budget", QuestionKind.FILE, "Budget table", needed=False),
    QuestionDraft("Budget", QuestionKind.CHOICE, "How often?", options=("Once", "Each month"), needed=False),
    QuestionDraft("Budget", QuestionKind.NUMBER, "Users", least=1, most=500, needed=False),
)
TABLE = Upload("priya raman.csv", "text/csv", b"run,hours\n1,20\n", "0" * 64)


def call_draft(**changes: object) -> CallDraft:
    now = clock.now()
    given = {
        "title": "Instruments",
        "lane": Lane.STANDARD,
        "summary": "For instruments.",
        "opens_at": now - timedelta(days=2),
        "closes_at": now + timedelta(days=20),
        "reviewers": 1,
        "max_months": 12,
        "criteria": RUBRIC,
        "pools": {"a100": 1000 * units.MICRO, "storage": 500 * units.MICRO},
        "most": {"a100": 100 * units.MICRO},
        "questions": ASKED,
    }
    return CallDraft(**{**given, **changes})  # type: ignore[arg-type]


def published(session: Session, officer: Actor, **changes: object) -> Call:
    call = opening.start(session, officer, call_draft(**changes))
    opening.publish(session, officer, call)
    session.flush()
    session.refresh(call, ["questions", "pools"])
    return call


def double_blind(session: Session, officer: Actor) -> Call:
    return published(session, officer, disclosure=Disclosure.DOUBLE_BLIND)


def by_rule(session: Session, officer: Actor, **changes: object) -> Call:
    """A starter call whose providers have agreed ahead: what is asked for within the limits is awarded."""
    given = {
        "title": "Quick starts",
        "lane": Lane.STARTER,
        "decided_by": Decider.RULE,
        "steps": {str(StepKind.DECISION): 1},
        "questions": (QuestionDraft("Use", QuestionKind.TEXT, "Which software?", words=50),),
    }
    call = published(session, officer, **{**given, **changes})
    for link in call.pools:
        link.agreed_at, link.agreed_by = clock.now(), "the provider"
    session.flush()
    return call


def complete(session: Session, author: Actor, call: Call, *, title: str) -> Proposal:
    """A draft of the call of instruments with nothing missing, and a file."""
    proposal = writing.start(session, author, call)
    writing.save_text(session, author, proposal, Summary(title, "We listen.", ("Mathematics",), "rivers"))
    asks = (Ask("a100", 50 * units.MICRO, "To train."),)
    writing.save_resources(session, author, proposal, Wanted(asks, clock.today(), 6))
    session.flush()
    texts = {"Question": "How loud are rivers?", "Method": "With microphones.", "How often?": "Once"}
    given = [Typed(q, text=texts[q.label]) for q in call.questions if q.label in texts]
    runs = next(q for q in call.questions if q.label == "Runs")
    answers.save(session, author, proposal, [*given, Typed(runs, cells=[["First", "20"], ["Second", "30"]])])
    budget = next(q for q in call.questions if q.label == "Budget table")
    answers.attach(session, author, proposal, budget, upload=TABLE)
    session.flush()
    return proposal


def write(session: Session, officer: Actor, priya: Actor, mei: Actor) -> None:
    """Rivers, a draft with tables and a file; Lagoons, a short form; Glaciers, too late by an hour."""
    complete(session, priya, double_blind(session, officer), title="Sounds of rivers")
    starter = session.scalars(select(Call).where(Call.title.contains("Starter"))).one()
    lagoons = writing.start(session, priya, starter)
    writing.save_text(session, priya, lagoons, Summary("Lagoons", "We wade.", ("Mathematics",), ""))
    late = published(session, officer, title="Too late", questions=())
    glaciers = writing.start(session, mei, late)
    writing.save_text(session, mei, glaciers, Summary("Glaciers", "We climb.", ("Mathematics",), ""))
    late.closes_at = clock.now() - timedelta(minutes=2)
    session.flush()
