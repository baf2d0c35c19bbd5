"""Bearer tokens: the administrator's fixed one, and signed ones for service accounts."""

import base64
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from k8s.embedded.access.users import ADMIN, ANONYMOUS, User, service_account
from k8s.embedded.objects.errors import ApiError
from k8s.embedded.store import Store

Object = dict[str, Any]

AUDIENCE = "https://kubernetes.default.svc.cluster.local"
SIGNATURE_BYTES = 32


def _pack(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is asked for: an account, whom it is for, how long, and the object it dies with."""

    account: Object
    audiences: tuple[str, ...]
    seconds: int
    bound_to: Object | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """Issues and reads tokens with one key."""

    store: Store
    key: ec.EllipticCurvePrivateKey
    admin: str

    def user_of(self, header: str | None) -> User:
        """The caller behind an Authorization header. Raises a 401 for a token that is wrong or spent."""
        if not header:
            return ANONYMOUS
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise _unauthorized()
        if hmac.compare_digest(token.encode(), self.admin.encode()):
            return ADMIN
        return self.read(token, AUDIENCE)

    def issue(self, grant: Grant) -> str:
        meta = grant.account["metadata"]
        now = int(time.time())
        inside: Object = {
            "namespace": meta["namespace"],
            "serviceaccount": {"name": meta["name"], "uid": meta["uid"]},
        }
        if grant.bound_to:
            bound = grant.bound_to["metadata"]
            inside[grant.bound_to["kind"].lower()] = {"name": bound["name"], "uid": bound["uid"]}
        claims = {
            "aud": list(grant.audiences),
            "exp": now + grant.seconds,
            "iat": now,
            "iss": AUDIENCE,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": inside,
            "nbf": now,
            "sub": f"system:serviceaccount:{meta['namespace']}:{meta['name']}",
        }
        return self._sign(claims)

    def _sign(self, claims: Object) -> str:
        head = _pack(json.dumps({"alg": "ES256", "typ": "JWT"}).encode())
        signed = f"{head}.{_pack(json.dumps(claims).encode())}"
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        raw = r.to_bytes(SIGNATURE_BYTES) + s.to_bytes(SIGNATURE_BYTES)
        return f"{signed}.{_pack(raw)}"

    def read(self, token: str, audience: str) -> User:
        """Raises a 401, also once the account or the object the token is bound to has gone."""
        claims = self._claims(token)
        if claims["exp"] < time.time() or audience not in claims["aud"]:
            raise _unauthorized()
        inside = claims["kubernetes.io"]
        namespace = inside["namespace"]
        for resource in ("serviceaccount", "pod", "secret"):
            if resource in inside and not self._is_there(f"{resource}s", namespace, inside[resource]):
                raise _unauthorized()
        account = inside["serviceaccount"]
        return service_account(namespace, account["name"], account["uid"])

    def _claims(self, token: str) -> Object:
        try:
            signed, _, signature = token.rpartition(".")
            raw = _unpack(signature)
            r, s = (int.from_bytes(half) for half in (raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]))
            public = self.key.public_key()
            public.verify(encode_dss_signature(r, s), signed.encode(), ec.ECDSA(hashes.SHA256()))
            claims: Object = json.loads(_unpack(signed.split(".")[1]))
        except (InvalidSignature, ValueError, IndexError):
            raise _unauthorized() from None
        return claims

    def _is_there(self, resource: str, namespace: str, named: Object) -> bool:
        record = self.store.find(resource, namespace, named["name"])
        return record is not None and bool(record.object["metadata"]["uid"] == named["uid"])
