"""Answers to a call's questions: each saved for itself, so that people who write together lose nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from allocations.kernel import audit, clock
from allocations.kernel.answers import require
from allocations.kernel.db import Base
from allocations.kernel.errors import IllegalMove, Invalid, NotFound
from allocations.people.roles import Actor
from allocations.programme import questions
from allocations.programme.proposals import Proposal, may_edit
from allocations.programme.questions import Cells, Question, QuestionKind


class Answer(Base):
    """`text` answers all but tables (`cells`) and files (an `Attachment`)."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("proposal_id", "question_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"))
    text: Mapped[str] = mapped_column(Text, default="")
    cells: Mapped[list[list[str]]] = mapped_column(default_factory=list)
    saved_by: Mapped[str] = mapped_column(String(200), default="")
    saved_at: Mapped[datetime] = mapped_column(default_factory=clock.now)
    version: Mapped[int] = mapped_column(init=False)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Attachment(Base):
    """A checked file that answers a question; `content` is loaded only where it is sent."""

    __tablename__ = "attachment"
    __table_args__ = (UniqueConstraint("proposal_id", "question_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"))
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(80))
    # Bytes.
    size: Mapped[int]
    # SHA-256 of the content, in hexadecimal digits.
    digest: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    pages: Mapped[int | None] = mapped_column(default=None)
    saved_by: Mapped[str] = mapped_column(String(200), default="")
    saved_at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)


@dataclass(frozen=True, slots=True)
class Typed:
    """One answer as it was typed; `seen` is the version it was typed over: 0 for none, None for any."""

    question: Question
    text: str = ""
    cells: Cells | None = None
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file after its check: the type is what its content says, and no author is left in it."""

    name: str
    media_type: str
    content: bytes
    digest: str
    pages: int | None = None


class Overtaken(Invalid):
    """Somebody else saved one of these answers meanwhile; `theirs` by form field."""

    def __init__(self, theirs: dict[str, Answer]) -> None:
        super().__init__(
            {
                field: f"{answer.saved_by} changed this answer while you were writing. Theirs is shown below "
                "yours; saving again replaces it."
                for field, answer in theirs.items()
            }
        )
        self.theirs = theirs


def of_proposal(session: Session, proposal: Proposal) -> dict[int, Answer]:
    """By question id."""
    found = session.scalars(select(Answer).where(Answer.proposal_id == proposal.id))
    return {answer.question_id: answer for answer in found}


def attachments(session: Session, proposal: Proposal) -> dict[int, Attachment]:
    """By question id, without their content."""
    found = session.scalars(select(Attachment).where(Attachment.proposal_id == proposal.id))
    return {attachment.question_id: attachment for attachment in found}


def attachment(session: Session, proposal: Proposal, question_id: int) -> Attachment:
    """One file of a proposal that the actor was found to see."""
    wanted = (Attachment.proposal_id == proposal.id, Attachment.question_id == question_id)
    found = session.scalar(select(Attachment).where(*wanted))
    if found is None:
        raise NotFound
    return found


def save(session: Session, actor: Actor, proposal: Proposal, given: Sequence[Typed]) -> list[Answer]:
    """Keep what has changed. Raises Invalid for what cannot be kept, Overtaken when somebody was quicker."""
    require(may_edit(actor, proposal))
    troubles = {
        one.question.field: questions.trouble(one.question, one.text, one.cells or []) for one in given
    }
    wrong = {field: trouble for field, trouble in troubles.items() if trouble}
    if wrong:
        raise Invalid(wrong)
    kept = of_proposal(session, proposal)
    changed = [one for one in given if _differs(one, kept.get(one.question.id))]
    theirs = {
        one.question.field: kept[one.question.id]
        for one in changed
        if one.seen is not None and one.question.id in kept and kept[one.question.id].version != one.seen
    }
    if theirs:
        raise Overtaken(theirs)
    saved = [_write(session, actor, proposal, one=one, old=kept.get(one.question.id)) for one in changed]
    session.flush()
    return saved


def _differs(one: Typed, old: Answer | None) -> bool:
    if old is None:
        return bool(one.text or one.cells)
    return one.text != old.text or (one.cells or []) != old.cells


def _write(session: Session, actor: Actor, proposal: Proposal, *, one: Typed, old: Answer | None) -> Answer:
    answer = old or Answer(proposal_id=proposal.id, question_id=one.question.id)
    answer.text, answer.cells = one.text, [list(row) for row in one.cells or []]
    answer.saved_by, answer.saved_at = actor.name, clock.now()
    if old is None:
        session.add(answer)
    return answer


def append(
    session: Session, actor: Actor, proposal: Proposal, question: Question, *, text: str
) -> list[Answer]:
    """Put a paragraph behind what the answer says already, whoever wrote that."""
    require(may_edit(actor, proposal))
    if question.kind != QuestionKind.TEXT or question.call_id != proposal.call_id:
        raise NotFound
    kept = of_proposal(session, proposal).get(question.id)
    said = kept.text if kept else ""
    if text in said:
        raise IllegalMove("This is in the answer already.")
    return save(session, actor, proposal, [Typed(question, text=f"{said}\n\n{text}".strip())])


def attach(session: Session, actor: Actor, proposal: Proposal, question: Question, *, upload: Upload) -> None:
    """Put a file in the place of the one that answered this question before."""
    require(may_edit(actor, proposal))
    if question.kind != QuestionKind.FILE or question.call_id != proposal.call_id:
        raise NotFound
    remove(session, actor, proposal, question)
    file = Attachment(
        proposal_id=proposal.id,
        question_id=question.id,
        name=upload.name,
        media_type=upload.media_type,
        size=len(upload.content),
        pages=upload.pages,
        digest=upload.digest,
        saved_by=actor.name,
        content=upload.content,
    )
    session.add(file)
    session.flush()
    audit.record(
        session, actor, "proposal.attach", subject=proposal.ref, note=f"{question.label}: {file.name}"
    )


def remove(session: Session, actor: Actor, proposal: Proposal, question: Question) -> None:
    require(may_edit(actor, proposal))
    old = attachments(session, proposal).get(question.id)
    if old is not None:
        session.delete(old)
        session.flush()


def bring(session: Session, actor: Actor, proposal: Proposal, older: Proposal) -> int:
    """Copy answers of an older proposal where the questions read the same; how many there were.

    What is written already stays.
    """
    require(may_edit(actor, proposal))
    written, known = of_proposal(session, proposal), of_proposal(session, older)
    by_text = {(q.label.casefold(), q.kind): known[q.id] for q in older.call.questions if q.id in known}
    brought = [
        Typed(question, text=source.text, cells=source.cells)
        for question in proposal.call.questions
        if question.id not in written
        and (source := by_text.get((question.label.casefold(), question.kind))) is not None
        and not questions.trouble(question, source.text, source.cells)
    ]
    return len(save(session, actor, proposal, brought))
