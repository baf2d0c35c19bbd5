"""The catalogue of datasets."""

from flask import Blueprint
from pydantic import BaseModel

from datasets import catalogue
from datasets.catalogue import AccessClass
from portal.api.operations import PAGE, Page, older, operation
from portal.auth.tokens import Scope
from portal.database import session
from portal.permissions import machine, query
from portal.web import before

blueprint = Blueprint("datasets", __name__)


class Dataset(BaseModel):
    slug: str
    title: str
    summary: str
    access_class: AccessClass
    custodian: str
    licence: str
    release: str
    size_bytes: int
    conditions: str


@blueprint.get("/datasets")
@machine("dataset.see")
@query("before")
@operation(Page[Dataset], scope=Scope.READ_DATASETS)
def index() -> Page[Dataset]:
    """All datasets; who holds them is not told here."""
    found = catalogue.page(session(), before=before(), size=PAGE)
    return Page[Dataset](items=[_dataset(row) for row in found], older=older(found))


def _dataset(row: catalogue.Dataset) -> Dataset:
    plain = ("slug", "title", "summary", "access_class", "licence", "release", "size_bytes", "conditions")
    return Dataset(**{name: getattr(row, name) for name in plain}, custodian=row.custodian.name)
