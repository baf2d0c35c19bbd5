"""Settings: read from the environment, refused with a sentence when unknown, unusable or insecure."""

import sys

import pytest

from allocations.programme.matching.vectors import MODELS
from portal import settings
from portal.app import create_app
from portal.settings import BadSettings, Settings

SAFE = {
    "COMMONS_MODE": "production",
    "COMMONS_SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "COMMONS_DEMO_LOGIN": "false",
    "COMMONS_PUBLIC_URL": "https://commons.example.org",
    "COMMONS_TRUSTED_HOSTS": "commons.example.org",
    "COMMONS_DATABASE_URL": "postgresql+psycopg://commons@/commons",
}


def test_production_starts_with_safe_values() -> None:
    assert settings.load(SAFE).production


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMMONS_SECRET_KEY", ""),
        ("COMMONS_SECRET_KEY", "short"),
        ("COMMONS_DEBUG", "true"),
        ("COMMONS_DEMO_LOGIN", "yes"),
        ("COMMONS_PUBLIC_URL", "http://commons.example.org"),
        ("COMMONS_PUBLIC_URL", ""),
        ("COMMONS_TRUSTED_HOSTS", "*"),
        ("COMMONS_TRUSTED_HOSTS", "commons.example.org, *.example.org"),
        ("COMMONS_TRUSTED_HOSTS", ""),
        ("COMMONS_TRUSTED_HOSTS", " , "),
        ("COMMONS_TRUSTED_HOSTS", ".example.org"),
        ("COMMONS_DATABASE_URL", "sqlite:///var/portal.db"),
    ],
)
def test_production_refuses_an_insecure_value_and_names_it(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        settings.load({**SAFE, name: value})


def test_production_with_nothing_set_names_everything_that_is_missing() -> None:
    with pytest.raises(BadSettings) as refused:
        settings.load({"COMMONS_MODE": "production"})

    for name in ("SECRET_KEY", "DEMO_LOGIN", "PUBLIC_URL", "DATABASE_URL"):
        assert f"COMMONS_{name}" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMMONS_SECRET_KYE", "x"),
        ("COMMONS_", "x"),
        ("COMMONS_MODE", "prod"),
        ("COMMONS_DEBUG", "maybe"),
        ("COMMONS_PROXIES", "two"),
        ("COMMONS_PROXIES", "-1"),
        ("COMMONS_IDLE_MINUTES", "0"),
        ("COMMONS_ACCENT", "red"),
        ("COMMONS_ACCENT", "#1a4480; } body { display: none"),
        ("COMMONS_LOGO_URL", "https://elsewhere.example/logo.svg"),
        ("COMMONS_LOGO_URL", "//elsewhere.example/logo.svg"),
        ("COMMONS_SMTP_URL", "mail.example.org"),
        ("COMMONS_URN_NAMESPACE", "nothing"),
        ("COMMONS_URN_NAMESPACE", "a:b#c"),
        ("COMMONS_TEXT_MODEL", "scipy"),
    ],
)
def test_an_unknown_name_or_an_unusable_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        settings.load({name: value})


def test_every_text_model_that_can_be_set_is_there() -> None:
    assert set(settings.TEXT_MODELS) == set(MODELS)
    assert settings.load({"COMMONS_TEXT_MODEL": "wordllama"}).text_model == "wordllama"


def test_a_text_model_that_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wordllama", None)

    with pytest.raises(BadSettings, match=r"not installed: .* requirements/embeddings\.txt"):
        settings.load({"COMMONS_TEXT_MODEL": "wordllama"})


def test_other_programs_variables_are_none_of_our_business() -> None:
    assert settings.load({"PATH": "/bin", "COMMON": "x"}) == Settings()


def test_a_bad_environment_stops_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMONS_MODE", "production")

    with pytest.raises(BadSettings):
        create_app()
