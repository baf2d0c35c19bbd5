"""Answers as somebody reads them, whatever they are made of."""

import io

from pypdf import PdfReader
from werkzeug.test import TestResponse


def readable(answer: TestResponse) -> TestResponse:
    """The words of a PDF in its place: they must be as fit for this reader as those of a page."""
    if answer.mimetype == "application/pdf":
        pages = PdfReader(io.BytesIO(answer.data)).pages
        answer.set_data("\n".join(page.extract_text() for page in pages))
    return answer
