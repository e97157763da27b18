from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from mailer.foundation.errors import SettingsInvalid
from mailer.foundation.setting_entries import Entry, WitnessAddress
from mailer.foundation.settings import ENTRIES, Settings
from tests.conftest import environ_for

BY_FIELD = {entry.field: entry for entry in ENTRIES}
SECRETS = ("secret_keys", "encryption_keys", "address_pepper")
PRODUCTION = {
    "MAILER_ENVIRONMENT": "production",
    "MAILER_PUBLIC_URL": "https://news.harbourbooks.ie",
    "MAILER_ADMIN_URL": "https://team.harbourbooks.ie",
}
WITNESS = "w.example/1+bcd5f9c1+BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
TOKEN = "Zq9dPu2mXw7cRt4kLs8vYb3nGh6jFe1aTo5iWz0x"
# Something else than the default for every entry; the value it must become.
GOOD: dict[str, tuple[str, object]] = {
    "environment": ("development", "development"),
    "data_directory": ("/srv/mailer", Path("/srv/mailer")),
    "public_url": (" https://News.harbourbooks.ie:8443/ ", "https://news.harbourbooks.ie:8443"),
    "admin_url": ("http://[::1]:9000", "http://[::1]:9000"),
    "database_url": ("postgres://u:p@db/mailer", "postgresql+psycopg://u:p@db/mailer"),
    "redis_url": ("rediss://cache:6380/2", "rediss://cache:6380/2"),
    "smtp_host": (" relay.harbourbooks.ie ", "relay.harbourbooks.ie"),
    "smtp_port": ("587", 587),
    "smtp_security": ("starttls", "starttls"),
    "smtp_helo_name": ("out.harbourbooks.ie", "out.harbourbooks.ie"),
    "smtp_connections": ("256", 256),
    "smtp_mails_per_connection": ("1000", 1000),
    "smtp_chunking": ("never", "never"),
    "smtp_timeout_seconds": ("1", 1),
    "worker_count": ("64", 64),
    "mx_lookup": ("off", "off"),
    "dns_servers": (
        "192.0.2.1, 192.0.2.2:5353,[2001:db8::1]:53 , 2001:db8::2",
        (("192.0.2.1", 53), ("192.0.2.2", 5353), ("2001:db8::1", 53), ("2001:db8::2", 53)),
    ),
    "trusted_proxies": ("2", 2),
    "confirmation_days": ("30", 30),
    "unconfirmed_grace_days": ("0", 0),
    "form_token_min_seconds": ("60", 60),
    "form_token_max_hours": ("168", 168),
    "signups_per_ip_hour": ("1", 1),
    "signups_per_domain_hour": ("1000000", 1_000_000),
    "signups_per_form_hour": ("7", 7),
    "signups_per_hour": ("10000000", 10_000_000),
    "session_idle_hours": ("1", 1),
    "session_days": ("90", 90),
    "log_level": ("debug", "debug"),
    "keys_url": ("postgres://u:p@db/keys", "postgresql+psycopg://u:p@db/keys"),
    "erasure_list": ("/srv/list.jsonl", Path("/srv/list.jsonl")),
    "backup_days": ("0", 0),
    "give_up_hours": ("72", 72),
    "hold_days": ("0", 0),
    "retry_minutes": ("240", 240),
    "import_megabytes": ("1", 1),
    "import_rows": ("1", 1),
    "import_evidence_megabytes": ("100", 100),
    "import_days": ("31", 31),
    "import_permission_days": ("1", 1),
    "import_mails_per_hour": ("0", 0),
    "storage_countries": ("ie, DE", ("IE", "DE")),
    "log_origin": (" log.harbourbooks.ie/1 ", "log.harbourbooks.ie/1"),
    "log_directory": ("/srv/log", Path("/srv/log")),
    "log_seconds": ("60", 60),
    "metrics_token": (TOKEN, TOKEN),
    "log_witnesses": (
        f" {WITNESS}  https://w.example/a/ ,",
        (WitnessAddress("w.example/1", WITNESS, "https://w.example/a"),),
    ),
    "log_quorum": ("none", "none"),
    "tsa_policy": ("1.3.6.1.4.1.13762.3", "1.3.6.1.4.1.13762.3"),
    "tsa_minutes": ("1440", 1440),
}
# What each entry must refuse: another type, just outside the range, empty.
BAD: dict[str, tuple[str, ...]] = {
    "environment": ("prod", "", "PRODUCTION"),
    "data_directory": ("", "  ", "~nobody-of-this-name/mailer"),
    "public_url": (
        "news.harbourbooks.ie",
        "ftp://news.harbourbooks.ie",
        "https://",
        "https://news.harbourbooks.ie/path",
        "https://news.harbourbooks.ie?a=b",
        "https://ada:word@news.harbourbooks.ie",
        "https://news.harbourbooks.ie:port",
        "https://news.harbourbooks.ie:99999",
        "https://[::1",
        "https://news harbourbooks.ie",
        "javascript://news.harbourbooks.ie",
        "",
    ),
    "admin_url": ("localhost", "https://x/y", ""),
    "database_url": ("mysql://u:p@db/mailer", "mailer.db", "sqlite://"),
    "redis_url": ("http://cache", "cache:6379"),
    "secret_keys": ("", ",", "short", "a" * 64),
    "encryption_keys": ("", "short", f"{'ab' * 32}"),
    "address_pepper": ("", "x" * 31),
    "smtp_host": ("", "two words", "relay\nhost"),
    "smtp_port": ("0", "65536", "smtp", "25.0", ""),
    "smtp_security": ("ssl", ""),
    "smtp_helo_name": ("out\r\nMAIL FROM",),
    "smtp_connections": ("0", "257", "many"),
    "smtp_mails_per_connection": ("-1", "1000001", "all"),
    "smtp_chunking": ("always", ""),
    "mx_lookup": ("yes", ""),
    "dns_servers": ("dns.example.org", "192.0.2.1:0", "[::1", "192.0.2.1:53:53", "192.0.2.1;::1"),
    "smtp_timeout_seconds": ("0", "3601", "1m"),
    "worker_count": ("0", "65", ""),
    "trusted_proxies": ("-1", "11", "yes"),
    "confirmation_days": ("0", "31"),
    "unconfirmed_grace_days": ("-1", "31"),
    "form_token_min_seconds": ("-1", "61"),
    "form_token_max_hours": ("0", "169"),
    "signups_per_ip_hour": ("0", "1000001"),
    "signups_per_domain_hour": ("0", "1000001"),
    "signups_per_form_hour": ("0", "1000001"),
    "signups_per_hour": ("0", "10000001"),
    "session_idle_hours": ("0", "169"),
    "session_days": ("0", "91"),
    "log_level": ("verbose", ""),
    "keys_url": ("mysql://u:p@db/keys", "keys.db"),
    "erasure_list": ("~nobody-of-this-name/list",),
    "backup_days": ("-1", "3651"),
    "give_up_hours": ("23", "73"),
    "hold_days": ("-1", "91"),
    "retry_minutes": ("29", "241"),
    "import_megabytes": ("0", "4097"),
    "import_rows": ("0", "50000001"),
    "import_evidence_megabytes": ("0", "101"),
    "import_days": ("0", "32"),
    "import_permission_days": ("0", "31"),
    "import_mails_per_hour": ("-1", "100001"),
    "storage_countries": ("Ireland", "I1"),
    "log_origin": ("two words", "a+b", "a\nb"),
    "log_directory": ("~nobody-of-this-name/log",),
    "log_seconds": ("0", "61", "soon"),
    "metrics_token": ("short", "a" * 64),
    "log_witnesses": (
        "https://w.example",
        WITNESS,
        f"{WITNESS} http://w.example",
        f"{WITNESS} https://ada:word@w.example",
        f"{WITNESS} https://w.example?a=b",
        f"{WITNESS} https://w.example, {WITNESS} https://v.example",
        f"{WITNESS.replace('w.', 'v.')} https://w.example",
        f"{WITNESS[:-4]} https://w.example",
        "w.example/1+d4b8d4c8+!!!! https://w.example",
    ),
    "log_quorum": ("some", "0", "-1", "1", "all", "100"),
    "tsa_policy": ("sha256", "1", "3.1", "1..2", "1.02"),
    "tsa_minutes": ("-1", "1441", "often"),
}
# Text that may be anything; what goes wrong with them is a test of its own.
FREE = {"smtp_username", "smtp_password", "smtp_oauth_token_file", "tsa_url", "tsa_roots"}


