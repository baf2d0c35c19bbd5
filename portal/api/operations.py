"""What a view of the API takes and answers, said once: the answer and the document come from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Generic, Protocol, TypeVar

from flask import Response, request, url_for
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from allocations.kernel import units
from allocations.kernel.errors import Invalid
from portal.auth.tokens import Scope
from portal.forms import field_messages

PAGE = 50
Shape = TypeVar("Shape", bound=BaseModel)


class Keyed(Protocol):
    @property
    def id(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Operation:
    """`scope` is None for what anybody may read; `takes` is the type of the body."""

    answers: type[BaseModel]
    scope: Scope | None
    status: int
    takes: type[BaseModel] | None


class Body(BaseModel):
    """Base of what is sent: nothing is converted, and nothing passed over."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Amount(BaseModel):
    """An amount of service units, exactly: in millionths, and as people write it."""

    micro: int
    text: str


class Page(BaseModel, Generic[Shape]):
    """A part of a list, newest first; `older` is the address of the next part, if there is one."""

    items: list[Shape]
    older: str | None = None


def operation(
    answers: type[BaseModel],
    *,
    scope: Scope | None,
    status: int = 200,
    takes: type[BaseModel] | None = None,
) -> Callable[[Callable[..., BaseModel]], Callable[..., Response]]:
    """The view gives a value of the type that it answers, and no other."""

    def mark(view: Callable[..., BaseModel]) -> Callable[..., Response]:
        @wraps(view)
        def answered(**names: str) -> Response:
            found = view(**names)
            if type(found) is not answers:
                raise TypeError(f"{view.__name__} answers {type(found).__name__}, not {answers.__name__}")
            return Response(found.model_dump_json(by_alias=True), status, mimetype="application/json")

        answered.operation = Operation(answers, scope, status, takes)  # type: ignore[attr-defined]
        return answered

    return mark


def body(model: type[Shape]) -> Shape:
    """What was sent; raises 415, 400 or Invalid."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send JSON, with “Content-Type: application/json”.")
    try:
        return model.model_validate_json(request.get_data())
    except ValidationError as error:
        if any(each["type"] == "json_invalid" for each in error.errors()):
            raise BadRequest("The body is not JSON.") from None
        raise Invalid(field_messages(error)) from None


def amount(micro: int) -> Amount:
    return Amount(micro=micro, text=units.written(micro))


def older(rows: Sequence[Keyed]) -> str | None:
    """The address of the next part after these rows; None when a part is not full."""
    if len(rows) < PAGE:
        return None
    return url_for(request.endpoint or "", **(request.view_args or {}), before=rows[-1].id)
