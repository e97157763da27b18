"""The form of a visitor: hosted, in a frame, by script, and posted from a static page."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import (
    Blueprint,
    Response,
    g,
    jsonify,
    make_response,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError

from mailer import forms
from mailer.forms import Embed, PublishedForm
from mailer.foundation.context import settings
from mailer.foundation.database import db
from mailer.foundation.errors import Unavailable
from mailer.web.error_pages import DOWN, RETRY_SECONDS, error_answer
from mailer.web.form_description import describe_published
from mailer.web.public.taking import ShowAgain, take
from mailer.web.responses import see_other
from mailer.web.security_headers import allow_framing

bp = Blueprint("signup", __name__)
log = logging.getLogger(__name__)

STATIC = Path(__file__).parents[1] / "static"
SCRIPT_AGE_SECONDS = 300
ELSEWHERE = (
    "This form may not be used on this website. Its owner can allow it, by adding the address of the "
    "website to the form."
)
CLOSED = "This form is closed. No requests are taken through it at the moment."
NOT_OPEN = "This form is not open. It may not be published yet, or the address may be mistyped."
BUSY = "Your request could not be written just now. What you typed is kept; please try again."


# Asking with OPTIONS is answered by `preflight` alone.
@bp.get("/f/<form_id>", provide_automatic_options=False)
def form(form_id: str) -> ResponseReturnValue:
    """The form on a page of its own."""
    published = _find(form_id)
    if isinstance(published, Response):
        return published
    return _page(published, Embed.HOSTED, token=forms.sign_showing(published, Embed.HOSTED))


@bp.post("/f/<form_id>", provide_automatic_options=False)
def submit(form_id: str) -> ResponseReturnValue:
    """An answer from the page of its own, from a static page, or from the script (as JSON)."""
    published = _find(form_id)
    if request.is_json:
        return _submit_by_script(published)
    if isinstance(published, Response):
        return published
    again = take(published, request.form.to_dict(), embed=Embed.HOSTED)
    if again is None:
        return see_other(f"/f/{form_id}/check-inbox")
    return _page(published, Embed.HOSTED, again=again)


@bp.get("/f/<form_id>/check-inbox")
def check_inbox(form_id: str) -> ResponseReturnValue:
    """What happens next; the same for every state of an address (S-032)."""
    return _check_inbox(form_id, "public/_layout.html")


@bp.get("/f/<form_id>/frame")
def frame(form_id: str) -> ResponseReturnValue:
    """The form for a frame on one of its allowed websites (S-052)."""
    published = _find(form_id, is_framed=True)
    if isinstance(published, Response):
        return published
    origin = forms.origin_of(request.headers.get("Referer"))
    if not forms.is_allowed(origin, published.form.allowed_origins):
        origin = ""
    token = forms.sign_showing(published, Embed.FRAME, origin=origin)
    return _page(published, Embed.FRAME, token=token, parent=origin)


@bp.post("/f/<form_id>/frame")
def submit_frame(form_id: str) -> ResponseReturnValue:
    """An answer from inside the frame; the answer to it is shown there too."""
    published = _find(form_id, is_framed=True)
    if isinstance(published, Response):
        return published
    given = request.form.to_dict()
    again = take(published, given, embed=Embed.FRAME)
    if again is None:
        return see_other(f"/f/{form_id}/frame/check-inbox")
    parent = forms.read_showing(published, again.token).origin
    return _page(published, Embed.FRAME, again=again, parent=parent)


@bp.get("/f/<form_id>/frame/check-inbox")
def frame_check_inbox(form_id: str) -> ResponseReturnValue:
    """What happens next, inside the frame."""
    return _check_inbox(form_id, "public/_frame_layout.html", is_framed=True)


@bp.get("/f/<form_id>/embed.js")
@bp.get("/f/<form_id>/resize.js")
def script(form_id: str) -> ResponseReturnValue:  # noqa: ARG001 - the script reads it from its own address
    """The script that draws the form in a page, or the one that fits a frame to its content."""
    name = request.path.rpartition("/")[2]
    response = Response((STATIC / name).read_bytes(), mimetype="text/javascript")
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.cache_control.public = True
    response.cache_control.max_age = SCRIPT_AGE_SECONDS
    response.add_etag()
    return response.make_conditional(request)


@bp.get("/f/<form_id>/definition.json", provide_automatic_options=False)
def definition(form_id: str) -> ResponseReturnValue:
    """What the script draws, with a token for this form and this website (S-050, S-051)."""
    published = _find(form_id)
    if isinstance(published, Response):
        return published
    origin = _allowed_origin(published)
    if not origin:
        return _json(403, {"message": ELSEWHERE})
    token = forms.sign_showing(published, Embed.SCRIPT, origin=origin, page=_page_told(origin))
    return _json(200, _for_script(published, token), origin)


@bp.route("/f/<form_id>", methods=["OPTIONS"])
@bp.route("/f/<form_id>/definition.json", methods=["OPTIONS"])
def preflight(form_id: str) -> ResponseReturnValue:
    """Whether another website's script may ask (Fetch standard, CORS-preflight)."""
    published = _find(form_id)
    if isinstance(published, Response):
        return published
    origin = _allowed_origin(published)
    if not origin:
        return _json(403, {"message": ELSEWHERE})
    response = _with_cors(Response(status=204), origin)
    response.headers["Access-Control-Allow-Methods"] = "GET, POST"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type"
    response.headers["Access-Control-Max-Age"] = "600"
    return response


