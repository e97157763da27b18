"""For everybody, without a sign-in: is a receipt genuine, does the consent still stand? Nothing is kept."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from mailer import receipts
from mailer.consent import ConsentState
from mailer.foundation.errors import Invalid
from mailer.receipts import LARGEST, LogFinding, Verification

bp = Blueprint("verifying", __name__)

LONGEST_TEXT = LARGEST + 1
ENDINGS = {
    ConsentState.WITHDRAWN: "withdrawn",
    ConsentState.EXPIRED: "expired",
    ConsentState.TERMINATED: "ended by the organisation",
    ConsentState.INVALIDATED: "disputed by the person",
}


@bp.get("/receipts/verify")
def ask() -> str:
    """A field to paste into and a field for the file."""
    return _page()


@bp.post("/receipts/verify")
def answer() -> ResponseReturnValue:
    """What can be said of the receipt that was handed in; it is forgotten with the answer."""
    try:
        found = receipts.verify(_given())
    except Invalid as error:
        return _page(error=str(error)), 422
    return _page(found)


@bp.get("/receipts/keys.json")
def keys() -> Response:
    """The public keys that verify receipts, as a JSON Web Key Set."""
    response = jsonify(receipts.published_keys())
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@bp.get("/receipts/terms")
def terms() -> str:
    """What the members of ours in records and receipts say."""
    return render_template("public/receipts/terms.html", terms=receipts.OWN_TERMS, language="en")


def _given() -> bytes:
    """The file if there is one, else the text; never more than one byte above what is read at all."""
    upload = request.files.get("file")
    if upload is not None and upload.filename:
        return upload.stream.read(LONGEST_TEXT)
    return request.form.get("text", "")[:LONGEST_TEXT].encode("utf-8", "surrogatepass")


def _page(found: Verification | None = None, *, error: str = "") -> str:
    return render_template(
        "public/receipts/verify.html",
        found=found,
        error=error,
        issued_at=_moment(found.issued_at) if found else None,
        endings=ENDINGS,
        log_findings=LogFinding,
        language="en",
    )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
