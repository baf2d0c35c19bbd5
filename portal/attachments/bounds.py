"""How much a PDF may become when it is unpacked, found out before a parser does it."""

import base64
import binascii
import re
import zlib

from allocations.kernel.errors import Invalid

# A viewer must cope with this too. Text and drawings stay far below; pictures are mostly not packed this way.
UNPACKED = 200_000_000
STEP = 65_536
_STREAM = re.compile(rb"stream[ \t]*\r?\n?")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
# Nothing written in this century needs LZW, and its unpacking has no bound in qpdf. A filter that is named
# elsewhere in the file could hide it.
_OUTDATED = re.compile(rb"/LZW(?:Decode)?(?=[\s/\[\]<>(])|/Filter\s*\[?\s*\d+\s+\d+\s+R")
_TOO_MUCH = Invalid(
    {"file": "This PDF unpacks to far more than its size. Print it to a new PDF and send that."}
)
_OLD = Invalid({"file": "This PDF is packed in a way no longer used. Print it to a new PDF and send that."})


class Budget:
    """What may still be unpacked of one file, in bytes."""

    def __init__(self, left: int = UNPACKED) -> None:
        self.left = left

    def inflate(self, packed: bytes | memoryview, *, keep: bool = True) -> bytes:
        """As far as the data are sound; memory stays small unless the result is kept."""
        engine = zlib.decompressobj()
        parts: list[bytes] = []
        for at in range(0, len(packed), STEP):
            tail = bytes(packed[at : at + STEP])
            while tail and not engine.eof:
                try:
                    part = engine.decompress(tail, 1 << 20)
                except zlib.error:
                    return b"".join(parts)
                self._spend(len(part))
                parts += [part] if keep else []
                tail = engine.unconsumed_tail
            if engine.eof:
                break
        return b"".join(parts)

    def _spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise _TOO_MUCH


def hold(content: bytes) -> None:
    """Refuses a PDF whose packed parts exceed the budget, wherever in the file they are."""
    if _OUTDATED.search(_ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), content)):
        raise _OLD
    budget, view = Budget(), memoryview(content)
    for found in _STREAM.finditer(content):
        head = content[found.end() : found.end() + 2]
        if len(head) == 2 and head[0] & 15 == 8 and int.from_bytes(head, "big") % 31 == 0:
            budget.inflate(view[found.end() :], keep=False)


def unpacked(raw: bytes, filters: list[str], budget: Budget) -> tuple[bytes, list[str]]:
    """Data with the leading general filters undone, and the filters that remain."""
    left = list(filters)
    try:
        while left and left[0] in ("/ASCII85Decode", "/ASCIIHexDecode", "/FlateDecode"):
            raw = _undone(raw, left.pop(0), budget)
    except (ValueError, binascii.Error):
        raise Invalid({"file": "This PDF is damaged and cannot be read."}) from None
    return raw, left


def _undone(raw: bytes, name: str, budget: Budget) -> bytes:
    if name == "/FlateDecode":
        return budget.inflate(raw)
    if name == "/ASCII85Decode":
        return base64.a85decode(raw.strip().removeprefix(b"<~").removesuffix(b"~>"))
    digits = re.sub(rb"\s", b"", raw.split(b">")[0])
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))
