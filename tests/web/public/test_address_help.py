"""What a visitor is told about the address they typed: corrections, and the question after a typing mistake."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mailer import consent
from mailer.consent import ConsentRecord
from mailer.forms import Form
from mailer.foundation.database import db
from tests.support.filling_in import SHOP, answer, count_requests, shown, the_request, token_in


def evidence() -> dict[str, Any]:
    record = db.session.scalars(sa.select(ConsentRecord).order_by(ConsentRecord.id)).first()
    assert record is not None
    told = (consent.read_payload(record) or {})["evidence"]
    assert isinstance(told, dict)
    return told


def press(client: FlaskClient, path: str, page: TestResponse, button: str) -> TestResponse:
    """Press Yes or No of the question: send the hidden fields that go with it."""
    for form in re.findall(r"<form .*?</form>", page.text, re.DOTALL):
        fields = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form)
        given = {name: html.unescape(value) for name, value in fields}
        if given.get("suggestion") == button:
            return client.post(path, data=given)
    raise AssertionError(page.text)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("dora@sea.example\u200b", "hidden characters were left out"),
        ("\x00dora@sea.example", "hidden characters were left out"),
        ("mailto:dora@sea.example?subject=Hi", "a mail link"),
        ("Dora <dora@sea.example>", "the name beside the address"),
        ("dora@sea.example.", "punctuation around the address"),
    ],
)
def test_what_was_corrected_is_told_and_what_was_typed_is_kept(
    client: FlaskClient, form: Form, typed: str, told: str
) -> None:
    given = answer(form, shown(client, form), address=typed)
    response = client.post(f"/f/{form.public_id}", data=given)
    assert response.status_code == 303
    assert "dora" not in response.location
    assert told in client.get(response.location).text
    assert the_request().address == "dora@sea.example"
    assert evidence()["address"] == "dora@sea.example"
    assert evidence()["address_typed"] == typed
    assert told in evidence()["address_corrections"]


def test_a_plain_address_leaves_no_trace_of_this(client: FlaskClient, form: Form) -> None:
    client.post(f"/f/{form.public_id}", data=answer(form, shown(client, form)))
    assert not {key for key in evidence() if key.startswith("address_")}


def test_a_mark_that_may_mean_two_things_is_named_with_its_place(
    client: FlaskClient, form: Form
) -> None:
    given = answer(form, shown(client, form), address="dora@sea\u202e.example")
    response = client.post(f"/f/{form.public_id}", data=given)
    assert response.status_code == 422
    assert "There is a hidden character after “@sea”" in response.text
    assert count_requests() == 0


@pytest.mark.parametrize("embed", ["hosted", "frame", "html"])
@pytest.mark.parametrize(
    ("button", "address", "noted"),
    [("yes", "dora@gmail.com", "taken"), ("no", "dora@gmial.com", "not taken")],
)
def test_a_typing_mistake_in_a_large_provider_is_asked_about_once(
    client: FlaskClient, form: Form, embed: str, button: str, address: str, noted: str
) -> None:
    path = f"/f/{form.public_id}/frame" if embed == "frame" else f"/f/{form.public_id}"
    headers = {"Origin": SHOP, "Referer": f"{SHOP}/"}
    token = "" if embed == "html" else token_in(client.get(path, headers=headers))
    page = client.post(
        path, data=answer(form, token, address="dora@gmial.com", tracking="yes"), headers=headers
    )
    assert page.status_code == (200 if embed == "html" else 409)
    assert "Did you mean dora@gmail.com?" in page.text
    assert count_requests() == 0
    done = press(client, path, page, button)
    assert done.status_code == 303
    assert the_request().address == address
    assert the_request().answers["first_name"] == "Cleo"
    told = evidence()
    assert (told["embed"], told["address"]) == (embed, address)
    assert told["address_typed"] == "dora@gmial.com"
    assert (told["address_suggested"], told["address_suggestion"]) == ("dora@gmail.com", noted)
    assert [box["is_ticked"] for box in told["controls"]] == [True, False, True]


def test_who_only_presses_the_button_of_the_form_again_keeps_their_address(
    client: FlaskClient, form: Form
) -> None:
    token, path = shown(client, form), f"/f/{form.public_id}"
    given = answer(form, token, address="dora@gmial.com")
    page = client.post(path, data=given)
    assert 'name="asked" value="dora@gmial.com"' in page.text
    changed = client.post(path, data={**given, "asked": "dora@gmial.com", "address": "d@gmal.com"})
    assert "Did you mean d@gmail.com?" in changed.text
    done = client.post(path, data={**given, "asked": "dora@gmial.com"})
    assert done.status_code == 303
    assert the_request().address == "dora@gmial.com"


def test_a_correction_and_the_question_come_together(client: FlaskClient, form: Form) -> None:
    path = f"/f/{form.public_id}"
    typed = "Dora <dora@hotmial.com>"
    page = client.post(path, data=answer(form, shown(client, form), address=typed))
    assert "the name beside the address was left out" in page.text
    assert press(client, path, page, "yes").status_code == 303
    told = evidence()
    assert (told["address"], told["address_typed"]) == ("dora@hotmail.com", typed)
    assert told["address_suggestion"] == "taken"


def test_the_script_is_told_the_question_and_the_answer(client: FlaskClient, form: Form) -> None:
    path, headers = f"/f/{form.public_id}", {"Origin": SHOP}
    token = client.get(f"{path}/definition.json", headers=headers).json["token"]
    given = answer(form, token, address="mailto:dora@gmail.con")
    asked = client.post(path, json=given, headers=headers)
    assert asked.status_code == 409
    assert asked.json["message"] == "Did you mean dora@gmail.com?"
    assert [name for name, _ in asked.json["choices"]] == ["yes", "no"]
    done = client.post(
        path, json={**given, "asked": asked.json["asked"], "suggestion": "yes"}, headers=headers
    )
    assert done.status_code == 200
    assert "a mail link was left out" in done.json["texts"][-1]
    assert evidence()["address"] == "dora@gmail.com"
