"""Wrong tokens and codes, counted by the address they come from: who guesses is slowed down.

Only failures are counted, so that a busy site behind one address is never in its own way.
"""

import ipaddress
import logging
from datetime import datetime, timedelta

from flask import request
from sqlalchemy import Index, String, func, select
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.exceptions import TooManyRequests

from allocations.kernel import clock
from allocations.kernel.db import Base
from portal.database import reading, sessions

log = logging.getLogger(__name__)
WINDOW = timedelta(minutes=10)
# Wrong answers of each kind that one address may give in a window.
MOST = {"token": 20, "code": 60, "client": 20}


class Failure(Base):
    """One wrong token or code; kept for a day, for whoever looks into an attack."""

    __tablename__ = "failure"
    __table_args__ = (Index(None, "address", "kind", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    address: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime] = mapped_column(default_factory=clock.now, init=False)


def source() -> str:
    """Where the request comes from: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((address, 64), strict=False))


def check(kind: str) -> None:
    """Before anything is looked up; raises 429 for an address that has been wrong too often."""
    recent = (Failure.address == source(), Failure.kind == kind, Failure.at > clock.now() - WINDOW)
    with reading() as held:
        count, first = held.execute(select(func.count(), func.min(Failure.at)).where(*recent)).one()
    if count >= MOST[kind]:
        left = max(1, int((first + WINDOW - clock.now()).total_seconds()))
        raise TooManyRequests("Too many wrong attempts came from your address.", retry_after=left)


def failed(kind: str) -> None:
    """In a transaction of its own: the request itself is refused and rolled back."""
    row = Failure(address=source(), kind=kind)
    with sessions()() as writing, writing.begin():
        writing.add(row)
    log.warning("a wrong %s from %s", kind, row.address)
