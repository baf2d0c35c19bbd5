"""Files as answers: hostile ones are refused, names tell nobody who sent them, and only readers get them."""

import hashlib
import io

import pytest
from flask.testing import FlaskClient
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject
from sqlalchemy import select
from werkzeug.test import TestResponse

from allocations.programme.answers import Attachment
from portal import uploads
from tests.portal import stage
from tests.portal.stage import Portal
from tests.portal.test_answering import asked, kept, rivers, with_carlos
from tests.threads import at_once


def pdf(*, script: bool = False) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.add_metadata({"/Author": "Priya Raman", "/Title": "By Priya"})
    if script:
        action = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("x()")}
        writer.root_object[NameObject("/OpenAction")] = DictionaryObject(action)
    held = io.BytesIO()
    writer.write(held)
    return held.getvalue()


def post(
    client: FlaskClient, address: str, field: str, *, content: bytes, name: str, **texts: str
) -> TestResponse:
    """As a browser writes it. (The test client's own way leaves temporary files open.)"""
    shown = name.replace('"', "%22").replace("\r\n", "%0D%0A")
    heads = [(f'name="{key}"', value.encode()) for key, value in texts.items()]
    heads.append((f'name="{field}"; filename="{shown}"', content))
    parts = [
        b"--edge\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % (h.encode(), v) for h, v in heads
    ]
    body = b"".join(parts) + b"--edge--\r\n"
    return client.post(address, data=body, content_type="multipart/form-data; boundary=edge")


def send(
    client: FlaskClient, portal: Portal, content: bytes, *, name: str = "Priya Raman v2.pdf", **more: str
) -> TestResponse:
    field = asked(portal, "Budget table").field
    page = f"/proposals/{rivers(portal).ref}/form/1"
    return post(client, page, field, content=content, name=name, upload=field, **more)


def address(portal: Portal) -> str:
    return f"/proposals/{rivers(portal).ref}/files/{asked(portal, 'Budget table').id}"


def held(portal: Portal) -> list[Attachment]:
    with portal.sessions() as session:
        return list(session.scalars(select(Attachment)))


@pytest.fixture
def priya(portal: Portal) -> FlaskClient:
    return portal.log_in("priya")


def test_a_file_replaces_the_one_before_and_comes_back_clean(portal: Portal, priya: FlaskClient) -> None:
    answer = send(priya, portal, pdf())

    assert answer.status_code == 303
    shown = priya.get(answer.location).text
    assert "You sent" in shown
    assert "Priya Raman v2.pdf" in shown
    sent = priya.get(address(portal))
    assert sent.data.startswith(b"%PDF-")
    assert b"Priya" not in sent.data
    assert hashlib.sha256(sent.data).hexdigest() == held(portal)[0].digest
    assert len(held(portal)) == 1


def test_a_download_is_saved_under_a_neutral_name_and_never_shown_as_a_page(
    portal: Portal, priya: FlaskClient
) -> None:
    send(priya, portal, pdf())
    sent = priya.get(address(portal))

    assert sent.headers["Content-Disposition"] == (
        f'attachment; filename="{rivers(portal).ref}-budget-table.pdf"'
    )
    assert sent.content_type == "application/pdf"
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in sent.headers["Content-Security-Policy"]
    assert sent.headers["Cache-Control"] == "no-store"


def test_texts_typed_beside_a_file_are_saved_with_it(portal: Portal, priya: FlaskClient) -> None:
    users = asked(portal, "Users").field

    assert send(priya, portal, pdf(), **{users: "12"}).status_code == 303
    assert kept(portal, "Users").text == "12"  # type: ignore[union-attr]