def refusal(tmp_path: Path, **changes: str) -> str:
    with pytest.raises(SettingsInvalid) as caught:
        Settings.from_environment(environ_for(tmp_path, **changes))
    return str(caught.value)


def production(tmp_path: Path, **changes: str) -> Settings:
    return Settings.from_environment(environ_for(tmp_path, **{**PRODUCTION, **changes}))


def test_secrets_and_a_directory_are_all_it_takes(tmp_path: Path) -> None:
    settings = Settings.from_environment(environ_for(tmp_path))
    assert settings.database_url == f"sqlite:///{tmp_path / 'mailer.db'}"
    assert settings.redis_url == f"unix://{tmp_path / 'redis' / 'redis.sock'}?db=0"
    assert settings.smtp_helo_name == "localhost"
    assert settings.confirmation_days == 7


@pytest.mark.requirement("T-031")
def test_an_authority_needs_roots_and_a_safe_address(tmp_path: Path) -> None:
    roots = {"MAILER_TSA_ROOTS": str(tmp_path / "roots.pem")}
    good = environ_for(tmp_path, MAILER_TSA_URL="http://127.0.0.1:318/tsa/", **roots)
    settings = Settings.from_environment(good)
    assert settings.tsa_url == "http://127.0.0.1:318/tsa"
    assert settings.tsa_roots == tmp_path / "roots.pem"
    assert "go together" in refusal(tmp_path, **roots)
    assert "go together" in refusal(tmp_path, MAILER_TSA_URL="https://tsa.example")
    for bad in ("http://tsa.example", "tsa.example", "https://a:b@tsa.example", "file:///tsa"):
        assert "https address" in refusal(tmp_path, MAILER_TSA_URL=bad, **roots)


