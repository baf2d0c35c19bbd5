"""A review that is open in two tabs: nothing typed is lost, and each text is there to compare."""

import re

import pytest
from flask.testing import FlaskClient

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
