"""What one setting is, and the settings of a subject that would make the one table too long: the anchors."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from mailer.foundation import setting_values
from mailer.foundation.errors import SettingsInvalid

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
QUORUM_WORDS = ("none", "any", "all")
COSIGNATURE_TYPE = 0x04


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One setting: its name in the environment, how it is read, and what an operator should know."""

    field: str
    parse: Callable[[str], Any]
    default: str | None
    help: str
    is_secret: bool = False

    @property
    def name(self) -> str:
        return "MAILER_" + self.field.upper()

    def read(self, source: Mapping[str, str]) -> Any:
        text = self._text(source)
        if text is None:
            raise SettingsInvalid(f"{self.name} is missing. {self.help}")
        try:
            return self.parse(text)
        except ValueError as error:
            shown = "the value given" if self.is_secret else repr(text)
            raise SettingsInvalid(f"{self.name}: {shown} cannot be used: {error}") from None

    def _text(self, source: Mapping[str, str]) -> str | None:
        path = source.get(self.name + "_FILE")
        if path and self.name in source:
            raise SettingsInvalid(f"{self.name} and {self.name}_FILE are both set; keep one.")
        if path:
            try:
                return Path(path).read_text(encoding="utf-8").strip()
            except (OSError, ValueError) as error:
                raise SettingsInvalid(f"{self.name}_FILE: cannot read {path}: {error}") from None
        return source.get(self.name, self.default)


class WitnessAddress(NamedTuple):
    """A witness as it is configured: whose cosignatures count, and where to ask for them."""

    name: str
    vkey: str
    url: str


def outside_url(given: str) -> str:
    """Where somebody outside answers: https, or http on this machine; no password, no query."""
    expected = (
        "give an https address such as https://witness.example.org, without password or query"
    )
    try:
        parts = urlsplit(given.strip())
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        raise ValueError(expected) from None
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not is_safe or not has_host or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(expected)
    if not re.fullmatch(r"[!-~]+", given.strip()) or any(mark in given for mark in "\\<>\"'"):
        raise ValueError(expected)
    return given.strip().rstrip("/")


def optional_outside_url(given: str) -> str:
    """The same, or empty."""
    return outside_url(given) if given.strip() else ""


def witnesses(given: str) -> tuple[WitnessAddress, ...]:
    """Witnesses separated by commas, each its public key, a space, and its address."""
    found = tuple(_witness(part.split()) for part in given.split(",") if part.strip())
    keys = [one.vkey.rpartition("+")[2] for one in found]
    if len({one.name for one in found}) != len(found) or len(set(keys)) != len(keys):
        raise ValueError("two witnesses have one name or one key")
    return found


def _witness(words: list[str]) -> WitnessAddress:
    expected = (
        "give VKEY and address for each, such as `w.example/1+0a1b2c3d+BA… https://w.example`"
    )
    if len(words) != 2:
        raise ValueError(expected)
    vkey, url = words
    name, _, rest = vkey.partition("+")
    key_id, _, encoded = rest.partition("+")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(expected) from None
    seen = hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8]
    if not name.isprintable() or name in ("", "none", "witnesses") or seen != key_id:
        raise ValueError(f"{expected}; the key ID does not fit the key, copy it again")
    if len(key) != 33 or key[0] != COSIGNATURE_TYPE:
        raise ValueError("the key of a witness is an Ed25519 key of type 0x04")
    return WitnessAddress(name, vkey, outside_url(url))


def quorum(given: str) -> str:
    """How many witnesses it takes: none, any, all, a number, or empty for more than half."""
    word = given.strip()
    if word and word not in QUORUM_WORDS and not re.fullmatch(r"[1-9][0-9]?", word):
        raise ValueError("give none, any, all or a number such as 2")
    return word


def optional_oid(given: str) -> str:
    """An object identifier such as 1.3.6.1.4.1.311, or empty."""
    if given.strip() and not re.fullmatch(r"[0-2](\.(0|[1-9][0-9]*))+", given.strip()):
        raise ValueError("give an object identifier such as 1.3.6.1.4.1.13762.3")
    return given.strip()


SMTP_SECURITIES = ("none", "starttls", "tls")

SMTP: tuple[Entry, ...] = (
    Entry(
        field="smtp_host",
        parse=setting_values.name,
        default="127.0.0.1",
        help="The relay that takes our mail.",
    ),
    Entry(
        field="smtp_port",
        parse=setting_values.whole(1, 65535),
        default="1025",
        help="The port of the relay.",
    ),
    Entry(
        field="smtp_security",
        parse=setting_values.choice(*SMTP_SECURITIES),
        default="none",
        help="none, starttls or tls. Certificates are always verified.",
    ),
    Entry(
        field="smtp_username",
        parse=setting_values.text,
        default="",
        help="Sign-in at the relay; empty for none.",
    ),
    Entry(
        field="smtp_password",
        parse=setting_values.text,
        default="",
        help="The password that belongs to MAILER_SMTP_USERNAME.",
        is_secret=True,
    ),
    Entry(
        field="smtp_oauth_token_file",
        parse=setting_values.file,
        default="",
        help="A file with an OAuth 2 access token, in place of a password (OAUTHBEARER or XOAUTH2). "
        "Another program keeps it fresh; it is read again whenever it changed.",
    ),
    Entry(
        field="smtp_helo_name",
        parse=setting_values.text,
        default="",
        help="The name we greet the relay with; empty means the host of MAILER_PUBLIC_URL.",
    ),
    Entry(
        field="smtp_connections",
        parse=setting_values.whole(1, 256),
        default="8",
        help="Connections one campaign worker keeps to the relay.",
    ),
    Entry(
        field="smtp_mails_per_connection",
        parse=setting_values.whole(0, 1_000_000),
        default="0",
        help="After how many mails a connection is given up for a new one; 0 means never. For relays that "
        "take only so many on one.",
    ),
    Entry(
        field="smtp_chunking",
        parse=setting_values.choice("offered", "never"),
        default="offered",
        help="Whether mails go as chunks (BDAT, RFC 3030) where the relay offers it, or always with DATA.",
    ),
    Entry(
        field="smtp_timeout_seconds",
        parse=setting_values.whole(1, 3600),
        default="600",
        help="How long the reply to a message is awaited. RFC 5321 4.5.3.2 asks for 10 minutes; "
        "less makes doubles.",
    ),
)

