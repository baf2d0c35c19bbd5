"""Forms: what was typed, what is wrong with it, and the one way from a POST to a verb."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from allocations.kernel.errors import DomainError, Invalid, NotFound, Stale
from portal.database import session
from portal.errors import UNSTORABLE_VALUE, field_message
from portal.fields import UNSTORABLE, storable

Input = TypeVar("Input", bound=BaseModel)
WORDS = {
    "missing": "This is missing.",
    "enum": "Choose one of the options.",
    "literal_error": "Choose one of the options.",
    "string_type": "Enter text.",
    "extra_forbidden": "This field does not belong to the form.",
    "greater_than_equal": "Enter {ge} or more.",
    "less_than_equal": "Enter {le} or less.",
}


class Form:
    """Values as typed and messages by field; `status` is what the page with it answers."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.values: dict[str, Any] = dict(values or {})
        self.errors: dict[str, str] = {}
        # What the list of errors calls a field whose message does not name it.
        self.labels: dict[str, str] = {}
        # What somebody else, or another tab, has saved meanwhile; shown beside the field.
        self.theirs: dict[str, str] = {}
        # Marks of fields that took what somebody else saved, while the page still shows what was before.
        self.untouched: dict[str, str] = {}
        self.status = 200

    def parse(self, model: type[Input]) -> Input:
        """The typed values as this input; raises Invalid with the field messages."""
        wanted = {name: self.values[name] for name in model.model_fields if name in self.values}
        try:
            return model.model_validate(wanted)
        except ValidationError as error:
            raise Invalid(field_messages(error)) from None

    def save(self, act: Callable[[], object]) -> bool:
        """Call a verb and commit, once. When it refuses: nothing has happened, and the page says why."""
        try:
            self._check_characters()
            act()
            session().commit()
        except NotFound:
            raise
        except Invalid as error:
            self._refused(error.fields, 409 if self.theirs else 422)
        except (Stale, StaleDataError):
            self.values.pop("version", None)
            message = (
                "Somebody changed this while you had it open. What you typed is below; "
                "saving it again replaces what they wrote."
            )
            self._refused({"_form": message}, 409)
        except IntegrityError as error:
            self._refused(field_message(error), 409)
        except DataError:
            self._refused({"_form": UNSTORABLE_VALUE}, 422)
        except DomainError as error:
            self._refused({"_form": error.reason}, 409)
        return not self.errors

    def _check_characters(self) -> None:
        """Before any of it reaches a rule or the database, whichever way the view reads it."""
        each = {name: value if isinstance(value, list) else [value] for name, value in self.values.items()}
        wrong = [name for name, texts in each.items() if not all(storable(str(text)) for text in texts)]
        if wrong:
            raise Invalid(dict.fromkeys(wrong, UNSTORABLE))

    def _refused(self, fields: Mapping[str, str], status: int) -> None:
        session().rollback()
        self.errors.update(fields)
        self.status = status


def posted(*several: str) -> Form:
    """What was posted; the names in `several` are lists."""
    values: dict[str, Any] = {name: request.form.get(name, "") for name in request.form}
    for name in several:
        values[name] = request.form.getlist(name)
    return Form(values)


def version_in(form: Form, name: str = "version") -> int | None:
    """The version of the row that the form was filled from; None to save over whatever is there."""
    text = str(form.values.get(name, ""))
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def field_messages(error: ValidationError) -> dict[str, str]:
    return {_field(each): _message(each) for each in error.errors()}


def _field(error: Any) -> str:
    return str(error["loc"][0]) if error["loc"] else "_form"


def _message(error: Any) -> str:
    kind = str(error["type"])
    if kind == "value_error":
        return str(error["ctx"]["error"])
    return WORDS.get(kind, "This is not a value that fits here.").format(**error.get("ctx", {}))
