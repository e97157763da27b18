"""The log for everybody: checkpoint, tiles and entry bundles exactly as C2SP tlog-tiles asks (T-018)."""

from __future__ import annotations

import gzip

from flask import Blueprint, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from mailer import proofs, transparency
from mailer.foundation.errors import NotFound

bp = Blueprint("log", __name__)

_FOR_GOOD = "public, max-age=31536000, immutable"
_BINARY = "application/octet-stream"


@bp.get("/log")
def show() -> ResponseReturnValue:
    """Where the log stands, who vouches for it, and how to check it."""
    newest = transparency.find_latest_checkpoint()
    anchored = transparency.find_newest_anchored_checkpoint()
    anchors = transparency.anchors_of(anchored) if anchored else None
    return render_template(
        "public/log.html",
        origin=transparency.log_origin(),
        keys=transparency.list_keys(),
        newest=newest,
        note=transparency.published_note(newest) if newest else "",
        anchored=anchored,
        is_anchored=anchored is not None,
        witnesses=anchors.witnesses if anchors else (),
        timestamps=anchors.timestamps if anchors else (),
    )


@bp.get("/log/policy")
def policy() -> ResponseReturnValue:
    """Whom to trust about the log, as C2SP tlog-policy; to be got from elsewhere by those who doubt us."""
    response = _plain(proofs.policy_text())
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/log/checkpoint")
def checkpoint() -> ResponseReturnValue:
    """The newest checkpoint with the lines of its witnesses; never cached."""
    newest = transparency.find_latest_checkpoint()
    if newest is None:
        raise NotFound("The log has signed no checkpoint yet.")
    response = _plain(transparency.published_note(newest))
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/log/tile/<level>/<path:name>")
def tile(level: str, name: str) -> ResponseReturnValue:
    """256 hashes of the tree, or the first of them; never changes."""
    return _for_good(
        transparency.read_tile(transparency.read_level(level), transparency.read_name(name))
    )


@bp.get("/log/tile/entries/<path:name>")
def entries(name: str) -> ResponseReturnValue:
    """The leaves below a tile of level 0; never changes."""
    response = _for_good(transparency.read_bundle(transparency.read_name(name)))
    response.headers["Vary"] = "Accept-Encoding"
    if request.accept_encodings["gzip"]:
        response.set_data(gzip.compress(response.get_data(), mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _plain(text: str) -> Response:
    response = make_response(text)
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    return _open(response)


def _for_good(body: bytes) -> Response:
    response = make_response(body)
    response.headers["Content-Type"] = _BINARY
    response.headers["Cache-Control"] = _FOR_GOOD
    return _open(response)


def _open(response: Response) -> Response:
    # Monitors may run in a browser; there is nothing here that is not public.
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
