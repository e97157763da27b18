"""The catcher's inbox: a small web site of its own that shows what was mailed.

It stands on an origin of its own, and a mail's HTML is shown in a sandboxed frame without scripts
and without any request to elsewhere: what is in a mail never reaches the inbox around it.
"""

from __future__ import annotations

import re
import socket
from itertools import islice
from pathlib import Path

from flask import Flask, Response, abort, redirect, render_template, request, url_for
from markupsafe import Markup, escape
from werkzeug.exceptions import NotFound as PageNotFound
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response as AnyResponse

from mailer.devkit.caught_mail import CaughtMail, LetterBox
from mailer.devkit.ports import listen
from mailer.foundation.errors import NotFound

PAGE_SIZE = 50

# The page may show its own style and script, and frame the mail; nothing else.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A mail may bring its own style and pictures; its links open beside the inbox, freed of the sandbox.
FRAME_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
FRAME_POLICY = (
    f"sandbox {FRAME_SANDBOX}; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}']")
_HEAD = re.compile(r"<head(\s[^>]*)?>", re.IGNORECASE)
_OPENING = re.compile(r"\A\s*(<!doctype[^>]*>)?\s*(<html(\s[^>]*)?>)?", re.IGNORECASE)
_NEW_WINDOW = '<base target="_blank">'


def create_inbox(directory: Path) -> Flask:
    """Return the web site over the letter box in `directory`."""
    app = Flask(__name__)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    box = LetterBox(directory)
    _add_list(app, box)
    _add_message(app, box)

    @app.errorhandler(NotFound)
    def say_not_found(error: NotFound) -> tuple[str, int]:
        return render_template("gone.html", sentence=str(error)), 404

    @app.errorhandler(PageNotFound)
    def say_no_page(_error: PageNotFound) -> tuple[str, int]:
        return render_template("gone.html", sentence="There is no such page."), 404

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", PAGE_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response

    return app


def _add_list(app: Flask, box: LetterBox) -> None:
    @app.get("/")
    def show_list() -> str:
        to = request.args.get("to", "")
        mails = box.iter_mails(to=to, before=request.args.get("before", ""))
        page = list(islice(mails, PAGE_SIZE + 1))
        older = page[PAGE_SIZE - 1].mail_id if len(page) > PAGE_SIZE else None
        return render_template("inbox.html", mails=page[:PAGE_SIZE], to=to, older=older)

    @app.get("/messages.json")
    def answer_list() -> dict[str, object]:
        found = box.iter_mails(to=request.args.get("to", ""))
        return {"messages": [_summarise(mail) for mail in found]}

    @app.post("/clear")
    def clear() -> AnyResponse:
        # A browser says where a form was sent from; other sites may not empty the inbox.
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            abort(403)
        box.clear()
        return redirect(url_for("show_list"), 303)


def _add_message(app: Flask, box: LetterBox) -> None:
    @app.get("/messages/<mail_id>")
    def show_message(mail_id: str) -> str:
        mail = box.get_mail(mail_id)
        if mail.find_part("html") is None:
            return show_text(mail_id)
        return _render_tab("message_html.html", mail, "html", sandbox=FRAME_SANDBOX)

    @app.get("/messages/<mail_id>/text")
    def show_text(mail_id: str) -> str:
        mail = box.get_mail(mail_id)
        text = mail.find_part("plain")
        linked = None if text is None else link_addresses(text)
        return _render_tab("message_text.html", mail, "text", text=linked)

    @app.get("/messages/<mail_id>/headers")
    def show_headers(mail_id: str) -> str:
        mail = box.get_mail(mail_id)
        return _render_tab("message_headers.html", mail, "headers", headers=mail.headers)

    @app.get("/messages/<mail_id>/source")
    def show_source(mail_id: str) -> str:
        mail = box.get_mail(mail_id)
        return _render_tab("message_source.html", mail, "source", source=_show_bytes(mail.raw))

    @app.get("/messages/<mail_id>/html")
    def show_frame(mail_id: str) -> Response:
        html = box.get_mail(mail_id).find_part("html")
        if html is None:
            raise NotFound("This mail has no HTML part.")
        response = Response(open_links_outside(html), mimetype="text/html")
        response.headers["Content-Security-Policy"] = FRAME_POLICY
        return response

    @app.get("/messages/<mail_id>/raw")
    def send_raw(mail_id: str) -> Response:
        response = Response(box.get_mail(mail_id).raw, content_type="text/plain; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="{mail_id}.eml"'
        return response


def _render_tab(template: str, mail: CaughtMail, tab: str, **shown: object) -> str:
    return render_template(
        template, mail=mail, tab=tab, has_html=mail.find_part("html") is not None, **shown
    )


def _summarise(mail: CaughtMail) -> dict[str, object]:
    return {
        "id": mail.mail_id,
        "from": mail.envelope.sender,
        "to": mail.envelope.recipients,
        "subject": mail.envelope.subject,
        "received_at": mail.envelope.received_at,
        "size": mail.envelope.size,
        "raw": url_for("send_raw", mail_id=mail.mail_id),
    }


def link_addresses(text: str) -> Markup:
    """Return plain text as HTML in which web addresses can be followed, in a window of their own."""
    pieces: list[Markup] = []
    end = 0
    for found in _LINK.finditer(text):
        pieces.append(escape(text[end : found.start()]))
        pieces.append(
            Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>').format(
                found.group()
            )
        )
        end = found.end()
    return Markup("").join([*pieces, escape(text[end:])])


def open_links_outside(html: str) -> str:
    """Make the links of a mail open a new window: inside the frame most sites refuse to show."""
    place = _HEAD.search(html) or _OPENING.match(html)
    end = place.end() if place else 0
    return html[:end] + _NEW_WINDOW + html[end:]


def _show_bytes(raw: bytes) -> str:
    r"""Decode for reading; bytes that are no UTF-8 stay visible as \xNN."""
    return raw.decode(errors="backslashreplace").replace("\r\n", "\n")


class _SilentHandler(WSGIRequestHandler):
    """The inbox asks itself for news every two seconds, which is nothing to write down."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def serve_inbox(
    directory: Path,
    host: str = "127.0.0.1",
    port: int = 8025,
    *,
    listener: socket.socket | None = None,
) -> None:
    """Serve the inbox until the process is ended, at `listener` if given.

    Raises OSError when the port cannot be had.
    """
    app = create_inbox(directory)
    chosen = listener or listen(host, port)
    make_server(
        host, port, app, threaded=True, request_handler=_SilentHandler, fd=chosen.fileno()
    ).serve_forever()
