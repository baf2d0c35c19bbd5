"""The pages of one's own relations and publications."""

from allocations.programme import expertise
from tests.portal import stage
from tests.portal.stage import Portal

RELATION = {"kind": "family", "name": "Marta Stone", "orcid": "0000-0001-5109-3700", "until": ""}


def test_a_relation_is_stated_shown_to_its_person_alone_and_removed(portal: Portal) -> None:
    sam, uma = portal.log_in("sam"), portal.log_in("uma")

    assert sam.post("/account/relations", data=RELATION).status_code == 303
    assert "Marta Stone" in sam.get("/account/relations").text
    assert "Marta Stone" not in uma.get("/account/relations").text
    number = sam.get("/account/relations").text.split('name="relation" value="')[1].split('"')[0]
    uma.post("/account/relations/remove", data={"relation": number})
    assert "Marta Stone" in sam.get("/account/relations").text
    assert sam.post("/account/relations/remove", data={"relation": number}).status_code == 303
    assert "Marta Stone" not in sam.get("/account/relations").text


def test_what_is_wrong_is_said_and_what_was_typed_stays(portal: Portal) -> None:
    sam = portal.log_in("sam")

    refused = sam.post("/account/relations", data={**RELATION, "orcid": "0000-0001-5109-3701"})

    assert refused.status_code == 422
    assert "This is no ORCID iD" in refused.text
    assert 'value="Marta Stone"' in refused.text


def test_an_administrator_who_views_as_somebody_does_not_read_the_relations(portal: Portal) -> None:
    ada, ruth = portal.log_in("ada"), stage.places(portal)["psn_sam"]
    assert ada.post(f"/people/{ruth}/view", data={"reason": "Support asked."}).status_code == 303

    assert ada.get("/account/relations").status_code == 403


def test_an_applicant_keeps_publications_with_authors(portal: Portal) -> None:
    priya = portal.log_in("priya")
    assert "nobody could check" in priya.get("/account/publications").text
    paper = {"title": "On clouds", "year": "2024", "authors": "Roe, Ruth 0000-0001-5109-3700\nStone, S."}

    added = priya.post("/reviews/profile/publications/new", data=paper)

    assert added.headers["Location"] == "/account/publications"
    assert "On clouds" in priya.get("/account/publications").text
    with portal.sessions() as session:
        (kept,) = expertise.of_person(session, stage.person(session, "priya")).publications
        assert kept.authors == "Roe, Ruth 0000-0001-5109-3700\nStone, S."


def test_the_office_reads_what_could_not_be_checked(portal: Portal) -> None:
    ref = stage.places(portal)["proposal_imaging"]

    shown = portal.log_in("owen").get(f"/proposals/{ref}/reviewers").text

    assert "co-authorship" in shown
