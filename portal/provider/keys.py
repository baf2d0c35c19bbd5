"""Signing keys, in a file outside the database: current ones, next ones, and those on their way out."""

import functools
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, RSAKey

from allocations.kernel import clock
from portal.provider.clients import ALGORITHMS
from portal.settings import Settings

# How long verifiers may keep a copy of the public keys; both documents say so in their headers.
CACHE = timedelta(minutes=5)
# The next keys are public for so long before they sign: Kubernetes and others look rarely.
AHEAD = timedelta(hours=24)
# Longer than any token that a key signed, and the caches, live together.
KEPT = timedelta(hours=1)
LAPTOP_FILE = "provider-keys.json"


class TooEarly(Exception):
    """The next keys have not been public for long enough."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`begins_at` is None while it is next; `ends_at` is when it is no longer published."""

    kid: str
    algorithm: str
    published_at: datetime
    begins_at: datetime | None
    ends_at: datetime | None
    private: dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeyRing:
    keys: tuple[SigningKey, ...]

    def signing(self, algorithm: str) -> SigningKey:
        """The current key."""
        return next(k for k in self.keys if k.algorithm == algorithm and k.begins_at and not k.ends_at)

    def public(self) -> list[dict[str, Any]]:
        """What the world may know, current keys first."""
        now = clock.now()
        shown = [key for key in self.keys if key.ends_at is None or key.ends_at > now]
        shown.sort(key=lambda key: (key.begins_at is None, key.ends_at is not None, key.kid))
        return [_import(key).as_dict(private=False) for key in shown]

    def sign(self, claims: dict[str, Any], *, algorithm: str, **header: str) -> str:
        key = self.signing(algorithm)
        whole = {"typ": "JWT", **header, "alg": algorithm, "kid": key.kid}
        return jwt.encode(whole, claims, _import(key), algorithms=[algorithm])


def _import(key: SigningKey) -> ECKey | RSAKey:
    kind: type[ECKey] | type[RSAKey] = ECKey if key.algorithm == "ES256" else RSAKey
    return kind.import_key(key.private)


def path_of(settings: Settings) -> Path | None:
    """Where the keys are; None when this portal is no provider."""
    if settings.provider_keys:
        return Path(settings.provider_keys)
    return Path(settings.data_dir) / LAPTOP_FILE if settings.mode == "laptop" else None


def held(settings: Settings) -> KeyRing | None:
    """The ring of this portal; read again when the file has changed."""
    path = path_of(settings)
    if path is None or not path.exists():
        return None
    changed = path.stat()
    return _read(path, changed.st_mtime_ns, changed.st_ino)


@functools.lru_cache(maxsize=8)
def _read(path: Path, _changed: int, _file: int) -> KeyRing:
    return KeyRing(tuple(_loaded(entry) for entry in json.loads(path.read_text(encoding="utf-8"))["keys"]))


def _loaded(entry: dict[str, Any]) -> SigningKey:
    times = {
        name: datetime.fromisoformat(entry[name]) if entry[name] else None
        for name in ("published_at", "begins_at", "ends_at")
    }
    return SigningKey(**{**entry, **times})


def write(path: Path, ring: KeyRing) -> None:
    """All or nothing, readable by the portal's own user only."""
    entries = [asdict(key) for key in ring.keys]
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".keys-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"keys": entries}, file, default=datetime.isoformat, indent=1)
    os.replace(name, path)


def begin(path: Path) -> None:
    """The first keys, unless there are some."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, first())


def first(dropped: KeyRing | None = None) -> KeyRing:
    """Current and next keys, where nothing signed with older ones is to be believed.

    Names of dropped keys are not used again: verifiers look for unknown names, and not for new keys.
    """
    old = frozenset(key.kid for key in dropped.keys) if dropped else frozenset()
    current = tuple(replace(key, begins_at=clock.now()) for key in _made(old))
    return KeyRing((*current, *_made(old | {key.kid for key in current})))


def rotated(ring: KeyRing) -> KeyRing:
    """The next keys sign from now on, the old ones stay to be verified with; raises TooEarly."""
    now = clock.now()
    waiting = [key for key in ring.keys if key.begins_at is None]
    soonest = max(key.published_at for key in waiting) + AHEAD
    if now < soonest:
        raise TooEarly(f"The next keys are known to everybody from {soonest:%Y-%m-%d %H:%M} UTC.")
    old = [
        replace(key, ends_at=key.ends_at or now + KEPT)
        for key in ring.keys
        if key.begins_at is not None and (key.ends_at is None or key.ends_at > now)
    ]
    current = [replace(key, begins_at=now) for key in waiting]
    known = frozenset(key.kid for key in ring.keys)
    return KeyRing((*current, *_made(known), *old))


def _made(known: frozenset[str]) -> Iterator[SigningKey]:
    """One new key for each algorithm, named by the day."""
    for algorithm in ALGORITHMS:
        day = f"{clock.now():%Y-%m-%d}-{algorithm.lower()}"
        names = (day if number == 1 else f"{day}-{number}" for number in range(1, 1000))
        kid = next(name for name in names if name not in known)
        about: KeyParameters = {"kid": kid, "use": "sig", "alg": algorithm}
        made: ECKey | RSAKey = (
            ECKey.generate_key("P-256", about) if algorithm == "ES256" else RSAKey.generate_key(2048, about)
        )
        yield SigningKey(kid, algorithm, clock.now(), None, None, dict(made.as_dict(private=True)))