HOSTILE = {
    "a page": (b"<!doctype html><script>alert(1)</script>", "x.pdf"),
    "a page called a table": (b"<html>,\n1,2\n", "x.csv"),
    "a drawing that can run": (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "x.png"),
    "a program": (b"MZ\x90\x00" * 50, "x.pdf"),
    "a packed folder": (b"PK\x03\x04" + bytes(60), "x.docx"),
    "nothing": (b"", "x.pdf"),
    "half a PDF": (pdf()[:60], "x.pdf"),
    "a PDF with a script": (pdf(script=True), "x.pdf"),
    "a picture's name on a PDF": (pdf(), "x.png"),
    "plain text": (b"Only words.", "x.txt"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_not_a_harmless_file_is_refused_and_nothing_typed_is_lost(
    portal: Portal, priya: FlaskClient, what: str
) -> None:
    content, name = HOSTILE[what]
    before = held(portal)[0].digest
    users = asked(portal, "Users").field

    answer = send(priya, portal, content, name=name, **{users: "31"})

    assert answer.status_code == 422
    assert f'href="#field-{asked(portal, "Budget table").field}"' in answer.text
    assert 'value="31"' in answer.text
    assert [one.digest for one in held(portal)] == [before]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.pdf", 'a"\r\nX-Evil: 1.pdf', "\u202egnp.exe.pdf", "x" * 300]
)
def test_an_odd_name_is_no_way_out(portal: Portal, priya: FlaskClient, name: str) -> None:
    answer = send(priya, portal, pdf(), name=name)

    assert answer.status_code in (303, 400, 422)
    sent = priya.get(address(portal))
    assert "X-Evil" not in sent.headers
    assert "budget-table" in sent.headers["Content-Disposition"]
    assert all("/" not in one.name and len(one.name) <= 80 for one in held(portal))


def test_a_file_too_large_is_not_even_read(portal: Portal, priya: FlaskClient) -> None:
    large = send(priya, portal, b"%PDF-" + bytes(uploads.WHOLE))
    near = send(priya, portal, b"%PDF-" + bytes(uploads.MOST))

    assert large.status_code == 413
    assert "larger than 12 MB" in large.text
    assert near.status_code == 422
    assert "at most 10 MB" in near.text


def test_other_forms_stay_as_small_as_they_were(portal: Portal, priya: FlaskClient) -> None:
    page = f"/proposals/{rivers(portal).ref}/summary"
    answer = post(priya, page, "title", content=bytes(3_000_000), name="x.pdf")

    assert answer.status_code == 413
    assert "larger than 2 MB" in answer.text


def test_a_file_is_removed(portal: Portal, priya: FlaskClient) -> None:
    field = asked(portal, "Budget table").field
    page = f"/proposals/{rivers(portal).ref}/form/1"

    assert priya.post(page, data={"remove": field}).status_code == 303
    assert held(portal) == []
    assert priya.get(address(portal)).status_code == 404
    assert "Remove the file" not in priya.get(page).text


@pytest.mark.parametrize("who", ["sam", "uma", "ruth", "owen", "pat", "dana"])
def test_the_file_of_a_draft_is_there_for_its_writers_alone(portal: Portal, who: str) -> None:
    client = portal.log_in(who)

    assert client.get(address(portal)).status_code == 404
    assert send(client, portal, pdf()).status_code == 404
    assert len(held(portal)) == 1


def test_a_question_that_has_no_file_has_no_address(portal: Portal, priya: FlaskClient) -> None:
    here = f"/proposals/{rivers(portal).ref}/files"

    assert priya.get(f"{here}/{asked(portal, 'Method').id}").status_code == 404
    assert priya.get(f"{here}/99999999999").status_code == 404
    soil = stage.places(portal)["proposal_soil"]
    assert priya.get(f"/proposals/{soil}/files/{asked(portal, 'Budget table').id}").status_code == 404


def test_a_file_in_a_field_of_words_is_nothing(portal: Portal, priya: FlaskClient) -> None:
    field = asked(portal, "Users").field
    page = f"/proposals/{rivers(portal).ref}/form/1"

    answer = post(priya, page, field, content=pdf(), name="x.pdf")

    assert answer.status_code == 303
    assert [one.media_type for one in held(portal)] == ["text/csv"]


def test_a_table_as_a_file_says_what_it_is(portal: Portal, priya: FlaskClient) -> None:
    sent = priya.get(address(portal))

    assert sent.content_type == "text/csv; charset=utf-8"
    assert sent.headers["Content-Disposition"].endswith('-budget-table.csv"')
    assert "raman" not in sent.headers["Content-Disposition"]


def test_two_files_at_once_and_one_is_kept(portal_on_engine: Portal) -> None:
    portal = with_carlos(portal_on_engine)
    clients = [portal.log_in(who) for who in ("priya", "carlos")]

    told = at_once(2, lambda n: send(clients[n], portal, pdf()))

    codes = [getattr(one, "status_code", repr(one)) for one in told]
    assert set(codes) <= {303, 409}
    assert 303 in codes
    assert len(held(portal)) == 1
