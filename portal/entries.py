"""What a registry file or form may say of a provider, a home organisation, an institution."""

import re
from typing import Annotated

from annotated_types import Ge, Le
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from allocations.people.institutions import InstitutionKind, ProviderKind
from portal import fields
from portal.auth.oidc import ASYMMETRIC
from portal.auth.transport import is_acceptable

# Crockford's base 32: no i, l, o, u.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_ROR = re.compile(r"0[0-9a-hj-km-np-tv-z]{6}\d{2}", re.ASCII)


def ror_id(text: str) -> str:
    """The bare ROR id, also from its address; its last two digits are a check (ISO 7064, mod 97-10)."""
    bare = text.strip().rstrip("/").rpartition("/")[2].lower()
    if not _ROR.fullmatch(bare):
        raise ValueError("A ROR id has nine letters and digits and begins with 0, such as 042nb2s44.")
    number = 0
    for char in bare[:7]:
        number = number * 32 + _ALPHABET.index(char)
    if 98 - number * 100 % 97 != int(bare[7:]):
        raise ValueError(
            "This ROR id has a slip in it: its last two digits do not fit. Copy it from ror.org."
        )
    return bare


def _shaped(pattern: str, message: str) -> AfterValidator:
    shape = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not shape.fullmatch(text):
            raise ValueError(message)
        return text

    return AfterValidator(check)


def _short_name(text: str) -> str:
    if text == "new":
        raise ValueError("This word stands for something else in addresses. Choose another.")
    return text


def _issuer(text: str) -> str:
    if not is_acceptable(text):
        raise ValueError(
            "Enter an address that begins with https://, letter by letter as the provider gives it."
        )
    return text


def _algorithms(listed: list[str]) -> list[str]:
    if not listed or not ASYMMETRIC.issuperset(listed):
        raise ValueError("Choose at least one of the options.")
    return sorted(set(listed))


def _words(text: object) -> object:
    """A line of a form as a list: by spaces, commas or lines."""
    return [word for word in re.split(r"[\s,;]+", text) if word] if isinstance(text, str) else text


Slug = Annotated[
    str,
    _shaped(r"[a-z0-9][a-z0-9-]{0,39}", "Use small letters, digits and hyphens, at most 40."),
    AfterValidator(_short_name),
]
SecretName = Annotated[
    str,
    _shaped(
        r"[A-Za-z0-9_.-]{1,120}", "Enter the name of the secret only: letters, digits, dots and hyphens."
    ),
]
Domain = Annotated[
    str, _shaped(r"[A-Za-z0-9.-]{1,200}", "Enter domains such as university.edu, with spaces between them.")
]
Domains = Annotated[list[Domain], BeforeValidator(_words)]


class HomeEntry(BaseModel):
    """An entity id, the institution's ROR id, and the scopes that it may assert affiliations in."""

    model_config = ConfigDict(extra="forbid")
    entity_id: fields.LongMark
    ror: fields.Needed
    scopes: Domains


class ProviderEntry(BaseModel):
    """One provider of a registry file. Unknown keys are refused: a misspelt rule must not be ignored."""

    model_config = ConfigDict(extra="forbid")
    slug: Slug
    name: fields.Needed
    issuer: Annotated[fields.Mark, AfterValidator(_issuer)]
    client_id: fields.Mark
    secret_setting: SecretName
    kind: ProviderKind = ProviderKind.GENERIC
    algorithms: Annotated[list[str], AfterValidator(_algorithms)] = ["RS256", "ES256"]
    metadata_seconds: Annotated[fields.Number, Ge(0), Le(86_400)] = 3600
    keys_seconds: Annotated[fields.Number, Ge(0), Le(3_600)] = 300
    trusts_assurance: fields.Flag = False
    trusts_mfa: fields.Flag = False
    sirtfi: fields.Flag = False
    enabled: fields.Flag = True
    homes: list[HomeEntry] = []


class KindEntry(BaseModel):
    """What sort of place an institution is; nothing chosen means that it is not known."""

    kind: Annotated[InstitutionKind | None, BeforeValidator(lambda text: text or None)] = None


class InstitutionEntry(KindEntry):
    """An institution that people may come from."""

    name: fields.Needed
    country: Annotated[str, _shaped(r"[A-Z]{2}", "Enter the two capital letters of the country, such as US.")]
    ror: Annotated[str, AfterValidator(lambda text: ror_id(text) if text.strip() else "")] = ""
    domains: Domains = []
