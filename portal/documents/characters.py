"""Which characters the fonts can draw, and what stands for the others."""

import re
import unicodedata
from functools import cache
from itertools import groupby
from pathlib import Path

from fontTools.ttLib import TTFont

FONTS = Path(__file__).parent / "fonts"
REGULAR, BOLD, WIDE = (
    FONTS / name for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DroidSansFallback.ttf")
)
NEUTRAL, SHAPED = 150, 4_000
# More marks on one letter are a joke or an attack: fpdf2 measures a line anew with each of them.
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u00ad\u200b-\u200d\ufe00-\ufe0f"
_STACKED = re.compile(f"([{_MARKS}]{{4}})[{_MARKS}]+")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Marks that change the order of what follows; with them a text can be made to read as something else.
_ORDER = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x061C, 0x200E, 0x200F, 0xFEFF))
_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


@cache
def drawn(font: Path) -> frozenset[str]:
    """The characters that a font has a glyph for."""
    with TTFont(font, lazy=True) as opened:
        return frozenset(map(chr, opened.getBestCmap()))


def shown(text: str) -> str:
    """The text with nothing in it that cannot be drawn: what has no glyph becomes a visible replacement.

    Only what is invisible anyway may go: marks of direction, joiners and selectors without a glyph, and
    more than four marks on one letter.
    """
    lines = _BREAKS.sub("\n", text).replace("\t", "    ").translate(_ORDER)
    return "".join(_visible(char) for char in _STACKED.sub(r"\1", unicodedata.normalize("NFC", lines)))


def needs_wide(text: str) -> bool:
    """Whether a shown text has characters (mostly Chinese, Japanese, Korean) of the large font only."""
    return bool(set(text) - drawn(REGULAR) - {"\n"})


def right_to_left(text: str) -> bool:
    """Whether the first letter with a direction runs from right to left."""
    strong = (kind for kind in map(unicodedata.bidirectional, text) if kind in ("L", "R", "AL"))
    return next(strong, "L") != "L"


def needs_shaping(text: str) -> bool:
    """Whether letters change their place or form beside others: Arabic, Hebrew, combining marks.

    Not when a long run has no direction (fpdf2 looks for its end by recursion, and fails), nor when a line
    is so long that the time, which grows with its square, would be felt.
    """
    if len(text) > SHAPED:
        return False
    kinds = [unicodedata.bidirectional(char) for char in text]
    if not {"R", "AL", "AN", "NSM"} & set(kinds):
        return False
    runs = groupby(kinds, key=lambda kind: kind in ("L", "R", "AL", "EN", "AN"))
    return all(strong or sum(1 for _ in run) < NEUTRAL for strong, run in runs)


def _visible(char: str) -> str:
    if char == "\n" or (unicodedata.category(char) not in ("Cc", "Cs") and _has_glyph(char)):
        return char
    invisible = unicodedata.category(char) == "Cf" or "VARIATION SELECTOR" in unicodedata.name(char, "")
    return "" if invisible else REPLACEMENT


def _has_glyph(char: str) -> bool:
    return char in drawn(REGULAR) or char in drawn(WIDE)
