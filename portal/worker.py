"""The worker: deliveries, letters, the clock, and the clusters; one item a step, one transaction an item."""

import logging
import signal
import smtplib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from allocations.accounts import courses, lifecycle
from allocations.kernel import chain, clock, outbox
from allocations.kernel.errors import DomainError
from allocations.programme import drawing, exchanging, lapsing, progress
from k8s import due, reconcile
from k8s.clusters import Cluster
from k8s.namespaces import ProjectNamespace
from k8s.notebooks import Notebook
from portal import digests, links, mail, operations, wiring
from portal.computing import parent as computing
from portal.post import Post
from portal.settings import Settings
from portal.wiring import Delivered

log = logging.getLogger(__name__)
PAUSE = 0.25
BEAT = 10.0

Step = Callable[[], bool]
# What time brings, or what somebody has decided for many at once; one item a step.
TIMED = (lifecycle.step, courses.step, progress.step, exchanging.step, drawing.step, lapsing.step)


@dataclass(frozen=True, slots=True)
class Worker:
    """Everything a step needs."""

    sessions: "sessionmaker[Session]"
    settings: Settings

    def steps(self) -> list[Step]:
        """In the order in which they are tried."""
        sessions, name = self.sessions, self.settings.worker_name
        about = reconcile.Settings(
            worker=name,
            idle=timedelta(minutes=self.settings.idle_minutes),
            token=lambda pod: links.notebook_token(self.settings.secret_key, pod),
        )
        return [
            self.expand,
            self.deliver,
            self.keep_time,
            # What stands once on a cluster before namespaces, and those before notebooks.
            lambda: reconcile.cluster_step(sessions, name),
            lambda: reconcile.namespace_step(sessions, name),
            lambda: reconcile.notebook_step(sessions, about),
            self.remind,
            self.send,
            self.seal,
        ]

    def expand(self) -> bool:
        with self.sessions() as session, session.begin():
            return outbox.expand(session, {**wiring.table()})

    def deliver(self) -> bool:
        """Run one delivery in a transaction of its own; a failure is recorded in another one."""
        with self.sessions() as session, session.begin():
            claimed = outbox.claim(session)
        if claimed is None:
            return False
        try:
            with self.sessions() as session, session.begin():
                handler = wiring.BY_NAME[claimed.handler]
                handler(Delivered(session, self._post(session, f"event-{claimed.event_id}")), claimed.event)
                outbox.settle(session, claimed)
        except (DomainError, SQLAlchemyError, LookupError) as error:
            with self.sessions() as session, session.begin():
                outbox.settle(session, claimed, error=f"{type(error).__name__}: {error}"[:2000])
        return True

    def _post(self, session: Session, cause: str) -> Post:
        chosen = self.settings
        return Post(session, cause, chosen.public_url, chosen.name, chosen.secret_key)

    def keep_time(self) -> bool:
        with self.sessions() as session, session.begin():
            return any(step(session) for step in TIMED)

    def remind(self) -> bool:
        """One person's letter of the day, or the finding that they need none."""
        with self.sessions() as session, session.begin():
            person = digests.due(session)
            if person is None:
                return False
            digests.write(session, self._post(session, f"digest-{clock.today()}"), person)
            return True

    def compute(self) -> bool:
        return computing.step(self.sessions, text_model=self.settings.text_model)

    def seal(self) -> bool:
        with self.sessions() as session, session.begin():
            return chain.step(session)

    def send(self) -> bool:
        """One letter to the mail server, when there is one."""
        if not self.settings.smtp_url:
            return False
        with self.sessions() as session, session.begin():
            letter = mail.claim(session)
        if letter is None:
            return False
        try:
            mail.send(self.settings.smtp_url, self.settings.mail_from, letter)
        except (OSError, smtplib.SMTPException) as error:
            log.warning("letter %s not taken: %s", letter.id, type(error).__name__)
            return True
        with self.sessions() as session, session.begin():
            mail.mark_sent(session, letter.id)
        return True

    def beat(self) -> None:
        with self.sessions() as session, session.begin():
            operations.beat(session, self.settings.worker_name)

    def take_over(self) -> None:
        """A worker of this name that died holds nothing any more."""
        with self.sessions() as session, session.begin():
            for model in (ProjectNamespace, Notebook, Cluster):
                due.release(session, model, self.settings.worker_name)


def once(worker: Worker) -> None:
    """Work until nothing is due."""
    worker.take_over()
    worker.beat()
    # Every step has its turn in every round, so that no kind of work starves another.
    while sum(step() for step in [*worker.steps(), worker.compute]):
        pass


def run(worker: Worker, stop: threading.Event) -> None:
    """Until `stop`; the item in hand is finished first."""
    worker.take_over()
    for task in (_keep_beating, _keep_computing):
        threading.Thread(target=task, args=(worker, stop), daemon=True).start()
    steps = worker.steps()
    while not stop.is_set():
        if not sum(_guarded(step) for step in steps):
            stop.wait(PAUSE)


def _keep_beating(worker: Worker, stop: threading.Event) -> None:
    while not stop.is_set():
        _guarded(worker.beat)
        stop.wait(BEAT)


def _keep_computing(worker: Worker, stop: threading.Event) -> None:
    """Beside the loop: a run may take minutes, and letters do not wait for it."""
    while not stop.is_set():
        if not _guarded(worker.compute):
            stop.wait(4 * PAUSE)


def _guarded(step: Callable[[], bool | None]) -> bool:
    """The loop outlives a database that is away for a while; anything else is a bug and ends it."""
    try:
        return bool(step())
    except SQLAlchemyError as error:
        log.warning("the database refused a step: %s", type(error).__name__)
        return False


def stop_on_signals() -> threading.Event:
    """Set by SIGTERM and SIGINT."""
    stop = threading.Event()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return stop
