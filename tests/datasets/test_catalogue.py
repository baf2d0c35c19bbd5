"""The catalogue is public."""

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from allocations.kernel.errors import NotFound
from datasets import catalogue
from datasets.catalogue import AccessClass
from tests import cast as stage
from tests.cast import Cast


def test_everybody_finds_every_dataset_by_title(session: Session, cast: Cast) -> None:
    stage.dataset(cast, "birds", AccessClass.REGISTERED)
    session.flush()

    assert [d.slug for d in catalogue.all_datasets(session)] == ["birds", "climate", "genomes"]
    assert catalogue.get(session, "genomes") is cast.genomes
    assert catalogue.by_slugs(session, ["genomes", "nothing"]) == [cast.genomes]
    with pytest.raises(NotFound):
        catalogue.get(session, "nothing")


@pytest.mark.parametrize(("access", "asks"), [("open", False), ("registered", False), ("controlled", True)])
def test_only_controlled_datasets_need_approval(
    session: Session, cast: Cast, access: str, asks: bool
) -> None:
    assert stage.dataset(cast, "x", AccessClass(access)).needs_approval == asks


def test_a_size_is_never_negative(session: Session, cast: Cast) -> None:
    cast.climate.size_bytes = -1

    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
