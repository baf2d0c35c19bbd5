"""Names on a cluster: derived, valid, and one to one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocations.accounts.projects import Project
from k8s import names

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
keys = st.integers(1, 2**31 - 1)


def project(key: int) -> Project:
    made = Project(title="x")
    made.id = key
    return made


@given(key=keys)
def test_a_namespace_is_a_dns_label(key: int) -> None:
    assert DNS_LABEL.fullmatch(names.namespace(project(key)))


@given(pair=st.lists(keys, min_size=2, max_size=2, unique=True))
def test_two_projects_never_share_a_namespace(pair: list[int]) -> None:
    first, second = (names.namespace(project(key)) for key in pair)

    assert first != second
    assert not first.startswith(f"{second}-")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (names.subject(7), "commons:person-7"),
        (names.home(7), "home-p7"),
        (names.dataset_claim("climate"), "dataset-climate"),
        (names.dataset_volume("commons-prj26-0001", "climate"), "commons-prj26-0001-climate"),
    ],
)
def test_names_are_what_they_always_were(name: str, expected: str) -> None:
    assert name == expected


def test_labels_say_who_manages_and_for_which_project() -> None:
    assert names.labels("PRJ26-0001", **{names.DATASET: "x"}) == {
        "app.kubernetes.io/managed-by": "research-commons",
        "commons.research/project": "prj26-0001",
        "commons.research/dataset": "x",
    }
