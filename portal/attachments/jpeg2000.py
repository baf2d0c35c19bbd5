"""JPEG 2000 pictures inside a PDF: boxes of remarks are left out."""

import struct

from allocations.kernel.errors import Invalid

# Signature, file type, header and code stream; the others are XML, UUIDs and rights.
_KEPT = (b"jP  ", b"ftyp", b"jp2h", b"jp2c")
_START = b"\xff\x4f\xff\x51"
_DAMAGED = "This PDF holds a picture that is damaged."


def stripped_jpx(content: bytes) -> bytes:
    """The boxes that draw the picture; a bare code stream has none and stays as it is."""
    if content.startswith(_START):
        return content
    kept, at = [], 0
    while at < len(content):
        length, kind = _box(content, at)
        if kind in _KEPT:
            kept.append(content[at : at + length])
        at += length
    return b"".join(kept)


def _box(content: bytes, at: int) -> tuple[int, bytes]:
    try:
        length, kind = struct.unpack_from(">I4s", content, at)
        if length == 1:
            length = struct.unpack_from(">Q", content, at + 8)[0]
    except struct.error:
        raise Invalid({"file": _DAMAGED}) from None
    length = length or len(content) - at
    if length < 8 or at + length > len(content):
        raise Invalid({"file": _DAMAGED})
    return length, kind
