"""The application with all its pages: what is served, and what commands work with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from mailer import reactions, web
from mailer.foundation import application
from mailer.foundation.settings import Settings

ROOT = Path(__file__).parents[1]


class _Application(Flask):
    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As it is: no view is a coroutine, and each request asks eight times."""
        return func

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, once what stands around a token in its path is taken off."""
        environ["PATH_INFO"] = web.clean_path(environ.get("PATH_INFO", ""))
        return super().wsgi_app(environ, start_response)


def create_app(settings: Settings) -> Flask:
    """The Flask application for `settings`; opens no connection yet."""
    app = _Application(
        "mailer",
        root_path=str(ROOT / "mailer"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "mailer" / "web" / "static"),
    )
    application.equip(app, settings)
    app.config["MAX_CONTENT_LENGTH"] = 2 * 1024 * 1024
    app.config["MAX_FORM_MEMORY_SIZE"] = 2 * 1024 * 1024
    # Translations come later; until then every string speaks for itself.
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_null_translations(newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # as Flask says
    reactions.attach()
    web.register(app)
    return app
