"""A form that was sent after the log-in had ended: all of it goes along, and what was typed is shown."""

from tests.portal import stage
from tests.portal.stage import Portal

TYPED = {
    "text": "A strong plan.",
    "amount_h100": "2000",
    "score_4": "3",
    "seen": "score_4=4b227777d4dd",
    "seen_question_7": "abc123",
    "version": "17",
    "then": "save",
    "empty": " ",
}


def test_hidden_fields_stay_hidden_and_are_sent_along(portal: Portal) -> None:
    address = "/reviews/{review_dunes}".format_map(stage.places(portal))

    answer = portal.visitor().post(address, data=TYPED)

    assert answer.status_code == 401
    form, shown = answer.text.split("What you typed")
    for name, value in TYPED.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in form
    assert "A strong plan." in shown
    assert "2000" in shown
    assert "4b22" not in shown
    headings = [part.split("</h3>")[0] for part in shown.split("<h3>")[1:]]
    assert headings == ["Text", "Amount h100"]
