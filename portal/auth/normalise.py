"""One normaliser a kind of provider: from raw claims to the fixed record; unknown claims are dropped."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from allocations.people.institutions import IdentityProvider, ProviderKind
from allocations.people.recognition import Claims

MOST = 50
_AFFILIATION = re.compile(r"[a-z-]{1,40}@[a-z0-9.-]{1,200}", re.IGNORECASE | re.ASCII)
_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])")

Raw = Mapping[str, Any]


def normalise(provider: IdentityProvider, raw: Raw) -> Claims:
    """Assurance and MFA claims count only where the registry trusts this provider for them."""
    return _KINDS[provider.kind](provider, raw)


def _generic(provider: IdentityProvider, raw: Raw) -> Claims:
    return _claims(provider, raw, entity_id=text(raw.get("idp")) or provider.issuer)


def _cilogon(provider: IdentityProvider, raw: Raw) -> Claims:
    return _claims(provider, raw, entity_id=text(raw.get("idp")))


def _globus(provider: IdentityProvider, raw: Raw) -> Claims:
    """The identity of this session only, never the set of linked ones."""
    return _claims(provider, raw, entity_id=text(raw.get("identity_provider")))


def _orcid(provider: IdentityProvider, raw: Raw) -> Claims:
    """Proves control of an iD; says nothing of an institution."""
    bare = {key: value for key, value in raw.items() if key not in ("affiliation", "eduperson_assurance")}
    return _claims(provider, bare, entity_id="", orcid=text(raw.get("sub")))


def _claims(provider: IdentityProvider, raw: Raw, *, entity_id: str, orcid: str = "") -> Claims:
    assurance = many(raw.get("eduperson_assurance")) if provider.trusts_assurance else ()
    affiliation = raw.get("affiliation", raw.get("eduperson_scoped_affiliation"))
    found = _ORCID.fullmatch(orcid or text(raw.get("eduperson_orcid", raw.get("orcid"))))
    return Claims(
        issuer=provider.issuer,
        subject=raw["sub"],
        name=_name(raw),
        mail=text(raw.get("email"))[:254],
        eppn=text(raw.get("eppn", raw.get("eduperson_principal_name")))[:254],
        orcid=found[1] if found else "",
        entity_id=entity_id[:500],
        affiliations=tuple(a for a in many(affiliation) if _AFFILIATION.fullmatch(a)),
        assurance=assurance,
        acr=text(raw.get("acr"))[:255] if provider.trusts_mfa else "",
        amr=many(raw.get("amr")) if provider.trusts_mfa else (),
        auth_time=_moment(raw.get("auth_time")),
        sid=raw["sid"][:255] if isinstance(raw.get("sid"), str) else "",
    )


def _name(raw: Raw) -> str:
    parts = " ".join(filter(None, (text(raw.get("given_name")), text(raw.get("family_name")))))
    return (text(raw.get("name")) or parts)[:200]


def text(value: Any) -> str:
    """A string without control and direction characters; empty for anything else."""
    if not isinstance(value, str):
        return ""
    kept = (char for char in value[:1000] if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    return " ".join("".join(kept).split())


def many(value: Any) -> tuple[str, ...]:
    """A list, a string, or a string joined by semicolons; at most fifty."""
    if isinstance(value, str):
        value = value[:10_000].split(";")
    if not isinstance(value, list):
        return ()
    return tuple(part for part in (text(item) for item in value[:MOST]) if part)


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**33:
        return None
    return datetime.fromtimestamp(value, UTC)


_KINDS: dict[ProviderKind, Callable[[IdentityProvider, Raw], Claims]] = {
    ProviderKind.GENERIC: _generic,
    ProviderKind.KEYCLOAK: _generic,
    ProviderKind.CILOGON: _cilogon,
    ProviderKind.GLOBUS: _globus,
    ProviderKind.ORCID: _orcid,
}
