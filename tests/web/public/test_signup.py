from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner

from mailer import consent, forms
from mailer.consent import ConsentRecord, ConsentState
from mailer.forms import Form, FormDefinition, FormDraft
from mailer.foundation.clock import now
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.settings import Settings
from tests.conftest import settings_for
from tests.support.factories import make_organisation
from tests.support.filling_in import (
    SHOP,
    answer,
    boxes,
    count_requests,
    retitle,
    shown,
    the_request,
    ticked,
    token_in,
)

STATIC = Path(__file__).parents[3] / "mailer" / "web" / "static"


def test_somebody_signs_up_on_the_page_of_its_own(client: FlaskClient, form: Form) -> None:
    response = client.post(f"/f/{form.public_id}", data=answer(form, shown(client, form)))
    assert (response.status_code, response.location) == (303, f"/f/{form.public_id}/check-inbox")
    assert the_request().address == "cleo@example.org"
    told = client.get(response.location)
    assert "Check your inbox" in told.text
    assert "7 days" in told.text
    assert "cleo" not in told.text.lower()


@pytest.mark.requirement("C-002")
@pytest.mark.requirement("C-006")
def test_the_page_discloses_everything_and_ticks_nothing(client: FlaskClient, form: Form) -> None:
    page = client.get(f"/f/{form.public_id}")
    assert page.status_code == 200
    assert ticked(page) == 0
    for slot in form.draft["disclosure"].values():
        assert slot.replace("’", "’")[:40] in page.text
    assert "/notice/org_" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.requirement("C-109")
@pytest.mark.parametrize("path", ["", "/frame", "/check-inbox", "/frame/check-inbox", "/embed.js"])
def test_no_page_sets_a_cookie_or_loads_from_elsewhere(
    client: FlaskClient, form: Form, path: str
) -> None:
    page = client.get(f"/f/{form.public_id}{path}")
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    loaded = re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"([^\"]+)\"", page.text)
    assert all(url.startswith(("/static/", "data:,")) for url in loaded)


def test_page_and_style_together_stay_under_30_kilobytes(client: FlaskClient, form: Form) -> None:
    page = client.get(f"/f/{form.public_id}")
    assert len(page.data) + (STATIC / "public.css").stat().st_size < 30_000
    assert (STATIC / "embed.js").stat().st_size <= 6 * 1024


@pytest.mark.requirement("C-041")
@pytest.mark.requirement("S-054")
def test_the_evidence_says_what_was_shown_and_answered(client: FlaskClient, form: Form) -> None:
    token = shown(client, form)
    client.post(
        f"/f/{form.public_id}",
        data=answer(form, token, tracking="yes"),
        headers={"User-Agent": "Firefox"},
        environ_base={"REMOTE_ADDR": "192.0.2.7"},
    )
    records = db.session.scalars(sa.select(ConsentRecord).order_by(ConsentRecord.id)).all()
    assert [record.state for record in records] == [
        ConsentState.REQUESTED,
        ConsentState.REFUSED,
        ConsentState.REQUESTED,
    ]
    payload = consent.read_payload(records[0])
    assert payload is not None
    told = payload["evidence"]
    version = forms.find_newest_version(form)
    assert version is not None
    assert told["form_url"] == f"http://localhost/f/{form.public_id}"
    assert (told["embed"], told["embedding_origin"]) == ("hosted", "")
    assert (told["form_id"], told["form_version"]) == (form.public_id, 1)
    assert told["definition_sha256"] == version.definition_sha256
    assert told["notice_sha256"] == consent.get_notice_by_id(version.notice_id).text_sha256
    assert (told["notice_number"], told["locale"]) == (1, "en")
    assert told["user_agent"] == "Firefox"
    assert told["request_id"]
    assert told["shown_at"] <= told["submitted_at"]
    assert [item["is_ticked"] for item in told["controls"]] == [True, False, True]
    assert told["controls"][0]["label"] == form.draft["controls"][0]["label"]


@pytest.mark.requirement("A-004")
def test_what_is_wrong_is_told_and_everything_typed_is_kept(
    client: FlaskClient, form: Form
) -> None:
    given = answer(form, shown(client, form), address="cleo@", first_name='<b>"Cleo"')
    response = client.post(f"/f/{form.public_id}", data=given)
    assert response.status_code == 422
    assert 'value="cleo@"' in response.text
    assert "&lt;b&gt;&#34;Cleo&#34;" in response.text
    assert "<b>" not in response.text
    assert ticked(response) == 1
    assert 'aria-describedby="field-address-error"' in response.text
    again = client.post(f"/f/{form.public_id}", data=answer(form, token_in(response)))
    assert again.status_code == 303


def test_without_a_list_there_is_nothing_to_ask_for(client: FlaskClient, form: Form) -> None:
    given = answer(form, shown(client, form), **{boxes(form)[0]: ""})
    response = client.post(f"/f/{form.public_id}", data=given)
    assert response.status_code == 422
    assert "Please tick at least one list" in response.text
    assert count_requests() == 0


