"""Forms that two people, or two tabs, fill at once: merged field by field, so that nobody's text is lost."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from allocations.kernel.errors import Invalid
from portal.forms import Form

CHANGED = "This was changed while you had it open. Saving again replaces it."
SEEN, BEFORE = "seen", "before"
DIGITS = 12


def marks(kept: Mapping[str, Any]) -> str:
    """What a form is filled from, for a hidden field; a field without a mark was empty."""
    return " ".join(f"{name}={_mark(value)}" for name, value in sorted(kept.items()) if _plain(value))


def merge(form: Form, kept: Mapping[str, Any], then: Callable[[], object]) -> None:
    """Fields that only somebody else has changed become what is `kept`, and `then` saves the form.

    Raises Invalid where both have, with the other text in `form.theirs`. A form that does not say what it was
    filled from is saved over whatever is there.
    """
    if SEEN in form.values:
        _take_over(form, kept)
    then()


def _take_over(form: Form, kept: Mapping[str, Any]) -> None:
    seen, before = _read(str(form.values[SEEN])), sent_before(form)
    form.values[SEEN] = marks(kept)
    for name in sorted({*kept, *seen}):
        was, now, mine = seen.get(name, ""), _mark(kept.get(name)), _mark(form.values.get(name))
        if now in (was, mine) or now == _mark(before.get(name)):
            continue
        if mine == was or name not in form.values:
            form.values[name] = kept.get(name, "")
            form.untouched[name] = was
        else:
            form.theirs[name] = _plain(kept.get(name))
    if form.theirs:
        raise Invalid(dict.fromkeys(form.theirs, CHANGED))


def marks_beside(form: Form, kept: Mapping[str, Any]) -> str:
    """As `marks`, for a page that still shows what it was filled from where only somebody else wrote."""
    known = _read(marks(kept)) | form.untouched
    return " ".join(f"{name}={mark}" for name, mark in sorted(known.items()) if mark)


def sent_before(form: Form) -> dict[str, Any]:
    """What this browser had sent and not yet heard of: no other hand, where it is kept."""
    return dict(parse_qs(str(form.values.get(BEFORE, "")), keep_blank_values=True))


def _plain(value: Any) -> str:
    """As typed, whatever the browser makes of line ends; of a list the order does not matter."""
    each = sorted(value) if isinstance(value, list | tuple) else [value or ""]
    return "\n".join(str(one).replace("\r\n", "\n").strip() for one in each).strip()


def _mark(value: Any) -> str:
    text = _plain(value)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:DIGITS] if text else ""


def _read(marked: str) -> dict[str, str]:
    return dict(each.split("=", 1) for each in marked.split() if "=" in each)
