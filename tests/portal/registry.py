"""A server that answers as the public ORCID API 3.0 does, or as nobody should."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ORCID, RUTH = "0000-0002-1825-0097", "0000-0001-5109-3700"


def value(text: str | None) -> dict[str, Any] | None:
    return None if text is None else {"value": text}


def day(year: str | None) -> dict[str, Any] | None:
    return None if year is None else {"year": value(year), "month": None, "day": None}


def summary(
    code: int, title: str, year: str | None = "2025", *, doi: str = "", index: str = "0", kind: str = "self"
) -> dict[str, Any]:
    """A work as it stands in a list."""
    ids = [
        {
            "external-id-type": "doi",
            "external-id-value": doi,
            "external-id-normalized": value(doi.lower()),
            "external-id-url": value(f"https://doi.org/{doi}"),
            "external-id-relationship": kind,
        }
    ]
    return {
        "put-code": code,
        "title": {"title": value(title), "subtitle": None, "translated-title": None},
        "external-ids": {"external-id": ids if doi else []},
        "url": None,
        "type": "journal-article",
        "publication-date": day(year),
        "journal-title": value("Journal of Rivers"),
        "visibility": "public",
        "path": "/".join(["", ORCID, "work", str(code)]),
        "display-index": index,
    }


def contributor(name: str | None, *, orcid: str | None = None, role: str | None = "author") -> dict[str, Any]:
    known = {"uri": f"https://orcid.org/{orcid}", "path": orcid, "host": "orcid.org"}
    attributes = {"contributor-sequence": "first", "contributor-role": role}
    return {
        "contributor-orcid": known if orcid else None,
        "credit-name": value(name),
        "contributor-email": None,
        "contributor-attributes": attributes if role else None,
    }


def work(code: int, title: str, *people: dict[str, Any], doi: str = "", year: str = "2025") -> dict[str, Any]:
    """The same in full."""
    more = {"short-description": "What we did.", "contributors": {"contributor": list(people)}}
    return {"work": summary(code, title, year, doi=doi) | more | {"citation": None, "language-code": "en"}}


def works(*groups: list[dict[str, Any]]) -> dict[str, Any]:
    each = [
        {"last-modified-date": value("1"), "external-ids": {"external-id": []}, "work-summary": group}
        for group in groups
    ]
    return {"last-modified-date": None, "group": each, "path": f"/{ORCID}/works"}


def employments(*places: tuple[str, str | None]) -> dict[str, Any]:
    """Each a place and the year in which it ended."""
    groups = []
    for place, until in places:
        one = {
            "put-code": 1,
            "department-name": "Hydrology",
            "role-title": "Professor",
            "start-date": day("2015"),
            "end-date": day(until),
            "organization": {"name": place, "address": {"city": "X", "region": None, "country": "US"}},
        }
        groups.append({"external-ids": None, "summaries": [{"employment-summary": one}]})
    return {"last-modified-date": None, "affiliation-group": groups, "path": f"/{ORCID}/employments"}


@dataclass
class Registry:
    """`answers` by the end of the path; `raw` is sent as it is; `trickle` sends a byte a second."""

    address: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    status: int = 200
    location: str = ""
    wait: float = 0.0
    trickle: bool = False
    asked: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_parts: object) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        registry: Registry = self.server.registry  # type: ignore[attr-defined]
        registry.asked.append(self.path)
        registry.ended.wait(registry.wait)
        told = registry.answers.get(self.path.removeprefix(f"/v3.0/{ORCID}/"))
        body = registry.raw if registry.raw is not None else json.dumps(told).encode()
        self.send_response(404 if told is None and registry.raw is None else registry.status)
        if registry.location:
            self.send_header("Location", registry.location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._send(body, registry)

    def _send(self, body: bytes, registry: Registry) -> None:
        try:
            for part in [body[i : i + 1] for i in range(len(body))] if registry.trickle else [body]:
                self.wfile.write(part)
                if registry.trickle and registry.ended.wait(1):
                    return
        except OSError:
            return


@contextmanager
def serving() -> Iterator[Registry]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    registry = Registry(f"http://127.0.0.1:{server.server_port}/v3.0")
    server.registry = registry  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield registry
    finally:
        registry.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
