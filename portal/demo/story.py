"""A programme with a history: calls and proposals in every state, and a project that has used its GPUs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts import awards, usage
from allocations.accounts.awards import Allocation, Award
from allocations.accounts.usage import UsageRecord
from allocations.kernel import clock
from allocations.kernel.units import MICRO
from allocations.people.roles import Actor, actor_of
from allocations.programme import (
    agreements,
    answers,
    decisions,
    expertise,
    opening,
    publications,
    reviewing,
    screening,
    starting,
    teams,
    writing,
)
from allocations.programme.answers import Typed
from allocations.programme.calls import Call, Lane
from allocations.programme.expertise import ProfileDraft
from allocations.programme.opening import CallDraft, CriterionDraft
from allocations.programme.proposals import Proposal
from allocations.programme.reviewing import ReviewDraft
from allocations.programme.reviews import Review
from datasets import requests
from portal.demo import cast
from portal.demo.cast import Stage
from portal.demo.reviewers import REVIEWERS, ReviewerText
from portal.demo.texts import CALLS, PROPOSALS, RUBRIC, Text
from portal.settings import Settings
from portal.worker import Worker

DAY = timedelta(days=1)


class Teller:
    """Tells the story: a moment, an actor, a verb, a commit, and then the worker's turn."""

    def __init__(self, worker: Worker, stage: Stage) -> None:
        self._worker = worker
        self._stage = stage
        self.today = datetime.combine(clock.today(), time(9), tzinfo=UTC)

    @contextmanager
    def scene(self, who: str, days: float) -> Iterator[tuple[Session, Actor]]:
        """`who` acts so many days from today (negative: in the past); deliveries follow at once."""
        moment = min(self.today + days * DAY, clock.now())
        with clock.at(moment):
            with self._worker.sessions() as session, session.begin():
                yield session, actor_of(session, self._stage.people[who])
            while self._worker.expand() or self._worker.deliver() or self._worker.keep_time():
                pass

    def call(self, key: str) -> int:
        """A published call of the list of texts; its id."""
        text = CALLS[key]
        with self.scene("owen", text.opens - 10) as (session, owen):
            call = opening.start(session, owen, self._draft(text.title, text.summary, text))
            opening.publish(session, owen, call)
            return call.id

    def starter(self, key: str, most: dict[str, int]) -> None:
        """A call that decides by rule; the provider has agreed ahead, so that nobody waits."""
        text = CALLS[key]
        draft = starting.draft_for(starting.Start.RULE, title=text.title)
        units = {slug: amount * MICRO for slug, amount in text.pools.items()}
        ceilings = {slug: amount * MICRO for slug, amount in most.items()}
        whole = replace(
            draft,
            summary=text.summary,
            opens_at=self.today + text.opens * DAY,
            closes_at=self.today + text.closes * DAY,
            pools=units,
            most=ceilings,
        )
        with self.scene("owen", text.opens - 10) as (session, owen):
            call = opening.start(session, owen, whole)
            opening.publish(session, owen, call)
            ref = call.ref
        with self.scene("pat", text.opens - 9) as (session, pat):
            for slug in text.pools:
                agreements.agree_ahead(session, pat, agreements.get(session, pat, ref, slug=slug))

    def _draft(self, title: str, summary: str, text: Text) -> CallDraft:
        return CallDraft(
            title=title,
            lane=Lane(text.lane),
            summary=summary,
            opens_at=self.today + text.opens * DAY,
            closes_at=self.today + text.closes * DAY,
            reviewers=2,
            max_months=12,
            criteria=tuple(CriterionDraft(name, weight, anchors) for name, weight, anchors in RUBRIC),
            pools={slug: amount * MICRO for slug, amount in text.pools.items()},
        )

    def draft_call(self, key: str) -> None:
        text = CALLS[key]
        with self.scene("owen", -1) as (session, owen):
            opening.start(session, owen, self._draft(text.title, text.summary, text))

    def draft(self, key: str, call_id: int, *, days: float) -> int:
        """A complete draft, with the team invited; its id."""
        text = PROPOSALS[key]
        with self.scene(text.pi, days) as (session, pi):
            proposal = writing.start(session, pi, session.get_one(Call, call_id))
            summary = writing.Summary(text.title, text.abstract, text.fields, text.keywords)
            writing.save_text(session, pi, proposal, summary)
            told = zip(proposal.call.questions, (text.merit, text.plan, text.data_plan), strict=True)
            answers.save(session, pi, proposal, [Typed(question, text=words) for question, words in told])
            asks = tuple(writing.Ask(slug, hours * MICRO, why) for slug, hours, why in text.asks)
            starts_on = clock.today() + timedelta(days=text.starts_after)
            writing.save_resources(session, pi, proposal, writing.Wanted(asks, starts_on, 6))
            requests.save(session, pi, proposal, dict(text.datasets))
            team = [writing.Invitee(f"{who}@commons.example", role) for who, role in text.team]
            writing.save_team(session, pi, proposal, team)
            key_id = proposal.id
        for who, _ in text.team:
            self._join(key_id, who, days=days)
        return key_id

    def _join(self, proposal_id: int, who: str, *, days: float) -> None:
        with self.scene(who, days) as (session, actor):
            proposal = session.get_one(Proposal, proposal_id)
            address = f"{who}@commons.example"
            teams.accept(session, actor, next(m for m in proposal.team if m.email == address))

    def submit(self, key: str, call_id: int, *, days: float) -> int:
        proposal_id = self.draft(key, call_id, days=days)
        with self.scene(PROPOSALS[key].pi, days + 0.1) as (session, pi):
            proposal = session.get_one(Proposal, proposal_id)
            annex = requests.snapshot(requests.of_proposal(session, proposal))
            writing.submit(session, pi, proposal, annex=annex)
        return proposal_id

    def forward(self, key: str, call_id: int, *, days: float) -> int:
        proposal_id = self.submit(key, call_id, days=days)
        with self.scene("owen", days + 1) as (session, owen):
            screening.forward(session, owen, session.get_one(Proposal, proposal_id))
        return proposal_id

    def review(self, proposal_id: int, who: str, scores: tuple[int, ...], *, days: float) -> None:
        """Assigned, accepted and submitted."""
        with self.scene("owen", days) as (session, owen):
            proposal = session.get_one(Proposal, proposal_id)
            reviewing.assign(session, owen, proposal, person=self._stage.people[who])
        with self.scene(who, days + 1) as (session, reviewer):
            found = self._review_of(session, proposal_id, who)
            reviewing.accept(session, reviewer, found)
            marks = dict(zip([c.id for c in found.proposal.call.criteria], scores, strict=True))
            told = "A clear question and a plan that fits it. Say more about how results will be checked."
            panel = "Solid. The amount asked for follows from the plan."
            reviewing.save(session, reviewer, found, ReviewDraft(marks, 4, told, panel))
            session.flush()
            reviewing.submit(session, reviewer, found)

    def _review_of(self, session: Session, proposal_id: int, who: str) -> Review:
        mine = (Review.proposal_id == proposal_id, Review.reviewer_id == self._stage.people[who].id)
        return session.scalars(select(Review).where(*mine)).one()

    def award(self, proposal_id: int, *, share: float, days: float) -> int:
        """The chair awards this share of what was asked for; the award's id."""
        with self.scene("chen", days) as (session, chen):
            proposal = session.get_one(Proposal, proposal_id)
            amounts = {r.resource.slug: int(r.requested * share) // MICRO * MICRO for r in proposal.requests}
            text = "A strong proposal with a convincing plan. The panel was of one mind."
            decision = decisions.award(session, chen, proposal, amounts=amounts, summary=text)
            session.flush()
            return decision.award_id or 0

    def activate(self, award_id: int, *, days: float) -> None:
        """The provider consents to everything and the PI accepts."""
        with self.scene("pat", days) as (session, pat):
            for allocation in session.get_one(Award, award_id).allocations:
                awards.consent(session, pat, allocation, amount=allocation.amount)
        with self.scene("priya", days + 0.1) as (session, priya):
            awards.accept(session, priya, session.get_one(Award, award_id))

    def profile(self, who: str, text: ReviewerText) -> None:
        """What a reviewer says of themselves."""
        begins, ends = ((self.today + n * DAY).date() for n in text.away) if text.away else (None, None)
        draft = ProfileDraft(text.fields, text.keywords, text.kind, text.most, begins, ends)
        with self.scene(who, text.saved) as (session, reviewer):
            person, listed = self._stage.people[who], publications.read(text.papers)
            expertise.save(session, reviewer, person, draft=draft)
            session.flush()
            publications.take_in(session, reviewer, person, listed=listed)

    def use(self, award_id: int, *, days: int) -> None:
        """GPU time on each working day since so many days ago, by pods that are long gone."""
        for ago in range(days, 0, -1):
            moment = self.today - ago * DAY
            if moment.weekday() < 5:
                self._one_day(award_id, ago, moment)

    def _one_day(self, award_id: int, ago: int, moment: datetime) -> None:
        who = ("uma", "carlos", "priya")[ago % 3]
        with self.scene(who, -ago) as (session, actor):
            found = select(Allocation).where(Allocation.award_id == award_id).order_by(Allocation.id)
            allocation = session.scalars(found).first()
            if allocation is None:
                return
            hours, gpus = 3 + ago * 7 % 6, 1 + ago % 4
            record = UsageRecord(
                source=f"demo/{award_id}-{ago}",
                allocation_id=allocation.id,
                cause=f"notebook of {actor.name}",
                started_at=moment,
                measured_at=moment,
                person_id=actor.person_id,
            )
            session.add(record)
            session.flush()
            until = moment + timedelta(hours=hours)
            usage.charge(session, record, gpu_seconds=hours * gpus * 3600, until=until)


def load(worker: Worker, settings: Settings) -> None:
    """Everything that a newcomer finds."""
    folder = Path(settings.data_dir).resolve()
    kubeconfig = str(folder / "cluster" / "kubeconfig")
    with worker.sessions() as session, session.begin():
        stage = cast.load(session, kubeconfig=kubeconfig, files=folder / "datasets")
    tell(Teller(worker, stage))


def tell(teller: Teller) -> None:
    for who, told in REVIEWERS.items():
        teller.profile(who, told)
    past, now = teller.call("autumn"), teller.call("open")
    teller.starter("starter", {"l4": 100, "a100": 40})
    teller.draft_call("draft")
    teller.call("upcoming")
    weather = teller.forward("weather", past, days=-80)
    teller.review(weather, "ruth", (5, 4, 5), days=-75)
    teller.review(weather, "ravi", (4, 4, 5), days=-74)
    refused = teller.forward("poetry", past, days=-79)
    teller.review(refused, "ruth", (2, 3, 2), days=-73)
    award = teller.award(weather, share=0.8, days=-60)
    with teller.scene("chen", -60) as (session, chen):
        text = "The question is interesting, but the plan does not need GPUs of this size."
        decisions.decline(session, chen, session.get_one(Proposal, refused), summary=text)
    teller.activate(award, days=-50)
    teller.use(award, days=45)
    with teller.scene("owen", -40) as (session, owen):
        opening.conclude(session, owen, session.get_one(Call, past))
    _current(teller, now)


def _current(teller: Teller, call_id: int) -> None:
    """The open call: proposals at each stage."""
    proteins = teller.forward("proteins", call_id, days=-12)
    teller.review(proteins, "ruth", (4, 5, 4), days=-10)
    teller.review(proteins, "ravi", (5, 3, 4), days=-9)
    imaging = teller.forward("imaging", call_id, days=-11)
    teller.review(imaging, "ruth", (3, 4, 4), days=-8)
    teller.submit("language", call_id, days=-3)
    returned = teller.submit("fusion", call_id, days=-6)
    with teller.scene("owen", -5) as (session, owen):
        text = "Please say which model sizes you train, and how many GPU-hours each run takes."
        proposal = session.get_one(Proposal, returned)
        screening.return_for_changes(session, owen, proposal, message=text)
    teller.draft("soil", call_id, days=-2)
