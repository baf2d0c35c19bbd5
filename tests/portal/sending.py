"""Files as people would send them, made on the spot."""

import io
from collections.abc import Callable

import pikepdf
import pytest
from pikepdf import Pdf
from PIL import Image

from allocations.kernel.errors import Invalid
from portal.attachments.files import CSV, JPEG, PDF, PNG, TEXT, Checked, checked

ALL = frozenset({PDF, PNG, JPEG, TEXT, CSV})
AUTHOR = "Priya Raman"
NAMED = AUTHOR.encode()
Change = Callable[[Pdf], None]


def sent(content: bytes, name: str = "", *, allowed: frozenset[str] = ALL, most: int = 10_000_000) -> Checked:
    return checked(name or "plan", content, allowed=allowed, most=most, most_pages=5)


def refusal(content: bytes, name: str = "", *, allowed: frozenset[str] = ALL, most: int = 10_000_000) -> str:
    with pytest.raises(Invalid) as refused:
        sent(content, name, allowed=allowed, most=most)
    assert list(refused.value.fields) == ["file"]
    return refused.value.fields["file"]


AS_IS = {"fix_metadata_version": False, "stream_decode_level": pikepdf.StreamDecodeLevel.none}


def pdf(change: Change | None = None, *, pages: int = 1, **how: object) -> bytes:
    with Pdf.new() as made:
        for _ in range(pages):
            page = made.add_blank_page()
            page.obj.Contents = made.make_stream(b"BT (We fold proteins) Tj ET")
        if change:
            change(made)
        written = io.BytesIO()
        made.save(written, **(how if "encryption" in how else AS_IS | how))  # type: ignore[arg-type]
    return written.getvalue()


def picture(kind: str, **how: object) -> bytes:
    written = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((40, 20)).save(written, kind, **how)
    return written.getvalue()
