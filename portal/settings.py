"""Every setting, from environment variables with one prefix, and what production refuses."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

PREFIX = "COMMONS_"
MODES = ("laptop", "test", "production")
LEAST_KEY = 32
TEXT_MODELS = ("words", "wordllama")


class BadSettings(Exception):
    """The portal does not start with these settings; the text says which and why."""


def _setting(default: Any, doc: str) -> Any:
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, slots=True)
class Settings:
    """Read once at start. A field `secret_key` is set by `COMMONS_SECRET_KEY`."""

    mode: str = _setting("laptop", "`laptop`, `test` or `production`. Production refuses insecure values.")
    database_url: str = _setting("sqlite:///var/portal.db", "SQLAlchemy address of SQLite or PostgreSQL.")
    secret_key: str = _setting("", "Signs cookies, links and notebook tokens. At least 32 characters.")
    public_url: str = _setting(
        "http://localhost:8000", "Where people reach the portal, without a final slash."
    )
    trusted_hosts: str = _setting("localhost,127.0.0.1", "Host names that requests may carry, by commas.")
    proxies: int = _setting(0, "Reverse proxies in front whose forwarded headers are believed.")
    demo_login: bool = _setting(True, "Offer log-in as one of the demo people. Never in production.")
    debug: bool = _setting(False, "Show errors in the browser. Never in production.")
    name: str = _setting("AI Research Commons", "The portal's name.")
    tagline: str = _setting("Computing and data for research", "A line under the name.")
    logo_url: str = _setting("", "Address of a logo on the portal's own origin; empty for a neutral mark.")
    accent: str = _setting("#1a4480", "Main colour, as #rrggbb; dark enough for white text.")
    support_email: str = _setting("support@commons.example", "Where people turn to for help.")
    secrets_file: str = _setting("", "A JSON file with the clients' secrets at identity providers, by name.")
    provider_keys: str = _setting(
        "",
        "The file with the keys that sign for sites and clusters; `flask provider rotate` writes it. "
        "Empty: this portal is no OpenID provider (a laptop keeps one in its data folder).",
    )
    urn_namespace: str = _setting(
        "example:commons", "The URN namespace of groups and resources in entitlements, such as `geant:x.org`."
    )
    smtp_url: str = _setting("", "`smtp://user:password@host:587`; empty keeps letters in the mailbox page.")
    mail_from: str = _setting("AI Research Commons <no-reply@commons.example>", "Sender of letters.")
    worker_name: str = _setting("worker-1", "Name of a worker; two workers need two names.")
    idle_minutes: int = _setting(60, "A notebook without kernel activity for so long is stopped.")
    orcid_api: str = _setting(
        "https://pub.orcid.org/v3.0",
        "Where works and employments are read that people have at ORCID; empty: they are not read.",
    )
    text_model: str = _setting(
        "words",
        "What compares proposals with publications: `words` of the call's own texts, or `wordllama`: these "
        "and the vectors of a package from `requirements/embeddings.txt`.",
    )
    data_dir: str = _setting("var", "Where the laptop keeps its database, cluster and demo datasets.")

    @property
    def production(self) -> bool:
        return self.mode == "production"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Raises BadSettings for an unknown name, an unusable value, or an insecure one in production."""
    given = os.environ if environ is None else environ
    known = {PREFIX + entry.name.upper(): entry for entry in fields(Settings)}
    unknown = sorted(name for name in given if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise BadSettings(f"Unknown settings: {', '.join(unknown)}.")
    values = {
        known[name].name: _parsed(name, given[name], known[name].type) for name in known if name in given
    }
    settings = Settings(**values)
    wrong = problems(settings)
    if wrong:
        raise BadSettings("The portal does not start: " + " ".join(wrong))
    return settings


def _parsed(name: str, text: str, kind: Any) -> Any:
    if kind is bool:
        words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        if text.strip().lower() not in words:
            raise BadSettings(f"{name} must be true or false.")
        return words[text.strip().lower()]
    if kind is int:
        if not re.fullmatch(r"\d{1,6}", text.strip()):
            raise BadSettings(f"{name} must be a whole number.")
        return int(text)
    return text.strip()


def problems(settings: Settings) -> list[str]:
    """What is wrong with these settings, a sentence each."""
    wrong = []
    if settings.mode not in MODES:
        wrong.append(f"{PREFIX}MODE must be one of {', '.join(MODES)}.")
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", settings.accent):
        wrong.append(f"{PREFIX}ACCENT must be a colour such as #1a4480.")
    if settings.logo_url and not re.fullmatch(r"/(?!/)[\w./-]*", settings.logo_url):
        wrong.append(f"{PREFIX}LOGO_URL must be a path on the portal itself, such as /static/logo.svg.")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}(:[A-Za-z0-9.-]+)+", settings.urn_namespace):
        wrong.append(f"{PREFIX}URN_NAMESPACE must be a namespace and a name in it, such as geant:x.org.")
    if settings.idle_minutes < 1:
        wrong.append(f"{PREFIX}IDLE_MINUTES must be at least 1.")
    if settings.smtp_url and not re.match(r"smtps?://[^/]", settings.smtp_url):
        wrong.append(f"{PREFIX}SMTP_URL must start with smtp:// or smtps:// and name a host.")
    local = r"http://(localhost|127\.0\.0\.1)(:\d+)?(/|$)"
    if settings.orcid_api and not re.match(rf"https://[\w.-]+|{local}", settings.orcid_api):
        wrong.append(f"{PREFIX}ORCID_API must start with https://, or http:// on this machine.")
    if settings.text_model not in TEXT_MODELS:
        wrong.append(f"{PREFIX}TEXT_MODEL must be one of {', '.join(TEXT_MODELS)}.")
    elif settings.text_model != "words" and find_spec(settings.text_model) is None:
        install = "pip install --require-hashes -r requirements/embeddings.txt"
        wrong.append(f"{PREFIX}TEXT_MODEL is {settings.text_model}, which is not installed: {install}.")
    return wrong + (_insecure(settings) if settings.production else [])


def _insecure(settings: Settings) -> list[str]:
    hosts = [host.strip() for host in settings.trusted_hosts.split(",") if host.strip()]
    checks = {
        "SECRET_KEY": (len(settings.secret_key) < LEAST_KEY, f"needs at least {LEAST_KEY} characters"),
        "DEBUG": (settings.debug, "must be off"),
        "DEMO_LOGIN": (settings.demo_login, "must be off: anybody could be anybody"),
        "PUBLIC_URL": (urlsplit(settings.public_url).scheme != "https", "must start with https://"),
        "TRUSTED_HOSTS": (not hosts or any("*" in h or h[0] == "." for h in hosts), "must name each host"),
        "DATABASE_URL": (settings.database_url.endswith("var/portal.db"), "must be set"),
    }
    return [f"{PREFIX}{name} {why}." for name, (bad, why) in checks.items() if bad]
