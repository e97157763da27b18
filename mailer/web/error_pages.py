"""Every error becomes a page, or JSON, with the right status and words that help; none becomes a trace."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from flask import Flask, Response, jsonify, make_response, render_template
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException

from mailer.foundation.database import db
from mailer.foundation.errors import (
    Forbidden,
    Invalid,
    LinkExpired,
    LinkInvalid,
    MailerError,
    NotAllowed,
    NotFound,
    Stale,
    TooMany,
    Unavailable,
)
from mailer.web.letterhead import way_on
from mailer.web.request_log import request_id
from mailer.web.responses import wants_json

log = logging.getLogger(__name__)

RETRY_SECONDS = 30
# The first that fits wins, so an error stands before the one it is a kind of.
OURS: tuple[tuple[type[MailerError], int, str], ...] = (
    (NotFound, 404, "There is nothing here"),
    (Forbidden, 403, "This is not open to you"),
    (Stale, 409, "Somebody else changed this meanwhile"),
    (NotAllowed, 409, "This cannot be done now"),
    (Invalid, 422, "Something needs another look"),
    (LinkExpired, 410, "This link has expired"),
    (LinkInvalid, 410, "This link does not work"),
    (TooMany, 429, "Too many attempts"),
    (Unavailable, 503, "Please try again in a moment"),
)
HTTP: dict[int, tuple[str, str]] = {
    400: ("This request cannot be read", "Something in it is damaged. Nothing was changed."),
    404: ("There is nothing here", "The address may be mistyped, or the page may be gone."),
    405: ("This page does not do that", "The address exists, but not for this kind of request."),
    413: ("This is too large", "It holds more than we take at once. Nothing was changed."),
    415: ("This cannot be read", "It came in a format this address does not take."),
}
DOWN = "The database does not answer just now. What was saved before is kept; this was not saved."
UNEXPECTED = "Something went wrong on our side. It has been noted. What was saved before is kept."
UNREADABLE = "Something in this request contains characters that cannot be stored."


def register(app: Flask) -> None:
    """Take every error of `app`."""
    app.register_error_handler(MailerError, _ours)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _database_down)
    app.register_error_handler(DataError, _unreadable)
    app.register_error_handler(UnicodeError, _unreadable)
    app.register_error_handler(Exception, _unexpected)


def error_answer(
    code: int, title: str, text: str, *, fields: Mapping[str, str] | None = None
) -> Response:
    """A page, or problem JSON (RFC 9457) for those who want it."""
    if wants_json():
        problem = {"title": title, "detail": text, "status": code, "reference": request_id()}
        response = jsonify({**problem, "fields": dict(fields)} if fields else problem)
        response.mimetype = "application/problem+json"
    else:
        page = render_template(
            "errors/error.html",
            code=code,
            title=title,
            text=" ".join((text, *(fields or {}).values())),
            reference=request_id(),
            **way_on(code),
        )
        response = make_response(page)
    response.status_code = code
    if code == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _ours(error: MailerError) -> Response:
    code, title = next(
        ((code, title) for kind, code, title in OURS if isinstance(error, kind)),
        (500, "Something went wrong"),
    )
    fields = error.fields if isinstance(error, Invalid) else None
    response = error_answer(code, title, str(error), fields=fields)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _http(error: HTTPException) -> Response:
    code = error.code or 500
    title, text = HTTP.get(code, (error.name, "This request was not carried out."))
    response = error_answer(code, title, text)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _database_down(error: OperationalError) -> Response:
    log.warning("the database does not answer: %s", type(error.orig).__name__)
    db.session.rollback()
    return error_answer(503, "Please try again in a moment", DOWN)


def _unreadable(error: Exception) -> Response:
    log.info("unreadable characters: %s", type(error).__name__)
    db.session.rollback()
    return error_answer(422, "Something needs another look", UNREADABLE)


def _unexpected(error: Exception) -> Response:
    log.error("an unexpected error", exc_info=error)
    db.session.rollback()
    return error_answer(500, "Something went wrong", UNEXPECTED)
