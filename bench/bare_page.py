"""The least a Flask application can do with a form: read it and send the visitor on."""

from __future__ import annotations

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

app = Flask(__name__)


@app.get("/health")
def health() -> str:
    return "well"


@app.post("/f/<form_id>")
def submit(form_id: str) -> Response:
    request.form.to_dict()
    return redirect(f"/f/{form_id}/check-inbox", 303)
