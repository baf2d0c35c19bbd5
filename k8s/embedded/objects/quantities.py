"""Kubernetes quantities: `500m`, `2Gi`, `1e3`; exact, and written the way the API server writes them."""

import re
from decimal import ROUND_CEILING, Decimal

BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
PATTERN = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]?|[eE][+-]?\d+)$")

MALFORMED = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def _split(text: str) -> tuple[Decimal, str]:
    match = PATTERN.match(text.strip())
    if match is None:
        raise ValueError(MALFORMED)
    return Decimal(match[1]), match[2]


def parse(value: str | int | float) -> Decimal:
    """Raises ValueError with the API server's message."""
    number, suffix = _split(str(value))
    if suffix in BINARY:
        return number * BINARY[suffix]
    exponent = DECIMAL[suffix] if suffix in DECIMAL else int(suffix[1:])
    return number.scaleb(exponent)


def is_binary(value: str | int | float) -> bool:
    return str(value).strip()[-2:] in BINARY


def show(amount: Decimal, *, binary: bool) -> str:
    """The canonical form: no fraction, the largest suffix that allows it."""
    if binary and amount == amount.to_integral_value():
        fitting = [name for name, size in BINARY.items() if amount and amount % size == 0]
        return f"{int(amount) // BINARY[fitting[-1]]}{fitting[-1]}" if fitting else str(int(amount))
    amount = amount.quantize(Decimal("1e-9"), rounding=ROUND_CEILING)
    for suffix, exponent in reversed(DECIMAL.items()):
        scaled = amount.scaleb(-exponent)
        if scaled == scaled.to_integral_value() and (amount or not suffix):
            return f"{int(scaled)}{suffix}"
    return str(amount)


def canonical(value: str | int | float) -> str:
    text = str(value).strip()
    # The frequent forms are canonical already unless they end in zeros (1000 is written 1k).
    if text.isdigit() and len(text) < 4 and (text == "0" or text[0] != "0"):
        return text
    return show(parse(text), binary=is_binary(text))
