"""GA4GH passports: which controlled datasets a person may use, as visas that this portal signs."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from allocations.accounts.projects import Membership
from allocations.kernel import clock
from datasets.catalogue import AccessClass, Dataset
from datasets.grants import AccessGrant
from portal.provider import subjects
from portal.provider.claims import Place
from portal.provider.families import Family
from portal.provider.keys import KeyRing
from portal.provider.tokens import LIFE

SCOPE = "ga4gh_passport_v1"
TOKEN_TYPE = "urn:ga4gh:params:oauth:token-type:passport"  # noqa: S105 - the name of a kind


def passport(session: Session, family: Family, ring: KeyRing, where: Place) -> str:
    """For the person of this family, signed as its client wants; good for some minutes."""
    algorithm = family.client.id_token_signed_response_alg
    base = _base(session, family, where)
    visas = [_visa(grant, base, ring, where, algorithm=algorithm) for grant in _grants(session, family)]
    claims = {**base, "jti": secrets.token_hex(16), "aud": family.client.client_id, SCOPE: visas}
    return ring.sign(claims, algorithm=algorithm, typ="vnd.ga4gh.passport+jwt")


def _base(session: Session, family: Family, where: Place) -> dict[str, Any]:
    now = clock.now()
    return {
        "iss": where.issuer,
        "sub": subjects.known(session, family.person_id),
        "iat": int(now.timestamp()),
        "exp": int((now + LIFE).timestamp()),
    }


def _grants(session: Session, family: Family) -> Sequence[AccessGrant]:
    """What the person's projects may use now because somebody decided so."""
    now = clock.now()
    joined = select(Membership.project_id).where(Membership.person_id == family.person_id)
    query = select(AccessGrant).join(Dataset, AccessGrant.dataset_id == Dataset.id)
    live = (AccessGrant.revoked_at.is_(None), AccessGrant.until > now)
    wanted = query.where(
        AccessGrant.project_id.in_(joined), *live, Dataset.access_class == AccessClass.CONTROLLED
    )
    return session.scalars(wanted.order_by(AccessGrant.id)).all()


def _visa(grant: AccessGrant, base: dict[str, Any], ring: KeyRing, where: Place, *, algorithm: str) -> str:
    """ControlledAccessGrants; ends with the grant if that is sooner."""
    said = {
        "type": "ControlledAccessGrants",
        "asserted": _seconds(grant.granted_at),
        "value": f"{where.issuer}/datasets/{grant.dataset.slug}",
        "source": where.issuer,
        "by": "dac",
    }
    ends = min(base["exp"], _seconds(grant.until))
    claims = {**base, "exp": ends, "jti": secrets.token_hex(16), "ga4gh_visa_v1": said}
    jku = f"{where.issuer}/oauth/jwks"
    return ring.sign(claims, algorithm=algorithm, typ="vnd.ga4gh.visa+jwt", jku=jku)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
