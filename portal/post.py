"""Where letters go, and how one is written down."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from allocations.people.persons import Person
from portal import mail


@dataclass(frozen=True, slots=True)
class Post:
    """Where letters go, under which cause, and how addresses of the portal are made."""

    session: Session
    cause: str
    public_url: str
    name: str
    secret_key: str

    def to(self, person: Person | str, subject: str, *paragraphs: str, path: str = "") -> None:
        """One letter; `path` is added as an address below the text."""
        address = person if isinstance(person, str) else person.email
        greeting = [] if isinstance(person, str) else [f"Dear {person.name},"]
        link = [f"{self.public_url}{path}"] if path else []
        body = "\n\n".join([*greeting, *(p for p in paragraphs if p), *link, f"-- \n{self.name}"])
        mail.write(self.session, self.cause, to=address, subject=subject, body=body + "\n")
