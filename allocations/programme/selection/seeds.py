"""Seeds nobody can steer: one half is sealed before the list is frozen, the other is public afterwards."""

import hashlib
import hmac

from allocations.kernel.answers import Answer, when

# Shorter secrets could be found by trying; 32 hexadecimal digits are 128 bits.
SHORTEST = 32


def may_seal(secret: str) -> Answer:
    return when(len(secret) >= SHORTEST, f"The secret needs at least {SHORTEST} random characters.")


def commitment(secret: str) -> str:
    """Published before the ranking is frozen; it fixes the secret without giving it away."""
    return hashlib.sha256(secret.encode()).hexdigest()


def keeps(secret: str, published: str) -> bool:
    """Whether this is the secret that was committed to."""
    return hmac.compare_digest(commitment(secret), published)


def mixed(*, secret: str, public: str, subject: str) -> bytes:
    """The seed of one draw: nobody knew it before `public` was, nobody can choose it afterwards.

    `subject` is the digest of what is drawn, so that one pair of seeds gives unrelated draws.
    """
    return hmac.digest(secret.encode(), f"{subject}\n{public}".encode(), "sha256")


def number(seed: bytes, label: str) -> int:
    """A whole number below 2**256, uniform and unrelated for different labels."""
    return int.from_bytes(hmac.digest(seed, label.encode(), "sha256"))


def shuffled(seed: bytes, items: list[int]) -> list[int]:
    """A random order that anybody can recompute with SHA-256 alone."""
    return sorted(items, key=lambda item: (number(seed, f"order {item}"), item))
