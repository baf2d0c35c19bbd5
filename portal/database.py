"""The session of a request: one for reading on GET, one that may commit otherwise."""

from flask import Flask, current_app, g, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from allocations.kernel.db import create_engine

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def init(app: Flask, url: str) -> None:
    engine = create_engine(url)
    app.extensions["engine"] = engine
    app.extensions["sessions"] = sessionmaker(engine, expire_on_commit=False)
    app.teardown_appcontext(_close)


def engine() -> Engine:
    found: Engine = current_app.extensions["engine"]
    return found


def sessions() -> "sessionmaker[Session]":
    """For work outside requests: the worker and the command line."""
    found: sessionmaker[Session] = current_app.extensions["sessions"]
    return found


def reading() -> Session:
    """One that never waits for writers."""
    return Session(engine().execution_options(reading=True), expire_on_commit=False)


def session() -> Session:
    """The one session of this request. A GET's is opened for reading, so that it never waits for writers."""
    if "session" not in g:
        g.session = reading() if request.method in SAFE else sessions()()
    held: Session = g.session
    return held


def _close(_error: BaseException | None) -> None:
    held = g.pop("session", None)
    if held is not None:
        held.close()
