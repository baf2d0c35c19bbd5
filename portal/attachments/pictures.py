"""PNG and JPEG pictures without what cameras and programs write into them."""

import io
import struct
from collections.abc import Iterator

from PIL import Image, ImageOps

from allocations.kernel.errors import Invalid

# 40 million points are an A4 page at 600 dpi; unpacked they take 160 MB.
POINTS = 40_000_000
ORIENTATION = 0x0112
_UNREADABLE = Invalid({"file": "This picture is damaged and cannot be read."})
_FAILURES = (
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
_APP0, _APP14, _COMMENT = 0xE0, 0xEE, 0xFE
_SCAN, _END = 0xDA, 0xD9
_ALONE = {0x01, *range(0xD0, 0xD8)}


def cleaned_png(content: bytes) -> bytes:
    """The same points, written anew: no text, profile, time, animation or bytes behind the end."""
    picture = _opened(content, "PNG")
    kept = picture.info.get("transparency")
    picture.info.clear()
    written = io.BytesIO()
    picture.save(written, "PNG", **({} if kept is None else {"transparency": kept}))
    return written.getvalue()


def cleaned_jpeg(content: bytes) -> bytes:
    """The same compressed data without its remarks; turned upright first if only a remark said how."""
    picture = _opened(content, "JPEG")
    if picture.getexif().get(ORIENTATION, 1) == 1:
        return stripped_jpeg(content)
    turned = ImageOps.exif_transpose(picture)
    turned.info.clear()
    written = io.BytesIO()
    turned.save(written, "JPEG", quality=95)
    return stripped_jpeg(written.getvalue())


def stripped_jpeg(content: bytes) -> bytes:
    """Without comments and application data (EXIF, XMP, IPTC, colour profiles), up to the end mark."""
    try:
        return b"\xff\xd8" + b"".join(_kept(content))
    except (IndexError, struct.error):
        raise _UNREADABLE from None


def _kept(content: bytes) -> Iterator[bytes]:
    at = 2
    while True:
        while content[at] == 0xFF and content[at + 1] == 0xFF:
            at += 1
        if content[at] != 0xFF:
            raise _UNREADABLE
        mark = content[at + 1]
        if mark == _END:
            yield b"\xff\xd9"
            return
        end = at + 2 if mark in _ALONE else at + 2 + struct.unpack_from(">H", content, at + 2)[0]
        if mark == _SCAN:
            end = _end_of_scan(content, end)
        if end <= at or end > len(content):
            raise _UNREADABLE
        if _needed(mark, content[at + 4 : at + 9]):
            yield content[at:end]
        at = end


def _needed(mark: int, start: bytes) -> bool:
    """Of application data only what says how colours are coded."""
    if mark == _APP0:
        return start == b"JFIF\0"
    if mark == _APP14:
        return start == b"Adobe"
    return mark != _COMMENT and not 0xE0 <= mark <= 0xEF


def _end_of_scan(content: bytes, start: int) -> int:
    at = content.find(b"\xff", start)
    while at >= 0 and (content[at + 1] == 0 or 0xD0 <= content[at + 1] <= 0xD7):
        at = content.find(b"\xff", at + 2)
    if at < 0:
        raise _UNREADABLE
    return at


def _opened(content: bytes, kind: str) -> Image.Image:
    """Read to the end, so that a damaged picture is found here; its size is known before that."""
    try:
        picture = Image.open(io.BytesIO(content), formats=[kind])
        if picture.width * picture.height > POINTS:
            raise Invalid({"file": "This picture is too large: at most 40 million points."})
        picture.load()
    except _FAILURES:
        raise _UNREADABLE from None
    return picture
