"""Letters: written by handlers, kept in the mailbox, sent by the worker where there is a mail server."""

import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from sqlalchemy import Index, String, Text, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import clock
from allocations.kernel.db import Base

TIMEOUT = 20
CLAIM = timedelta(minutes=10)


class Letter(Base):
    __tablename__ = "letter"
    __table_args__ = (Index("ix_letter_unsent", "sent_at", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    # The event and the recipient: writing the same letter again changes nothing.
    cause: Mapped[str] = mapped_column(String(300), unique=True)
    recipient: Mapped[str] = mapped_column(String(254), index=True)
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    due_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)
    sent_at: Mapped[datetime | None] = mapped_column(default=None)
    attempts: Mapped[int] = mapped_column(default=0)


def write(session: Session, cause: str, *, to: str, subject: str, body: str) -> None:
    """Once a cause and recipient."""
    key = f"{cause}:{to}"[:300]
    if session.scalar(select(Letter.id).where(Letter.cause == key)) is None:
        plain = " ".join(subject.split())[:300]
        session.add(Letter(cause=key, recipient=to, subject=plain, body=body))


def letters_to(
    session: Session, address: str, *, before: int | None = None, size: int = 25
) -> Sequence[Letter]:
    """Newest first, by keyset."""
    query = select(Letter).where(func.lower(Letter.recipient) == address.lower())
    if before is not None:
        query = query.where(Letter.id < before)
    return session.scalars(query.order_by(Letter.id.desc()).limit(size)).all()


def claim(session: Session) -> Letter | None:
    """The oldest unsent letter that is due, put aside for this worker for ten minutes."""
    now = clock.now()
    due = (Letter.sent_at.is_(None), Letter.due_at <= now, Letter.attempts < 20)
    letter = session.scalar(select(Letter).where(*due).order_by(Letter.due_at, Letter.id).limit(1))
    if letter is None:
        return None
    later = {"due_at": now + CLAIM, "attempts": Letter.attempts + 1}
    mine = update(Letter).where(Letter.id == letter.id, *due).values(**later)
    done = session.execute(mine.execution_options(synchronize_session=False))
    return letter if done.rowcount == 1 else None  # type: ignore[attr-defined]


def mark_sent(session: Session, letter_id: int) -> None:
    session.get_one(Letter, letter_id).sent_at = clock.now()


def send(smtp_url: str, sender: str, letter: Letter) -> None:
    """Raises OSError or smtplib.SMTPException when the server does not take it."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, letter.recipient, letter.subject
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.body)
    server = urlsplit(smtp_url)
    kind = smtplib.SMTP_SSL if server.scheme == "smtps" else smtplib.SMTP
    with kind(server.hostname or "localhost", server.port or 25, timeout=TIMEOUT) as connection:
        if server.scheme == "smtp" and connection.has_extn("starttls"):
            connection.starttls()
        if server.username:
            connection.login(unquote(server.username), unquote(server.password or ""))
        connection.send_message(message)
