"""What an operator can set: one table of entries from which parsing, `--help` and the docs page come."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mailer.foundation import setting_values
from mailer.foundation.errors import SettingsInvalid
from mailer.foundation.networks import host_form
from mailer.foundation.setting_entries import (
    ANCHORS,
    DNS,
    IMPORTS,
    LOG,
    SMTP,
    Entry,
    WitnessAddress,
    check_anchors,
)

ENVIRONMENTS = ("development", "test", "production")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything configurable, typed and checked. Durations are in the unit their name says."""

    environment: str
    data_directory: Path
    public_url: str
    admin_url: str
    database_url: str = field(repr=False)
    keys_url: str = field(repr=False)
    erasure_list: Path
    backup_days: int
    redis_url: str = field(repr=False)
    secret_keys: tuple[str, ...] = field(repr=False)
    encryption_keys: tuple[str, ...] = field(repr=False)
    address_pepper: str = field(repr=False)
    smtp_host: str
    smtp_port: int
    smtp_security: str
    smtp_username: str
    smtp_password: str = field(repr=False)
    smtp_oauth_token_file: Path | None
    smtp_helo_name: str
    smtp_connections: int
    smtp_mails_per_connection: int
    smtp_chunking: str
    smtp_timeout_seconds: int
    worker_count: int
    retry_minutes: int
    give_up_hours: int
    hold_days: int
    mx_lookup: str
    dns_servers: tuple[tuple[str, int], ...]
    trusted_proxies: int
    confirmation_days: int
    unconfirmed_grace_days: int
    form_token_min_seconds: int
    form_token_max_hours: int
    signups_per_ip_hour: int
    signups_per_domain_hour: int
    signups_per_form_hour: int
    signups_per_hour: int
    session_idle_hours: int
    session_days: int
    storage_countries: tuple[str, ...]
    log_level: str
    log_origin: str
    log_directory: Path
    log_seconds: int
    metrics_token: str = field(repr=False)
    log_witnesses: tuple[WitnessAddress, ...]
    log_quorum: str
    tsa_url: str
    tsa_roots: Path | None
    tsa_policy: str
    tsa_minutes: int
    import_megabytes: int
    import_rows: int
    import_evidence_megabytes: int
    import_days: int
    import_permission_days: int
    import_mails_per_hour: int

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read every entry from the environment, or from the file that `NAME_FILE` points to.

        Raises SettingsInvalid with one line that names the entry and what it should be.
        """
        source = os.environ if environ is None else environ
        _refuse_unknown(source)
        values = {entry.field: entry.read(source) for entry in ENTRIES}
        _fill_derived(values)
        check_anchors(values)
        settings = cls(**values)
        _check_together(settings)
        return settings


ENTRIES: tuple[Entry, ...] = (
    Entry(
        field="environment",
        parse=setting_values.choice(*ENVIRONMENTS),
        default="production",
        help="development, test or production. Production is strict about secrets and https.",
    ),
    Entry(
        field="data_directory",
        parse=setting_values.directory,
        default="var",
        help="Where the database file, the send journals and the embedded Redis live.",
    ),
    Entry(
        field="public_url",
        parse=setting_values.url,
        default="http://127.0.0.1:8000",
        help="The address of everything visitors and subscribers see; links in mails begin with it.",
    ),
    Entry(
        field="admin_url",
        parse=setting_values.url,
        default="http://localhost:8000",
        help="The address of the marketers' side; another host name than MAILER_PUBLIC_URL, so that "
        "public pages share neither cookies nor origin with it.",
    ),
    Entry(
        field="database_url",
        parse=setting_values.database_url,
        default="",
        help="sqlite:///path or postgresql://…; empty means mailer.db in the data directory.",
        is_secret=True,
    ),
    Entry(
        field="keys_url",
        parse=setting_values.database_url,
        default="",
        help="The database of people's keys, sqlite:///path or postgresql://…; empty means keys.db in "
        "the data directory. Never back it up together with MAILER_DATABASE_URL: an erasure destroys "
        "the key, and old copies of the evidence become unreadable only where no copy of the key is left.",
        is_secret=True,
    ),
    Entry(
        field="erasure_list",
        parse=setting_values.file,
        default="",
        help="The file that lists erasures, so that a restored backup is erased again; empty means "
        "erasures.jsonl in the data directory. Keep its newest copy apart from the database's.",
    ),
    Entry(
        field="backup_days",
        parse=setting_values.whole(0, 3650),
        default="30",
        help="How many days you keep backups of the database; told to people who are erased.",
    ),
    Entry(
        field="redis_url",
        parse=setting_values.redis_url,
        default="",
        help="redis://, rediss:// or unix://; empty means the socket in the data directory.",
        is_secret=True,
    ),
    Entry(
        field="secret_keys",
        parse=setting_values.secrets,
        default=None,
        help="Signs links, newest first, separated by commas. Keep old ones: unsubscribe links "
        "never expire. At least 32 random characters each.",
        is_secret=True,
    ),
    Entry(
        field="encryption_keys",
        parse=setting_values.secrets,
        default=None,
        help="Encrypts evidence and sensitive values, newest first, separated by commas. "
        "Losing one loses what it encrypted. At least 32 random characters each.",
        is_secret=True,
    ),
    Entry(
        field="address_pepper",
        parse=setting_values.secret,
        default=None,
        help="Keys the digests of addresses (suppression, look-up). Never change it: suppressed "
        "people would be forgotten. At least 32 random characters.",
        is_secret=True,
    ),
    *SMTP,
    Entry(
        field="worker_count",
        parse=setting_values.whole(1, 64),
        default="1",
        help="How many campaign workers there are in all; each takes a slot.",
    ),
    Entry(
        field="retry_minutes",
        parse=setting_values.whole(30, 240),
        default="30",
        help="How long after a temporary refusal a campaign mail is tried again; it doubles, up to four "
        "hours. RFC 5321 4.5.4.1 asks for 30 minutes at least.",
    ),
    Entry(
        field="give_up_hours",
        parse=setting_values.whole(24, 72),
        default="48",
        help="How long after the first try a campaign mail that is refused for the moment is given up.",
    ),
    Entry(
        field="hold_days",
        parse=setting_values.whole(0, 90),
        default="7",
        help="How many days after its start a campaign waits for people who paused or asked for less mail; "
        "who wants mail only later is left out of it.",
    ),
    *DNS,
    Entry(
        field="trusted_proxies",
        parse=setting_values.whole(0, 10),
        default="0",
        help="How many proxies stand before us and set X-Forwarded-For; 0 ignores the header.",
    ),
    Entry(
        field="confirmation_days",
        parse=setting_values.whole(1, 30),
        default="7",
        help="How many days a confirmation link is valid.",
    ),
    Entry(
        field="unconfirmed_grace_days",
        parse=setting_values.whole(0, 30),
        default="7",
        help="How many days after its link expired an unconfirmed request is erased.",
    ),
    Entry(
        field="form_token_min_seconds",
        parse=setting_values.whole(0, 60),
        default="2",
        help="A form answered sooner than this after it was shown is taken for a robot's.",
    ),
    Entry(
        field="form_token_max_hours",
        parse=setting_values.whole(1, 168),
        default="24",
        help="A form shown longer ago than this must be shown again.",
    ),
    Entry(
        field="signups_per_ip_hour",
        parse=setting_values.whole(1, 1_000_000),
        default="30",
        help="Requests an hour from one IPv4 address or IPv6 /64.",
    ),
    Entry(
        field="signups_per_domain_hour",
        parse=setting_values.whole(1, 1_000_000),
        default="500",
        help="Requests an hour for addresses of one mail domain.",
    ),
    Entry(
        field="signups_per_form_hour",
        parse=setting_values.whole(1, 1_000_000),
        default="2000",
        help="Requests an hour through one form.",
    ),
    Entry(
        field="signups_per_hour",
        parse=setting_values.whole(1, 10_000_000),
        default="10000",
        help="Requests an hour in all.",
    ),
    Entry(
        field="session_idle_hours",
        parse=setting_values.whole(1, 168),
        default="12",
        help="A team member who does nothing for this long is signed out.",
    ),
    Entry(
        field="session_days",
        parse=setting_values.whole(1, 90),
        default="14",
        help="A team member signs in again after this many days in any case.",
    ),
    Entry(
        field="storage_countries",
        parse=setting_values.countries,
        default="",
        help="The countries where this service keeps its data, as two-letter codes such as IE,DE; told in "
        "consent records. Empty means that the organisation's own words on transfers are told instead.",
    ),
    Entry(
        field="log_level",
        parse=setting_values.choice("debug", "info", "warning", "error"),
        default="info",
        help="How much is logged. Addresses and tokens are masked at every level.",
    ),
    *LOG,
    *ANCHORS,
    *IMPORTS,
)

# Read by other parts of the start than Settings: not ours to refuse.
OTHER_NAMES = frozenset(
    {
        "MAILER_WEB_PORT",
        "MAILER_DEMO_PORT",
        "MAILER_INBOX_PORT",
        "MAILER_TEST_CHROMIUM",
    }
)


def _refuse_unknown(source: Mapping[str, str]) -> None:
    known = {entry.name for entry in ENTRIES} | OTHER_NAMES
    for name in source:
        if name.startswith("MAILER_") and not {name, name.removesuffix("_FILE")} & known:
            raise SettingsInvalid(f"{name} is not a setting of ours; see docs/settings.md.")


def _fill_derived(values: dict[str, Any]) -> None:
    data = values["data_directory"]
    if not values["database_url"]:
        values["database_url"] = f"sqlite:///{data / 'mailer.db'}"
    if not values["keys_url"]:
        values["keys_url"] = f"sqlite:///{data / 'keys.db'}"
    if values["erasure_list"] is None:
        values["erasure_list"] = data / "erasures.jsonl"
    if not values["redis_url"]:
        values["redis_url"] = f"unix://{data / 'redis' / 'redis.sock'}?db=0"
    public = urlsplit(values["public_url"])
    values["log_directory"] = values["log_directory"] or data / "log"
    values["log_origin"] = values["log_origin"] or f"{public.netloc}/log"
    if not values["smtp_helo_name"]:
        values["smtp_helo_name"] = public.hostname or "localhost"


def _check_together(settings: Settings) -> None:
    if settings.smtp_password and settings.smtp_oauth_token_file:
        raise SettingsInvalid(
            "MAILER_SMTP_PASSWORD and MAILER_SMTP_OAUTH_TOKEN_FILE are both set; keep one."
        )
    if bool(settings.smtp_username) != bool(
        settings.smtp_password or settings.smtp_oauth_token_file
    ):
        raise SettingsInvalid(
            "MAILER_SMTP_USERNAME and MAILER_SMTP_PASSWORD (or MAILER_SMTP_OAUTH_TOKEN_FILE) go together."
        )
    if settings.smtp_username and settings.smtp_security == "none" and settings.is_production:
        raise SettingsInvalid("MAILER_SMTP_SECURITY: a password is never sent in the clear.")
    if settings.keys_url == settings.database_url:
        raise SettingsInvalid(
            "MAILER_KEYS_URL: give another database than MAILER_DATABASE_URL, or every backup holds the keys."
        )
    secrets = (*settings.secret_keys, *settings.encryption_keys, settings.address_pepper)
    if len(set(secrets)) != len(secrets):
        raise SettingsInvalid(
            "MAILER_SECRET_KEYS, MAILER_ENCRYPTION_KEYS and MAILER_ADDRESS_PEPPER must all differ."
        )
    if settings.is_production:
        for name, url in (
            ("MAILER_PUBLIC_URL", settings.public_url),
            ("MAILER_ADMIN_URL", settings.admin_url),
        ):
            if not url.startswith("https://"):
                raise SettingsInvalid(f"{name} must begin with https:// in production.")
    sides = settings.public_url, settings.admin_url
    if len({host_form(urlsplit(url).hostname or "") for url in sides}) == 1:
        raise SettingsInvalid(
            "MAILER_ADMIN_URL: give another host name than in MAILER_PUBLIC_URL (another port is not"
            " enough): on one host a public page could act as the team."
        )