def test_every_entry_has_its_cases_here() -> None:
    assert {*GOOD, *SECRETS, *FREE} == set(BY_FIELD)
    assert {*BAD, *FREE} == set(BY_FIELD)


@pytest.mark.parametrize("field", GOOD)
def test_every_entry_is_read_from_the_environment(tmp_path: Path, field: str) -> None:
    text, value = GOOD[field]
    settings = Settings.from_environment(environ_for(tmp_path, **{BY_FIELD[field].name: text}))
    assert getattr(settings, field) == value


@pytest.mark.parametrize(
    ("field", "text"), [(field, text) for field, texts in BAD.items() for text in texts]
)
def test_a_value_that_cannot_be_used_stops_the_start(tmp_path: Path, field: str, text: str) -> None:
    name = BY_FIELD[field].name
    said = refusal(tmp_path, **{name: text})
    assert said.startswith(f"{name}: ")
    assert "\n" not in said


@pytest.mark.parametrize("field", SECRETS)
def test_a_missing_secret_stops_the_start_in_every_environment(tmp_path: Path, field: str) -> None:
    for environment in ("development", "test", "production"):
        environ = environ_for(tmp_path, **PRODUCTION)
        environ["MAILER_ENVIRONMENT"] = environment
        del environ[BY_FIELD[field].name]
        with pytest.raises(SettingsInvalid, match=f"^{BY_FIELD[field].name} is missing"):
            Settings.from_environment(environ)


