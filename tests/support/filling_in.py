"""Filling in the public form without a browser: what is shown, what is answered, what is kept."""

from __future__ import annotations

import re
from dataclasses import replace

import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mailer import forms
from mailer.forms import Form, FormDefinition, FormDraft
from mailer.foundation.database import db, unit_of_work
from mailer.signup import SignupRequest

SHOP = "https://shop.example"


def boxes(form: Form) -> list[str]:
    return [item["key"] for item in form.draft["controls"]]


def token_in(response: TestResponse) -> str:
    found = re.search(r'name="token" value="([^"]+)"', response.text)
    assert found is not None, response.text[:500]
    return found.group(1)


def answer(form: Form, token: str, **changes: str) -> dict[str, str]:
    given = {
        "token": token,
        "address": "cleo@example.org",
        "first_name": "Cleo",
        "comments": "",
        boxes(form)[0]: "yes",
    }
    return {**given, **changes}


def shown(client: FlaskClient, form: Form) -> str:
    return token_in(client.get(f"/f/{form.public_id}"))


def count_requests() -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(SignupRequest)) or 0


def the_request() -> SignupRequest:
    db.session.expire_all()
    return db.session.scalars(sa.select(SignupRequest)).one()


def retitle(form: Form, **changes: str) -> None:
    definition = replace(FormDefinition.from_json(form.draft), **changes)
    draft = FormDraft(name=form.name, definition=definition, allowed_origins=(SHOP,))
    with unit_of_work():
        forms.change_form(form, draft, form.revision)
        forms.publish(form)


def ticked(response: TestResponse) -> int:
    return len(re.findall(r"type=\"checkbox\"[^>]* checked", response.text))
