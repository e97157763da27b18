"""Documents to keep, as files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, make_response

from mailer import receipts


def as_file(document: Mapping[str, Any], name: str) -> Response:
    """A record or receipt to keep, in its canonical form (RFC 8785)."""
    response = make_response(receipts.file_of(document))
    response.mimetype = "application/ld+json" if "@context" in document else "application/json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return response
