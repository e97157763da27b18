"""Signing up through the script on somebody else's website: CORS, tokens, answers as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mailer import consent
from mailer.consent import ConsentRecord
from mailer.forms import Form
from mailer.foundation.database import db, unit_of_work
from tests.support.filling_in import (
    SHOP,
    answer,
    boxes,
    count_requests,
    shown,
)

STATIC = Path(__file__).parents[3] / "mailer" / "web" / "static"


class TestScript:
    def definition(self, client: FlaskClient, form: Form, origin: str = SHOP) -> TestResponse:
        return client.get(
            f"/f/{form.public_id}/definition.json?page={SHOP}/letters", headers={"Origin": origin}
        )

    def post(
        self, client: FlaskClient, form: Form, given: object, origin: str = SHOP
    ) -> TestResponse:
        return client.post(f"/f/{form.public_id}", json=given, headers={"Origin": origin})

    @pytest.mark.requirement("S-051")
    def test_an_allowed_website_gets_the_form_and_a_token(
        self, client: FlaskClient, form: Form
    ) -> None:
        response = self.definition(client, form)
        assert response.status_code == 200
        assert response.headers["Access-Control-Allow-Origin"] == SHOP
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert "Origin" in response.headers["Vary"]
        sent = self.post(client, form, answer(form, response.json["token"]))
        assert sent.status_code == 200
        assert sent.json["days"] == 7
        assert sent.headers["Access-Control-Allow-Origin"] == SHOP
        record = db.session.scalars(sa.select(ConsentRecord)).first()
        assert record is not None
        told = (consent.read_payload(record) or {})["evidence"]
        assert (told["embed"], told["embedding_origin"]) == ("script", SHOP)
        assert told["form_url"] == f"{SHOP}/letters"

    @pytest.mark.requirement("S-051")
    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "", "https://shop.example.evil.example", "\x00"]
    )
    def test_any_other_website_gets_a_sentence(
        self, client: FlaskClient, form: Form, origin: str
    ) -> None:
        for response in (
            self.definition(client, form, origin),
            self.post(client, form, {}, origin),
            client.options(f"/f/{form.public_id}", headers={"Origin": origin}),
        ):
            assert response.status_code == 403
            assert "Access-Control-Allow-Origin" not in response.headers
            assert "Origin" in response.headers["Vary"]
            assert "may not be used on this website" in response.json["message"]
        assert count_requests() == 0

    @pytest.mark.requirement("S-051")
    def test_the_browser_may_ask_first(self, client: FlaskClient, form: Form) -> None:
        response = client.options(f"/f/{form.public_id}", headers={"Origin": SHOP})
        assert response.status_code == 204
        assert response.headers["Access-Control-Allow-Origin"] == SHOP
        assert response.headers["Access-Control-Allow-Headers"] == "Content-Type"

    @pytest.mark.requirement("S-050")
    def test_a_token_counts_on_its_own_website_only(self, client: FlaskClient, form: Form) -> None:
        other = "https://other.example"
        with unit_of_work():
            form.allowed_origins = [SHOP, other]
        stolen = self.definition(client, form).json["token"]
        for token in (stolen, shown(client, form), ""):
            sent = self.post(client, form, answer(form, token), other)
            assert "definition" in sent.json
        assert count_requests() == 0

    def test_mistakes_come_back_by_field(self, client: FlaskClient, form: Form) -> None:
        token = self.definition(client, form).json["token"]
        sent = self.post(client, form, {"token": token, "address": "cleo"})
        assert sent.status_code == 422
        assert set(sent.json["errors"]) == {"address", boxes(form)[0]}

    @pytest.mark.parametrize("body", ["", "[]", "{", "null", '"x"', "[" * 5000, '{"token": 1e999}'])
    def test_odd_json_is_told_so(self, client: FlaskClient, form: Form, body: str) -> None:
        response = client.post(
            f"/f/{form.public_id}",
            data=body,
            content_type="application/json",
            headers={"Origin": SHOP},
        )
        assert 200 <= response.status_code < 500
        assert json.loads(response.data)
        assert count_requests() == 0

    def test_the_scripts_may_be_loaded_from_other_websites(
        self, client: FlaskClient, form: Form
    ) -> None:
        for name in ("embed.js", "resize.js"):
            response = client.get(f"/f/{form.public_id}/{name}")
            assert response.mimetype == "text/javascript"
            assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
