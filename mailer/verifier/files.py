"""The two verifiers as files, to be handed out."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

PAGE, PROGRAM = "verify.html", "verify.py"
_HERE = Path(__file__).parent


def read_page() -> bytes:
    """verify.html: checks in a browser, from a server or from a disk."""
    return (_HERE / PAGE).read_bytes()


def read_program() -> bytes:
    """verify.py: checks with Python and the package cryptography."""
    return (_HERE / PROGRAM).read_bytes()


def page_policy(page: bytes) -> str:
    """The content security policy of the page: its one style and its one script by their hashes, no network."""
    style, script = (_hash_inside(page, name) for name in (b"style", b"script"))
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash_inside(page: bytes, name: bytes) -> str:
    (inside,) = re.findall(rb"<%s>(.*?)</%s>" % (name, name), page, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(inside).digest()).decode()}'"
