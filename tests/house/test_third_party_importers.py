"""Each package is imported in as few files as possible, so that it can be exchanged there."""

from __future__ import annotations

import sys
from fnmatch import fnmatch

from tests.house.sources import Source, refuse, sources

# Package -> the files that may import it, as patterns where it is the air we breathe.
IMPORTERS: dict[str, tuple[str, ...]] = {
    "aiosmtpd": ("mailer/devkit/catcher_smtp.py",),
    "alembic": ("mailer/foundation/schema.py", "mailer/migrations/env.py"),
    "argon2": ("mailer/accounts/passwords.py",),
    "cryptography": (
        "mailer/foundation/cipher.py",
        "mailer/foundation/mail_keys.py",
        "mailer/foundation/signing_keys.py",
        "mailer/transparency/revocation.py",
        "mailer/transparency/timestamping.py",
        "mailer/verifier/verify.py",
        "mailer/witness/keys.py",
    ),
    "dns": ("mailer/foundation/dns_lookup.py",),
    "email_validator": ("mailer/foundation/addresses.py",),
    "flask": (
        "wsgi.py",
        "mailer/app.py",
        "mailer/web/*",
        "mailer/jobs/*",
        "mailer/foundation/application.py",
        "mailer/foundation/context.py",
        "mailer/foundation/database.py",
        "mailer/devkit/catcher_inbox.py",
    ),
    "flask_sqlalchemy": ("mailer/foundation/database.py",),
    "gunicorn": ("mailer/web/serving.py",),
    "idna": (
        "mailer/foundation/addresses.py",
        "mailer/rendering/headers.py",
        "mailer/transport/letters.py",
    ),
    "itsdangerous": ("mailer/foundation/tokens.py",),
    "jinja2": (
        "mailer/rendering/expressions.py",
        "mailer/rendering/reading.py",
        "mailer/demo.py",
    ),
    "markdown_it": ("mailer/rendering/markup.py",),
    "markupsafe": ("mailer/devkit/catcher_inbox.py",),
    "nacl": ("mailer/foundation/mail_keys.py",),
    "nh3": ("mailer/rendering/markup.py",),
    "redis": (
        "mailer/foundation/queue.py",
        "mailer/foundation/throttle.py",
        "mailer/foundation/permits.py",
        "mailer/devkit/embedded_redis.py",
        "mailer/jobs/*",
    ),
    "rfc3161_client": ("mailer/transparency/timestamping.py",),
    "rfc8785": (
        "mailer/consent/canonical.py",
        "mailer/consent/notices.py",
        "mailer/forms/publishing.py",
        "mailer/proofs/building.py",
        "mailer/proofs/packing.py",
        "mailer/receipts/sealing.py",
        "mailer/signup/confirmation.py",
        "mailer/web/public/preferences.py",
    ),
    "rq": ("mailer/foundation/queue.py", "mailer/jobs/*"),
    # Doors ask rooms; test_import_law says what little of it they may name.
    "sqlalchemy": ("mailer/*",),
    "werkzeug": ("mailer/app.py", "mailer/web/*", "mailer/devkit/catcher_inbox.py"),
}


def packages(source: Source) -> list[tuple[int, str]]:
    return [
        (line, name.split(".")[0])
        for line, name in source.imports()
        if name.split(".")[0] not in sys.stdlib_module_names | {"mailer", "tests", ""}
    ]


def test_packages_are_imported_where_they_belong() -> None:
    wrong = [
        f"{source.path}:{line}: {package}"
        for source in sources()
        for line, package in packages(source)
        if not any(fnmatch(source.path, place) for place in IMPORTERS.get(package, ()))
    ]
    refuse(wrong)


def test_nothing_is_allowed_that_nobody_uses() -> None:
    used = {(package, source.path) for source in sources() for _, package in packages(source)}
    unused = [
        f"{package}: {place}"
        for package, places in IMPORTERS.items()
        for place in places
        if not any(name == package and fnmatch(path, place) for name, path in used)
    ]
    refuse(unused)
