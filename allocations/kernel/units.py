"""Service units as people write them and as rows keep them (micro-units)."""

import re
from decimal import Decimal

MICRO = 1_000_000
# A bound that no real award comes near and that keeps every sum inside 64 bits.
LARGEST = 1_000_000_000 * MICRO
# A comma only ever separates thousands: 12,5 is refused, and not taken for 125.
_WRITTEN = re.compile(r"-?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?", re.ASCII)


def units(micro: int) -> Decimal:
    return Decimal(micro) / MICRO


def micro(amount: int | Decimal | str) -> int:
    """Exact; raises ValueError with a sentence for people when the text is not a usable amount."""
    text = str(amount).strip()
    if not _WRITTEN.fullmatch(text) or len(text) > 40:
        raise ValueError("Enter a number, such as 500, 1,500 or 12.5")
    exact = Decimal(text.replace(",", "")) * MICRO
    if exact != exact.to_integral_value():
        raise ValueError("Enter a number with at most six decimals")
    if not 0 <= exact <= LARGEST:
        raise ValueError("Enter a number between 0 and 1,000,000,000")
    return int(exact)


def gpu_micro(gpu_seconds: int) -> int:
    """Micro-units of so many GPU-seconds, at one unit a GPU-hour; rounds down.

    Charge the difference of cumulative totals, never the pieces: then rounding never adds up.
    """
    return gpu_seconds * MICRO // 3600


def shown(micro_units: int) -> str:
    """With thousands separators and at most two decimals: `1,234.5`."""
    text = f"{units(micro_units):,.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def written(micro_units: int) -> str:
    """Exact, as it is put into forms and the ledger: `1,234.567891`."""
    text = f"{units(micro_units):,.6f}".rstrip("0").rstrip(".")
    return text or "0"
