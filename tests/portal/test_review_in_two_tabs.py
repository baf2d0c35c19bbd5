"""A review that is open in two tabs: nothing typed is lost, and each text is there to compare."""

import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from allocations.programme.calls import Criterion
from allocations.programme.reviews import Review
from tests.portal import stage
from tests.portal.page_fields import PageFields
from tests.portal.stage import Portal

MINE = {"to_pi": "Of the second tab.", "confidence": "4"}


@pytest.fixture
def address(portal: Portal) -> str:
    return f"/reviews/{stage.places(portal)['review_petra']}"


@pytest.fixture
def petra(portal: Portal) -> FlaskClient:
    return portal.log_in("petra")


def form_of(text: str) -> dict[str, str]:
    page = PageFields()
    page.feed(text)
    return next(fields for fields in page.forms if "to_pi" in fields)


def kept(portal: Portal, address: str) -> Review:
    with portal.sessions() as session:
        return session.get_one(Review, int(address.rsplit("-", 1)[1]))


def test_the_text_of_the_other_tab_stands_beside_the_field(
    portal: Portal, petra: FlaskClient, address: str
) -> None:
    both = form_of(petra.get(address).text)
    petra.post(address, data=both | {"to_pi": "Of the <i>first</i> tab.", "confidence": "2", "then": "save"})

    late = petra.post(address, data=both | MINE | {"then": "save"})

    assert late.status_code == 409
    assert re.search(r"Of the second tab\.</textarea>", late.text)
    beside = re.findall(r'class="theirs">.*?<div class="written">(.*?)</div>', late.text, re.DOTALL)
    assert beside == ["2", "Of the &lt;i&gt;first&lt;/i&gt; tab."]
    assert kept(portal, address).to_pi == "Of the <i>first</i> tab."
    again = petra.post(address, data=form_of(late.text) | {"then": "save"})
    assert again.status_code == 303
    assert (kept(portal, address).to_pi, kept(portal, address).confidence) == ("Of the second tab.", 4)


def test_what_only_the_other_tab_wrote_is_kept(portal: Portal, petra: FlaskClient, address: str) -> None:
    both = form_of(petra.get(address).text)
    petra.post(address, data=both | {"to_panel": "Of the first tab.", "then": "save"})

    assert petra.post(address, data=both | MINE | {"then": "save"}).status_code == 303

    assert (kept(portal, address).to_pi, kept(portal, address).to_panel) == (
        MINE["to_pi"],
        "Of the first tab.",
    )


def by_itself(client: FlaskClient, address: str, given: dict[str, str]) -> TestResponse:
    return client.post(address, data=given | {"then": "autosave"})


def test_a_review_saves_itself_and_goes_on_from_there(
    portal: Portal, petra: FlaskClient, address: str
) -> None:
    given = form_of(petra.get(address).text) | {"to_pi": "Of", "private_note": "Ask about the grid."}

    first = by_itself(petra, address, given)

    assert first.status_code == 200
    assert "Saved" in first.text
    assert "<html" not in first.text
    assert kept(portal, address).private_note == "Ask about the grid."
    seen = re.findall(r'name="seen" value="([^"]*)"', first.text)[0]
    assert by_itself(petra, address, given | {"to_pi": "Of rain", "seen": seen}).status_code == 200
    assert kept(portal, address).to_pi == "Of rain"


def test_a_review_that_saves_itself_over_another_tab_names_the_fields_and_keeps_theirs(
    portal: Portal, petra: FlaskClient, address: str
) -> None:
    both = form_of(petra.get(address).text)
    scores = sorted(name for name in both if name.startswith("score_"))
    with portal.sessions() as session:
        named = session.get_one(Criterion, int(scores[0].removeprefix("score_"))).name
    by_itself(petra, address, both | {"to_pi": "Of the <i>first</i> tab.", scores[0]: "2"})

    late = by_itself(petra, address, both | MINE | {scores[0]: "5"})

    assert late.status_code == 409
    assert f"{named}, as it was saved meanwhile:" in late.text
    assert "Comments to the PI, as it was saved meanwhile:" in late.text
    assert re.findall(r"data-theirs>(.*?)</div>", late.text) == ["2", "Of the &lt;i&gt;first&lt;/i&gt; tab."]
    assert kept(portal, address).to_pi == "Of the <i>first</i> tab."


def test_what_saves_itself_may_be_half_done_but_not_wrong(
    portal: Portal, petra: FlaskClient, address: str
) -> None:
    given = form_of(petra.get(address).text)

    refused = by_itself(petra, address, given | MINE | {"confidence": "9"})

    assert refused.status_code == 422
    assert "Confidence: Choose a confidence from 1 to 5." in refused.text
    assert kept(portal, address).to_pi == given["to_pi"].strip()


@pytest.mark.parametrize("who", ["rosa", "owen", "sam"])
def test_nobody_else_saves_into_a_review(portal: Portal, address: str, who: str) -> None:
    before = kept(portal, address).to_pi

    assert by_itself(portal.log_in(who), address, MINE).status_code == 404

    assert kept(portal, address).to_pi == before


def test_an_invitation_that_is_not_accepted_holds_no_text(portal: Portal) -> None:
    address = f"/reviews/{stage.places(portal)['review_rosa']}"

    refused = by_itself(portal.log_in("rosa"), address, MINE)

    assert refused.status_code == 409
    assert "Accept the invitation first." in refused.text
    assert kept(portal, address).to_pi == ""