@pytest.mark.parametrize(
    "given",
    [
        "changeme-9fKq2LwX7vBn4RtZ8pJm3HsY6dGc",
        "9fKq2LwX7vBn4RtZ-Example-8pJm3HsY6dGc",
        "my-very-secret-key-of-the-newsletter-1",
        "django-INSECURE-9fKq2LwX7vBn4RtZ8pJm3H",
        "this-is-the-default-key-of-the-service",
        "correct-horse-battery-password-12345678",
        "please-replace-me-before-you-go-online",
        "k3JdP9sLq2" * 4,
        "k3JdP9sLq2xW" * 3 + "k3Jd",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210",
        "aaaaaaaaaaaaaaaaaaaaaaaabcdefghijklm",
        "0" * 64,
    ],
)
@pytest.mark.parametrize("field", SECRETS)
def test_what_only_looks_like_a_secret_is_refused_and_not_repeated(
    tmp_path: Path, field: str, given: str
) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        production(tmp_path, **{BY_FIELD[field].name: given})
    assert str(caught.value).startswith(BY_FIELD[field].name)
    assert given not in str(caught.value)


def test_random_secrets_of_every_usual_kind_are_taken(tmp_path: Path) -> None:
    for _ in range(200):
        settings = production(
            tmp_path,
            MAILER_SECRET_KEYS=f"{secrets.token_urlsafe(48)}, {secrets.token_hex(32)}",
            MAILER_ENCRYPTION_KEYS=secrets.token_urlsafe(24),
            MAILER_ADDRESS_PEPPER=secrets.token_hex(16),
        )
        assert len(settings.secret_keys) == 2


def test_one_weak_key_among_strong_ones_is_refused(tmp_path: Path) -> None:
    keys = f"{secrets.token_urlsafe(48)},short"
    assert refusal(tmp_path, MAILER_SECRET_KEYS=keys).startswith("MAILER_SECRET_KEYS")


def test_one_secret_never_serves_two_ends(tmp_path: Path) -> None:
    one = secrets.token_urlsafe(48)
    assert "must all differ" in refusal(tmp_path, MAILER_SECRET_KEYS=one, MAILER_ADDRESS_PEPPER=one)
    assert "must all differ" in refusal(tmp_path, MAILER_SECRET_KEYS=f"{one},{one}")


def test_a_setting_can_be_read_from_a_file(tmp_path: Path) -> None:
    environ = environ_for(tmp_path)
    kept = tmp_path / "pepper"
    kept.write_text(environ.pop("MAILER_ADDRESS_PEPPER") + "\n", encoding="utf-8")
    port = tmp_path / "port"
    port.write_text("587\n", encoding="utf-8")
    environ |= {"MAILER_ADDRESS_PEPPER_FILE": str(kept), "MAILER_SMTP_PORT_FILE": str(port)}
    settings = Settings.from_environment(environ)
    assert settings.address_pepper == kept.read_text(encoding="utf-8").strip()
    assert settings.smtp_port == 587


def test_a_value_and_a_file_for_the_same_setting_are_refused(tmp_path: Path) -> None:
    kept = tmp_path / "pepper"
    kept.write_text(secrets.token_urlsafe(48), encoding="utf-8")
    said = refusal(tmp_path, MAILER_ADDRESS_PEPPER_FILE=str(kept))
    assert said == "MAILER_ADDRESS_PEPPER and MAILER_ADDRESS_PEPPER_FILE are both set; keep one."


@pytest.mark.parametrize("kind", ["missing", "directory", "binary", "empty"])
def test_a_file_that_gives_no_value_stops_the_start(tmp_path: Path, kind: str) -> None:
    environ = environ_for(tmp_path)
    del environ["MAILER_ADDRESS_PEPPER"]
    path = tmp_path / "pepper"
    if kind == "directory":
        path.mkdir()
    elif kind == "binary":
        path.write_bytes(b"\xff\xfe" * 40)
    elif kind == "empty":
        path.write_text("\n", encoding="utf-8")
    environ["MAILER_ADDRESS_PEPPER_FILE"] = str(path)
    with pytest.raises(SettingsInvalid, match=r"^MAILER_ADDRESS_PEPPER"):
        Settings.from_environment(environ)


@pytest.mark.parametrize("name", ["MAILER_PUBLIC_ULR", "MAILER_", "MAILER_FILE", "MAILER_X_FILE"])
def test_a_name_we_do_not_know_stops_the_start(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path, **{name: "x"}) == (
        f"{name} is not a setting of ours; see docs/settings.md."
    )


