"""Signed tokens made by hand: whatever header, payload and signature an attacker may want."""

import functools
import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

# Making an RSA key takes long enough to make each only once a run.
ours = functools.cache(lambda number: rsa.generate_private_key(public_exponent=65537, key_size=2048))


def b64(data: bytes | dict[str, Any]) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def public_jwk(key: rsa.RSAPrivateKey, kid: str) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    parts = {"n": numbers.n, "e": numbers.e}
    coded = {name: b64(value.to_bytes((value.bit_length() + 7) // 8)) for name, value in parts.items()}
    return {"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", **coded}


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


def signed(header: dict[str, Any], claims: dict[str, Any] | bytes, key: rsa.RSAPrivateKey) -> str:
    """RS256, whatever the header says."""
    text = f"{b64(header)}.{b64(claims)}"
    return f"{text}.{b64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def keyed(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """HS256, whatever the header says."""
    text = f"{b64(header)}.{b64(claims)}"
    return f"{text}.{b64(hmac.digest(secret, text.encode(), 'sha256'))}"


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{b64(header)}.{b64(claims)}."


def half_hash(text: str) -> str:
    """`at_hash` of an access token (OpenID Connect Core 1.0, 3.1.3.6) for RS256."""
    return b64(hashlib.sha256(text.encode()).digest()[:16])
