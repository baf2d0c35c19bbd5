"""Letters: written once, kept in the mailbox, taken by a mail server when there is one."""

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy

import pytest
from sqlalchemy import select, update

from allocations.kernel import clock
from allocations.kernel.outbox import Delivery, DeliveryState
from portal import mail
from portal.mail import Letter
from portal.worker import Worker
from tests.portal.stage import Portal


class Post(socketserver.StreamRequestHandler):
    """As much of SMTP as a sender needs."""

    server: "Sink"

    def handle(self) -> None:
        self.wfile.write(b"220 sink\r\n")
        while line := self.rfile.readline():
            word = line.strip().upper()
            if word == b"DATA":
                self._take()
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                refused = word.startswith(b"RCPT") and self.server.refuses
                self.wfile.write(b"451 later\r\n" if refused else b"250 ok\r\n")

    def _take(self) -> None:
        self.wfile.write(b"354 go on\r\n")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        self.server.letters.append(b"".join(lines))
        self.wfile.write(b"250 taken\r\n")


class Sink(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Post)
        self.letters: list[bytes] = []
        self.refuses = False

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        yield server
        server.shutdown()
        serving.join()


@pytest.fixture
def one_letter(portal: Portal) -> Portal:
    """All letters of the story are sent, but one."""
    with portal.sessions() as session, session.begin():
        session.execute(update(Letter).values(sent_at=clock.now()))
        mail.write(
            session, "test", to="uma@commons.example", subject="Grüße\nBcc: x@y", body="Dear Uma,\n.\nBye"
        )
    return portal


def _worker(portal: Portal, url: str) -> Worker:
    return Worker(portal.sessions, replace(portal.settings, smtp_url=url))


def test_a_letter_is_sent_once_with_its_words(one_letter: Portal, sink: Sink) -> None:
    worker = _worker(one_letter, sink.url)

    assert worker.send() is True
    assert worker.send() is False

    (raw,) = sink.letters
    letter = message_from_bytes(raw, policy=policy.default)
    assert letter["To"] == "uma@commons.example"
    assert letter["Subject"] == "Grüße Bcc: x@y"
    assert letter["Bcc"] is None
    assert letter["From"].endswith("<no-reply@commons.example>")
    assert "Dear Uma," in letter.get_content()


def test_a_letter_that_is_not_taken_waits_and_goes_later(one_letter: Portal, sink: Sink) -> None:
    worker = _worker(one_letter, sink.url)
    sink.refuses = True
    assert worker.send() is True
    assert worker.send() is False
    sink.refuses = False
    with clock.at(clock.now() + mail.CLAIM * 2):
        assert worker.send() is True

    assert len(sink.letters) == 1


def test_a_server_that_is_away_stops_nothing(one_letter: Portal) -> None:
    worker = _worker(one_letter, "smtp://127.0.0.1:1")

    assert worker.send() is True
    with one_letter.sessions() as session:
        unsent = session.scalars(select(Letter).where(Letter.sent_at.is_(None))).one()
        assert unsent.attempts == 1


def test_without_a_mail_server_letters_stay_in_the_mailbox(one_letter: Portal) -> None:
    assert one_letter.worker().send() is False

    page = one_letter.log_in("uma").get("/mailbox")
    assert "Grüße Bcc: x@y" in page.text


def test_nobody_reads_somebody_elses_letters(one_letter: Portal) -> None:
    assert "Grüße" not in one_letter.log_in("priya").get("/mailbox").text


def test_delivering_every_event_again_writes_no_letter_again(portal: Portal) -> None:
    """Handlers are idempotent: what the story has told is told once more, and nothing is added."""
    with portal.sessions() as session, session.begin():
        before = set(session.scalars(select(Letter.cause)))
        session.execute(update(Delivery).values(state=DeliveryState.DUE, attempts=0, due_at=clock.now()))
    again = portal.worker()
    while again.deliver():
        pass

    with portal.sessions() as session:
        assert set(session.scalars(select(Letter.cause))) == before
        assert before
