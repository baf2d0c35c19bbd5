"""Public references: what people quote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocations.accounts.projects import Project
from allocations.kernel import clock
from allocations.kernel.errors import NotFound
from allocations.kernel.refs import checked, id_of
from allocations.programme.calls import Call
from allocations.programme.proposals import Proposal
from k8s.notebooks import Notebook


@pytest.mark.parametrize(
    ("model", "ref", "key"),
    [
        (Proposal, "AIR26-0042", 42),
        (Call, "CALL26-0001", 1),
        (Notebook, "NB26-12345", 12345),
        (Project, f"PRJ99-{2**31 - 1}", 2**31 - 1),
    ],
)
def test_a_reference_names_a_key(model, ref: str, key: int) -> None:
    assert id_of(model, ref) == key


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "AIR26-42",
        "air26-0042",
        "AIR26-0042 ",
        "AIR26-0042\n",
        "CALL26-0042",
        "AIR26-٠٠٤٢",
        "AIR2600-0042",
        f"AIR26-{2**31}",
        "AIR26-99999999999",
        "AIR26-0042' OR 1=1",
        "AIR26--042",
        "x" * 10000,
    ],
)
def test_what_is_not_a_reference_of_this_model_is_not_found(ref: str) -> None:
    with pytest.raises(NotFound):
        id_of(Proposal, ref)


@given(ref=st.text(max_size=20))
def test_no_text_at_all_breaks_the_reading_of_references(ref: str) -> None:
    try:
        key = id_of(Proposal, ref)
    except NotFound:
        return
    assert 0 <= key < 2**31


@given(key=st.integers(1, 2**31 - 1))
def test_a_reference_leads_back_to_its_row(key: int) -> None:
    project = Project(title="x")
    project.id = key

    assert id_of(Project, project.ref) == key
    assert checked(project, project.ref) is project


@pytest.mark.parametrize("spelt", ["PRJ{year}-00007", "PRJ00-0007"])
def test_a_reference_has_one_spelling(spelt: str) -> None:
    project = Project(title="x")
    project.id = 7

    with pytest.raises(NotFound):
        checked(project, spelt.format(year=f"{clock.now():%y}"))
    with pytest.raises(NotFound):
        checked(None, project.ref)
