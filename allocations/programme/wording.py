"""The office's own words in letters: what they may refer to, and how they are filled in."""

import re
from collections.abc import Mapping

from allocations.people.persons import Person
from allocations.programme.calls import LetterKind
from allocations.programme.proposals import Proposal

# What each placeholder stands for, as the office is told.
PLACEHOLDERS = {
    "name": "the person who gets the letter",
    "proposal": "the reference of the proposal, such as AIR26-0042",
    "title": "the title of the proposal",
    "call": "the title of the call",
    "link": "the address that the letter leads to",
}
WHEN = {
    LetterKind.SUBMITTED: "to the PI, when a proposal is submitted",
    LetterKind.RETURNED: "to the PI, when the office asks for changes",
    LetterKind.REVIEW_ASKED: "to a reviewer, when a review is asked",
    LetterKind.AWARDED: "to the PI, when the proposal is awarded",
    LetterKind.DECLINED: "to the PI, when the proposal is declined",
}
LONGEST = 5_000
_PLACE = re.compile(r"\{([^{}\n]*)\}")


def faults(letters: Mapping[LetterKind, str]) -> dict[str, str]:
    """By form field: a placeholder that nobody can fill in, or too many words."""
    wrong: dict[str, str] = {}
    for kind, text in letters.items():
        unknown = [name for name in _PLACE.findall(text) if name not in PLACEHOLDERS]
        if unknown:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            wrong[f"letter_{kind}"] = f"There is no {{{unknown[0][:40]}}}. You can use {known}."
        elif len(text) > LONGEST:
            wrong[f"letter_{kind}"] = f"This is {len(text):,} characters long; at most {LONGEST:,} fit here."
    return wrong


def filled(text: str, values: Mapping[str, str]) -> str:
    """In one pass: braces in a title are only a title."""
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)


def own_words(proposal: Proposal, kind: LetterKind, *, reader: Person, link: str) -> str:
    """What the office adds to this letter in the call of the proposal; empty when it adds nothing."""
    text = next((letter.text for letter in proposal.call.letters if letter.kind == kind), "")
    values = {"name": reader.name, "title": proposal.title, "call": proposal.call.title, "link": link}
    return filled(text, {**values, "proposal": proposal.ref})