DNS: tuple[Entry, ...] = (
    Entry(
        field="mx_lookup",
        parse=setting_values.choice("on", "off"),
        default="on",
        help="Whether DNS is asked who takes the mail of your people's domains, so that limits and rests of "
        "a provider count for all domains it hosts, and what it says of the domains you send from (DKIM, SPF, "
        "DMARC). Only domains are asked about, never addresses.",
    ),
    Entry(
        field="dns_servers",
        parse=setting_values.name_servers,
        default="",
        help="The DNS servers to ask, IP addresses separated by commas, perhaps with a port, as in "
        "192.0.2.1:5353; empty means those of this machine.",
    ),
)

LOG: tuple[Entry, ...] = (
    Entry(
        field="log_origin",
        parse=setting_values.key_name,
        default="",
        help="The name of the consent log, in every checkpoint and beside its keys; empty means host "
        "and port of MAILER_PUBLIC_URL, and /log. Never change it: it would be another log.",
    ),
    Entry(
        field="log_directory",
        parse=setting_values.file,
        default="",
        help="Where the log keeper has its private key and what it signed last; empty means log in the "
        "data directory. Back it up, never together with the database: see docs/operations.md.",
    ),
    Entry(
        field="log_seconds",
        parse=setting_values.whole(1, 60),
        default="10",
        help="How long new leaves of the consent log wait at most for a signed checkpoint.",
    ),
    Entry(
        field="metrics_token",
        parse=setting_values.optional_secret,
        default="",
        help="Whoever asks for /admin/metrics gives it as a bearer token; empty means there are no metrics. "
        "At least 32 random characters.",
        is_secret=True,
    ),
)

ANCHORS: tuple[Entry, ...] = (
    Entry(
        field="log_witnesses",
        parse=witnesses,
        default="",
        help="Witnesses of the consent log, separated by commas: for each its public key, a space, and its "
        "address (https, or http on this machine). Empty means none; see docs/anchors.md.",
    ),
    Entry(
        field="log_quorum",
        parse=quorum,
        default="",
        help="How many witnesses a checkpoint needs: none, any, all or a number; empty means more than half.",
    ),
    Entry(
        field="tsa_url",
        parse=optional_outside_url,
        default="",
        help="The RFC 3161 time-stamp authority that stamps checkpoints (https, or http on this machine); "
        "empty means none.",
    ),
    Entry(
        field="tsa_roots",
        parse=setting_values.file,
        default="",
        help="A file of PEM certificates: the roots that the authority's certificates must lead to.",
    ),
    Entry(
        field="tsa_policy",
        parse=optional_oid,
        default="",
        help="The policy (object identifier) under which the authority must stamp; empty means any.",
    ),
    Entry(
        field="tsa_minutes",
        parse=setting_values.whole(0, 1440),
        default="10",
        help="How many minutes lie at least between two time stamps; 0 stamps every checkpoint.",
    ),
)

IMPORTS: tuple[Entry, ...] = (
    Entry(
        field="import_megabytes",
        parse=setting_values.whole(1, 4096),
        default="250",
        help="The largest file of people that can be imported, in megabytes.",
    ),
    Entry(
        field="import_rows",
        parse=setting_values.whole(1, 50_000_000),
        default="2000000",
        help="How many rows an imported file may have.",
    ),
    Entry(
        field="import_evidence_megabytes",
        parse=setting_values.whole(1, 100),
        default="25",
        help="The largest evidence file that can be attached to an import, in megabytes.",
    ),
    Entry(
        field="import_days",
        parse=setting_values.whole(1, 31),
        default="30",
        help="After how many days what an import holds of people who confirmed nothing is erased.",
    ),
    Entry(
        field="import_permission_days",
        parse=setting_values.whole(1, 30),
        default="14",
        help="How many days the link in a permission mail works.",
    ),
    Entry(
        field="import_mails_per_hour",
        parse=setting_values.whole(0, 100_000),
        default="500",
        help="How many permission mails of imports go out in an hour, in all; 0 sends none.",
    ),
)


def check_anchors(values: Mapping[str, Any]) -> None:
    """What the anchors' settings must be together. Raises SettingsInvalid."""
    wanted, given = values["log_quorum"], len(values["log_witnesses"])
    if wanted.isdecimal() and int(wanted) > given:
        raise SettingsInvalid(
            f"MAILER_LOG_QUORUM: it is {wanted}, but there are {given} witnesses."
        )
    if wanted in ("any", "all") and not given:
        raise SettingsInvalid(f"MAILER_LOG_QUORUM: {wanted} needs MAILER_LOG_WITNESSES.")
    if bool(values["tsa_url"]) != bool(values["tsa_roots"]):
        raise SettingsInvalid("MAILER_TSA_URL and MAILER_TSA_ROOTS go together.")
