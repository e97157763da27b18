"""The form of a visitor: hosted, in a frame, by script, and posted from a static page."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

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
from mailer.foundation.typed_addresses import Correction, describe_corrections
from mailer.web.error_pages import DOWN, RETRY_SECONDS, error_answer
from mailer.web.form_description import describe_published
from mailer.web.public.taking import ShowAgain, Taken, take
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
INBOX_TITLE = "Check your inbox"
HELD_TITLE = "We have your request"
HELD = (
    "So many requests came just now, through this form or from your network, that somebody looks at them "
    "first. The mail with the link comes a little later. You need not ask again."
)
ONE_A_DAY = "If you asked earlier today, use the link you were sent then: no second mail is sent the same day."
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
    answer = take(published, request.form.to_dict(), embed=Embed.HOSTED)
    if isinstance(answer, Taken):
        return see_other(_with_query(f"/f/{form_id}/check-inbox", _told(answer)))
    return _page(published, Embed.HOSTED, again=answer)


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
    referrer = request.headers.get("Referer")
    origin = forms.origin_of(referrer)
    if not forms.is_allowed(origin, published.form.allowed_origins):
        origin = ""
    token = forms.sign_showing(published, Embed.FRAME, origin=origin)
    # Who is framing us may hide it; the browser lets nobody but these websites do so.
    parent = origin if referrer else " ".join(published.form.allowed_origins)
    return _page(published, Embed.FRAME, token=token, parent=parent)


@bp.post("/f/<form_id>/frame")
def submit_frame(form_id: str) -> ResponseReturnValue:
    """An answer from inside the frame; the answer to it is shown there too."""
    published = _find(form_id, is_framed=True)
    if isinstance(published, Response):
        return published
    given = request.form.to_dict()
    answer = take(published, given, embed=Embed.FRAME)
    if isinstance(answer, Taken):
        told = {**_told(answer), **_look()}
        return see_other(_with_query(f"/f/{form_id}/frame/check-inbox", told))
    parent = forms.read_showing(published, answer.token).origin
    return _page(published, Embed.FRAME, again=answer, parent=parent)


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
    if isinstance(again, Taken):
        return _json(200, _told_by_script(published, again), origin)
    answer: dict[str, Any] = {"message": again.message, "errors": again.errors}
    if again.suggested and again.meant is not None:
        answer["asked"] = again.meant.address.given
        answer["choices"] = [
            ("yes", f"Yes, {again.suggested}"),
            ("no", f"No, keep {again.meant.address.given}"),
        ]
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
        action=_with_query(f"/f/{page['id']}/frame", _look()) if is_framed else f"/f/{page['id']}",
        organisation_name=page["organisation"],
        notice_url=page["notice_url"],
        imprint_url=page["imprint_url"],
        page_url=page["page_url"],
        token=again.token if again else token,
        values=again.values if again else {},
        ticked=again.ticked if again else frozenset(),
        errors=again.errors if again else {},
        message=again.message if again and not again.errors else "",
        again=again,
        parent=parent,
        look=_look(),
    )
    response = make_response(text, again.status if again else 200)
    response.headers["Cache-Control"] = "no-store"
    return response


def _look() -> dict[str, str]:
    """Whether the website around a frame says it is dark; a visitor's own preference does not tell that."""
    return {"scheme": "dark"} if request.args.get("scheme") == "dark" else {}


def _with_query(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _told(taken: Taken) -> dict[str, str]:
    """What the next page tells, as words for its address: nothing about anybody."""
    told = {"held": "1"} if taken.is_held else {}
    return {**told, "corrected": ".".join(taken.corrections)} if taken.corrections else told


def _read_told() -> Taken:
    named = request.args.get("corrected", "").split(".")
    corrections = tuple(kind for kind in Correction if kind in named)
    return Taken(request.args.get("held") == "1", corrections)


def _told_by_script(published: PublishedForm, taken: Taken) -> dict[str, Any]:
    days = settings().confirmation_days
    lasts = f"The link in the mail is valid for {days} {'day' if days == 1 else 'days'}."
    texts = [HELD] if taken.is_held else [published.definition.success, ONE_A_DAY, lasts]
    return {
        "title": HELD_TITLE if taken.is_held else INBOX_TITLE,
        "message": texts[0],
        "days": days,
        "texts": [text for text in (*texts, describe_corrections(taken.corrections)) if text],
    }


def _check_inbox(form_id: str, layout: str, *, is_framed: bool = False) -> ResponseReturnValue:
    published = _find(form_id, is_framed=is_framed)
    if isinstance(published, Response):
        return published
    page, taken = describe_published(published), _read_told()
    return render_template(
        "public/check_inbox.html",
        held=HELD if taken.is_held else "",
        title=HELD_TITLE if taken.is_held else INBOX_TITLE,
        one_a_day=ONE_A_DAY,
        correction=describe_corrections(taken.corrections),
        parent=" ".join(published.form.allowed_origins) if is_framed else "",
        look=_look(),
        layout=layout,
        page=page,
        organisation_name=page["organisation"],
        notice_url=page["notice_url"],
        imprint_url=page["imprint_url"],
        page_url=page["page_url"],
        days=settings().confirmation_days,
        form_url=_with_query(f"/f/{form_id}/frame", _look()) if is_framed else f"/f/{form_id}",
    )


def _for_script(published: PublishedForm, token: str) -> dict[str, Any]:
    page = describe_published(published)
    return {**page, "inputs": [_ADDRESS, *map(_input, page["fields"])], "token": token}


# Attributes as the script sets them. No `type="email"`: browsers know fewer addresses than there are.
_ADDRESS: dict[str, Any] = {
    "name": "address",
    "label": "E-mail address (required)",
    "attributes": {
        "inputmode": "email",
        "autocapitalize": "none",
        "spellcheck": "false",
        "autocomplete": "email",
        "maxlength": 320,
        "required": True,
    },
}


def _input(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": item["name"],
        "label": f"{item['label']} (required)" if item["is_required"] else item["label"],
        "attributes": {
            "autocomplete": item["autocomplete"],
            "maxlength": 120,
            "required": item["is_required"],
        },
    }


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