def _submit_by_script(published: PublishedForm | Response) -> ResponseReturnValue:
    if isinstance(published, Response):
        return published
    origin = _allowed_origin(published)
    if not origin:
        return _json(403, {"message": ELSEWHERE})
    try:
        sent = request.get_json(silent=True)
    except RecursionError:
        sent = None
    if not isinstance(sent, dict):
        return _json(400, {"message": "This request cannot be read."}, origin)
    given = {str(name): text for name, text in sent.items() if isinstance(text, str)}
    try:
        again = take(published, given, embed=Embed.SCRIPT)
    except Unavailable:
        return _json(503, {"message": BUSY}, origin)
    if again is None:
        told = {"message": published.definition.success, "days": settings().confirmation_days}
        return _json(200, told, origin)
    answer: dict[str, Any] = {"message": again.message, "errors": again.errors}
    if again.token != given.get("token") or not again.token:
        # A new token means a new showing: the script draws it with what was typed.
        token = forms.sign_showing(published, Embed.SCRIPT, origin=origin, page=_page_told(origin))
        answer["definition"] = _for_script(published, token)
        answer["ticked"] = sorted(again.ticked)
    return _json(again.status, answer, origin)


def _find(form_id: str, *, is_framed: bool = False) -> PublishedForm | Response:
    """The form, or the page that says kindly why there is none."""
    published = forms.find_published(form_id)
    if published is None or published.form.archived_at is not None:
        return error_answer(404, "This form is not open", NOT_OPEN)
    if is_framed:
        g.framed_by = list(published.form.allowed_origins)
    if not published.is_open:
        return error_answer(410, "This form is closed", CLOSED)
    return published


def _page(
    published: PublishedForm,
    embed: Embed,
    *,
    token: str = "",
    again: ShowAgain | None = None,
    parent: str = "",
) -> Response:
    page = describe_published(published)
    is_framed = embed is Embed.FRAME
    text = render_template(
        "public/form_frame.html" if is_framed else "public/form.html",
        page=page,
        action=f"/f/{page['id']}/frame" if is_framed else f"/f/{page['id']}",
        organisation_name=page["organisation"],
        notice_url=page["notice_url"],
        imprint_url=page["imprint_url"],
        token=again.token if again else token,
        values=again.values if again else {},
        ticked=again.ticked if again else frozenset(),
        errors=again.errors if again else {},
        message=again.message if again and not again.errors else "",
        parent=parent,
    )
    response = make_response(text, again.status if again else 200)
    response.headers["Cache-Control"] = "no-store"
    return response


def _check_inbox(form_id: str, layout: str, *, is_framed: bool = False) -> ResponseReturnValue:
    published = _find(form_id, is_framed=is_framed)
    if isinstance(published, Response):
        return published
    page = describe_published(published)
    return render_template(
        "public/check_inbox.html",
        layout=layout,
        page=page,
        organisation_name=page["organisation"],
        notice_url=page["notice_url"],
        imprint_url=page["imprint_url"],
        days=settings().confirmation_days,
        form_url=f"/f/{form_id}/frame" if is_framed else f"/f/{form_id}",
    )


def _for_script(published: PublishedForm, token: str) -> dict[str, Any]:
    return {**describe_published(published), "token": token}


def _allowed_origin(published: PublishedForm) -> str:
    origin = request.headers.get("Origin", "")
    if origin == settings().public_url:
        return origin
    return origin if forms.is_allowed(origin, published.form.allowed_origins) else ""


def _page_told(origin: str) -> str:
    # The script says on which page it runs; believed as far as the browser's Origin bears it out.
    page = request.args.get("page", "")
    return page if page.startswith(f"{origin}/") else ""


def _json(status: int, answer: Mapping[str, Any], origin: str = "") -> Response:
    response = jsonify(answer)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return _with_cors(response, origin)


def _with_cors(response: Response, origin: str) -> Response:
    response.vary.add("Origin")
    if origin:
        response.headers["Access-Control-Allow-Origin"] = origin
    return response


@bp.errorhandler(Unavailable)
@bp.errorhandler(OperationalError)
def _keep_for_later(error: Exception) -> ResponseReturnValue:
    """The database is busy or gone: everything typed goes back, to be sent again with one press."""
    log.warning("an answer could not be taken: %s", type(error).__name__)
    db.session.rollback()
    if request.method != "POST" or request.is_json:
        return error_answer(503, "Please try again in a moment", BUSY if request.is_json else DOWN)
    kept = {name: text[:2000] for name, text in request.form.items() if len(name) <= 100}
    page = render_template("public/try_again.html", action=request.path, kept=kept, text=BUSY)
    response = make_response(page, 503)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


@bp.after_request
def _allow_framing(response: Response) -> Response:
    origins = g.pop("framed_by", None)
    return response if origins is None else allow_framing(response, origins)