@pytest.mark.requirement("S-033")
def test_a_robot_learns_nothing_and_nothing_is_stored(client: FlaskClient, form: Form) -> None:
    token = shown(client, form)
    robot = client.post(f"/f/{form.public_id}", data=answer(form, token, comments="Buy now"))
    assert count_requests() == 0
    person = client.post(f"/f/{form.public_id}", data=answer(form, token))
    assert count_requests() == 1
    assert (robot.status_code, robot.data) == (person.status_code, person.data)


@pytest.mark.requirement("S-032")
def test_every_state_of_an_address_gets_the_same_answer(client: FlaskClient, form: Form) -> None:
    token = shown(client, form)
    answers = [
        client.post(f"/f/{form.public_id}", data=answer(form, token, address=address))
        for address in ("new@example.org", "new@example.org", "x@nowhere.invalid-tld.example")
    ]
    first, *others = [
        (item.status_code, item.data, [pair for pair in item.headers if pair[0] != "X-Request-Id"])
        for item in answers
    ]
    assert first[0] == 303
    assert all(other == first for other in others)


@pytest.mark.requirement("A-010")
def test_an_old_page_is_shown_again_with_everything_kept(
    client: FlaskClient, form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = int((now() - timedelta(hours=48)).timestamp())
    with monkeypatch.context() as patched:
        patched.setattr(TimestampSigner, "get_timestamp", lambda _: long_ago)
        token = shown(client, form)
    response = client.post(f"/f/{form.public_id}", data=answer(form, token))
    assert response.status_code == 409
    assert "open for a long time" in response.text
    assert 'value="cleo@example.org"' in response.text
    assert ticked(response) == 1
    assert count_requests() == 0
    again = client.post(f"/f/{form.public_id}", data=answer(form, token_in(response)))
    assert again.status_code == 303
    assert count_requests() == 1


@pytest.mark.requirement("C-041")
def test_consent_counts_for_the_words_that_were_read(client: FlaskClient, form: Form) -> None:
    token = shown(client, form)
    controls = list(FormDefinition.from_json(form.draft).controls)
    controls[0] = replace(controls[0], label="Yes, and much more of it")
    retitle(form, controls=tuple(controls))  # type: ignore[arg-type]
    given = answer(form, token, **{boxes(form)[1]: "yes"})
    response = client.post(f"/f/{form.public_id}", data=given)
    assert response.status_code == 409
    assert "has changed meanwhile" in response.text
    assert "Yes, and much more of it" in response.text
    assert 'value="cleo@example.org"' in response.text
    assert ticked(response) == 1  # the box whose words are still the same
    assert count_requests() == 0


class TestTooQuick:
    @pytest.fixture
    def settings(self, tmp_path: Path, database_url: str) -> Settings:
        return settings_for(
            tmp_path, MAILER_DATABASE_URL=database_url, MAILER_FORM_TOKEN_MIN_SECONDS="60"
        )

    def test_a_quick_person_presses_once_more_and_loses_nothing(
        self, client: FlaskClient, form: Form, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        response = client.post(f"/f/{form.public_id}", data=answer(form, shown(client, form)))
        assert response.status_code == 409
        assert "press the button once more" in response.text
        assert 'value="cleo@example.org"' in response.text
        assert ticked(response) == 1
        assert count_requests() == 0
        minute_ago = int((now() - timedelta(seconds=61)).timestamp())
        with monkeypatch.context() as patched:
            patched.setattr(TimestampSigner, "get_timestamp", lambda _: minute_ago)
            older = shown(client, form)
        again = client.post(f"/f/{form.public_id}", data=answer(form, older))
        assert again.status_code == 303


class TestStaticPage:
    def test_the_first_press_stores_nothing_and_asks_for_one_more(
        self, client: FlaskClient, form: Form
    ) -> None:
        given = answer(form, "")
        del given["token"]
        headers = {"Origin": SHOP, "Referer": f"{SHOP}/letters?utm=secret#top"}
        response = client.post(f"/f/{form.public_id}", data=given, headers=headers)
        assert response.status_code == 200
        assert "One more step" in response.text
        assert 'value="cleo@example.org"' in response.text
        assert ticked(response) == 1
        assert count_requests() == 0
        given = answer(form, token_in(response))
        assert client.post(f"/f/{form.public_id}", data=given).status_code == 303
        record = db.session.scalars(sa.select(ConsentRecord)).first()
        assert record is not None
        told = (consent.read_payload(record) or {})["evidence"]
        assert (told["embed"], told["embedding_origin"]) == ("html", SHOP)
        assert told["form_url"] == f"{SHOP}/letters"

    @pytest.mark.requirement("C-002")
    @pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
    def test_ticks_from_anywhere_else_are_not_believed(
        self, client: FlaskClient, form: Form, origin: str | None
    ) -> None:
        headers = {"Origin": origin} if origin else {}
        given = answer(form, "damaged", tracking="yes")
        response = client.post(f"/f/{form.public_id}", data=given, headers=headers)
        assert ticked(response) == 0
        assert "One more step" in response.text
        assert count_requests() == 0

    def test_mistakes_are_told_at_the_first_press(self, client: FlaskClient, form: Form) -> None:
        response = client.post(
            f"/f/{form.public_id}", data={"address": "cleo"}, headers={"Origin": SHOP}
        )
        assert response.status_code == 422
        assert "does not look like an e-mail address" in response.text
        assert token_in(response)


class TestFrame:
    @pytest.mark.requirement("S-052")
    def test_only_allowed_websites_may_frame_it(self, client: FlaskClient, form: Form) -> None:
        for path in ("/frame", "/frame/check-inbox"):
            page = client.get(f"/f/{form.public_id}{path}", headers={"Referer": f"{SHOP}/x"})
            assert f"frame-ancestors {SHOP};" in page.headers["Content-Security-Policy"]
        with unit_of_work():
            form.allowed_origins = []
        page = client.get(f"/f/{form.public_id}/frame")
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]

    def test_an_answer_from_the_frame_stays_in_it(self, client: FlaskClient, form: Form) -> None:
        path = f"/f/{form.public_id}/frame"
        page = client.get(path, headers={"Referer": f"{SHOP}/"})
        wrong = client.post(path, data=answer(form, token_in(page), address=""))
        assert wrong.status_code == 422
        assert f'data-parent="{SHOP}"' in wrong.text
        assert SHOP in wrong.headers["Content-Security-Policy"]
        response = client.post(path, data=answer(form, token_in(wrong)))
        assert response.location == f"/f/{form.public_id}/frame/check-inbox"
        record = db.session.scalars(sa.select(ConsentRecord)).first()
        assert record is not None
        told = (consent.read_payload(record) or {})["evidence"]
        assert (told["embed"], told["embedding_origin"]) == ("frame", SHOP)

    @pytest.mark.requirement("S-053")
    def test_height_is_told_to_a_known_website_only(self, client: FlaskClient, form: Form) -> None:
        page = client.get(
            f"/f/{form.public_id}/frame", headers={"Referer": "https://evil.example/"}
        )
        assert "data-parent" not in page.text
        assert "framed.js" not in page.text


def test_an_unpublished_form_is_kindly_not_there(client: FlaskClient, form: Form) -> None:
    organisation = make_organisation()
    with unit_of_work():
        draft = forms.create_form(organisation, FormDraft(name="X", definition=FormDefinition()))
    for path in (draft.public_id, "frm_unknown", "%00", "x" * 300, "frm_ä"):
        for response in (client.get(f"/f/{path}"), client.post(f"/f/{path}", data={})):
            assert response.status_code == 404
            assert "not open" in response.text


@pytest.mark.requirement("S-034")
def test_a_closed_form_says_so_everywhere(client: FlaskClient, form: Form) -> None:
    token = shown(client, form)
    with unit_of_work():
        forms.close_form(form)
    for path in ("", "/frame", "/check-inbox", "/definition.json"):
        assert client.get(f"/f/{form.public_id}{path}").status_code == 410
    response = client.post(f"/f/{form.public_id}", data=answer(form, token))
    assert response.status_code == 410
    assert "closed" in response.text
    assert count_requests() == 0


def test_a_locked_database_gives_everything_back(client: FlaskClient, form: Form) -> None:
    token = shown(client, form)
    is_sqlite = db.engine.dialect.name == "sqlite"
    with db.engine.connect().execution_options(write=True) as other:
        other.execute(sa.text("SELECT 1" if is_sqlite else "LOCK TABLE signup_requests"))
        response = client.post(f"/f/{form.public_id}", data=answer(form, token))
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        for value in ("cleo@example.org", "Cleo", token):
            assert f'value="{value}"' in response.text
    assert count_requests() == 0
    response = client.post(f"/f/{form.public_id}", data=answer(form, token))
    assert response.status_code == 303


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00",
        b"address=%ff%fe&token=%00",
        b"address=" + b"a" * 100_000,
        b"&".join(b"f%d=1" % number for number in range(900)),
        b"token=" + b"x" * 4000,
        b"first_name=%F0%9F%92%A9%00%0D%0A",
        b"tracking=yes&tracking=no&address=a%40b.example",
    ],
)
@pytest.mark.parametrize("path", ["", "/frame"])
def test_hostile_bodies_get_an_answer_and_no_trace(
    client: FlaskClient, form: Form, body: bytes, path: str
) -> None:
    for kind in (
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
    ):
        response = client.post(f"/f/{form.public_id}{path}", data=body, content_type=kind)
        assert 200 <= response.status_code < 500
    token = shown(client, form).encode()
    response = client.post(
        f"/f/{form.public_id}{path}",
        data=body + b"&token=" + token,
        content_type="application/x-www-form-urlencoded",
    )
    assert 200 <= response.status_code < 500
    assert count_requests() == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(client: FlaskClient, form: Form, method: str) -> None:
    assert client.open(f"/f/{form.public_id}", method=method).status_code == 405