def test_names_of_others_are_none_of_our_business(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {**environ_for(tmp_path), "PATH": "/bin", "MAILERS": "x", "MAILER_WEB_PORT": "8000"}
    )
    assert settings.environment == "test"


@pytest.mark.parametrize("name", ["MAILER_PUBLIC_URL", "MAILER_ADMIN_URL"])
def test_production_refuses_addresses_without_https(tmp_path: Path, name: str) -> None:
    assert production(tmp_path).is_production
    with pytest.raises(SettingsInvalid, match=f"^{name} must begin with https://"):
        production(tmp_path, **{name: "http://news.harbourbooks.ie"})


def test_production_is_what_nothing_set_means(tmp_path: Path) -> None:
    environ = environ_for(tmp_path, **PRODUCTION)
    del environ["MAILER_ENVIRONMENT"]
    assert Settings.from_environment(environ).is_production


def test_the_relay_sign_in_is_whole_and_never_in_the_clear(tmp_path: Path) -> None:
    assert "go together" in refusal(tmp_path, MAILER_SMTP_USERNAME="ada")
    assert "go together" in refusal(tmp_path, MAILER_SMTP_PASSWORD="word")
    token = {"MAILER_SMTP_OAUTH_TOKEN_FILE": str(tmp_path / "token")}
    assert "go together" in refusal(tmp_path, **token)
    both = {"MAILER_SMTP_USERNAME": "ada", "MAILER_SMTP_PASSWORD": "word"}
    assert "keep one" in refusal(tmp_path, **both, **token)
    other = production(
        tmp_path, **token, MAILER_SMTP_USERNAME="ada", MAILER_SMTP_SECURITY="starttls"
    )
    assert other.smtp_oauth_token_file == tmp_path / "token"
    with pytest.raises(SettingsInvalid, match="never sent in the clear"):
        production(tmp_path, **both)
    assert production(tmp_path, **both, MAILER_SMTP_SECURITY="tls").smtp_username == "ada"


def test_no_secret_shows_when_settings_are_printed(tmp_path: Path) -> None:
    environ = environ_for(
        tmp_path,
        MAILER_SMTP_USERNAME="ada",
        MAILER_SMTP_PASSWORD="q7-Lighthouse",
        MAILER_DATABASE_URL="postgresql://u:q8-Lighthouse@db/mailer",
        MAILER_REDIS_URL="redis://:q9-Lighthouse@cache/0",
    )
    shown = repr(Settings.from_environment(environ))
    assert "Lighthouse" not in shown
    for field in SECRETS:
        assert environ[BY_FIELD[field].name] not in shown


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.is_secret])
def test_no_message_repeats_a_secret(tmp_path: Path, entry: Entry) -> None:
    bad = "Lighthouse\nkeeper"
    if entry.field == "smtp_password":
        said = refusal(tmp_path, MAILER_SMTP_PASSWORD=bad, MAILER_SMTP_USERNAME="ada")
    else:
        said = refusal(tmp_path, **{entry.name: bad})
    assert said.startswith(entry.name)
    assert "Lighthouse" not in said


def test_every_default_can_be_used(tmp_path: Path) -> None:
    for entry in ENTRIES:
        assert entry.help
        assert entry.is_secret or entry.default is not None
        if entry.default is not None:
            entry.parse(entry.default)


@pytest.mark.requirement("S-021")
@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize(
    ("public", "admin"),
    [
        ("https://news.example.org", "https://news.example.org"),
        ("https://news.example.org", "https://NEWS.example.org.:8443"),
        ("https://news.example.org:443", "https://news.example.org"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("https://[::1]", "https://[0:0:0:0:0:0:0:1]:8443"),
    ],
)
def test_team_and_public_need_two_host_names_however_they_are_spelt(
    tmp_path: Path, environment: str, public: str, admin: str
) -> None:
    said = refusal(
        tmp_path,
        MAILER_ENVIRONMENT=environment,
        MAILER_PUBLIC_URL=public,
        MAILER_ADMIN_URL=admin,
    )
    assert said.startswith("MAILER_ADMIN_URL: ")
    assert "another host name" in said
    assert "\n" not in said
