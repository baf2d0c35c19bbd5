"""A PostgreSQL of our own for the tests: started from the installed binaries, gone afterwards."""

import getpass
import glob
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

# Far from UTC, so that a day counted in the server's zone instead of UTC shows.
ZONE = "Pacific/Auckland"


def offered() -> str:
    """Where PostgreSQL comes from: `url`, a directory of binaries, or empty for nowhere."""
    if os.environ.get("TEST_POSTGRES_URL"):
        return "url"
    found = shutil.which("pg_ctl")
    newest = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]))
    return str(Path(found).resolve().parent) if found else next(reversed(newest), "")


@contextmanager
def database(name: str) -> Iterator[str]:
    """The URL of an empty database of this name."""
    with _server() as server:
        admin = create_engine(server, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        with admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        admin.dispose()


@contextmanager
def _server() -> Iterator[str]:
    if offered() == "url":
        yield os.environ["TEST_POSTGRES_URL"]
        return
    home = tempfile.mkdtemp(prefix="commons-pg-")
    try:
        yield from _running(home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _running(home: str) -> Iterator[str]:
    """Only on a socket inside its own folder: no port that somebody else could take."""
    owner = _owner()
    if owner is not None:
        os.chown(home, pwd.getpwnam(owner).pw_uid, -1)
    data = f"{home}/data"
    options = f"-k {home} -c listen_addresses= -c fsync=off -c full_page_writes=off -c timezone={ZONE}"
    _run("initdb", "-D", data, "-A", "trust", "-U", "tester", "-E", "UTF8", "--no-sync", owner=owner)
    _run("pg_ctl", "-D", data, "-w", "-l", f"{home}/log", "-o", options, "start", owner=owner)
    try:
        yield f"postgresql+psycopg://tester@/postgres?host={home}"
    finally:
        with suppress(subprocess.CalledProcessError):
            _run("pg_ctl", "-D", data, "-m", "immediate", "stop", owner=owner)


def _owner() -> str | None:
    """PostgreSQL refuses to run as root: there it becomes the packages' own user."""
    if getpass.getuser() != "root" and os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _run(program: str, *arguments: str, owner: str | None) -> None:
    as_user = (
        {} if owner is None else {"user": owner, "group": pwd.getpwnam(owner).pw_gid, "extra_groups": []}
    )
    subprocess.run(
        [f"{offered()}/{program}", *arguments],
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
        **as_user,
    )
