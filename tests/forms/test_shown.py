from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from itsdangerous import TimestampSigner

from mailer import forms
from mailer.forms import Embed, PublishedForm, Standing
from mailer.foundation import tokens
from mailer.foundation.clock import now
from mailer.foundation.database import unit_of_work
from mailer.foundation.settings import Settings
from tests.conftest import settings_for
from tests.support.factories import make_form, make_list, make_organisation

pytestmark = pytest.mark.requirement("S-050")


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return settings_for(
        tmp_path, MAILER_DATABASE_URL=database_url, MAILER_FORM_TOKEN_MIN_SECONDS="2"
    )


@pytest.fixture
def published(app: Flask) -> PublishedForm:
    return make_published()


def make_published() -> PublishedForm:
    organisation = make_organisation()
    form = make_form(organisation, make_list(organisation))
    found = forms.find_published(form.public_id)
    assert found is not None
    return found


def signed_ago(monkeypatch: pytest.MonkeyPatch, published: PublishedForm, age: timedelta) -> str:
    moment = int((now() - age).timestamp())
    with monkeypatch.context() as patched:
        patched.setattr(TimestampSigner, "get_timestamp", lambda _: moment)
        return forms.sign_showing(
            published, Embed.SCRIPT, origin="https://shop.example", page="https://shop.example/a"
        )


def test_a_token_of_a_minute_is_good_and_says_where_it_was_shown(
    published: PublishedForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signed_ago(monkeypatch, published, timedelta(minutes=1))
    showing = forms.read_showing(published, token)
    assert showing.standing is Standing.GOOD
    assert (showing.embed, showing.version) == (Embed.SCRIPT, 1)
    assert (showing.origin, showing.page) == ("https://shop.example", "https://shop.example/a")
    assert showing.shown_at is not None


def test_a_token_of_this_moment_is_early(published: PublishedForm) -> None:
    token = forms.sign_showing(published, Embed.HOSTED)
    assert forms.read_showing(published, token).standing is Standing.EARLY


def test_a_token_of_the_day_before_yesterday_is_expired(
    published: PublishedForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signed_ago(monkeypatch, published, timedelta(hours=48))
    showing = forms.read_showing(published, token)
    assert showing.standing is Standing.EXPIRED
    assert showing.origin == "https://shop.example"


def test_a_token_of_an_older_version_is_outdated(
    published: PublishedForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signed_ago(monkeypatch, published, timedelta(minutes=1))
    form = published.form
    with unit_of_work():
        form.draft = {**form.draft, "title": "Something else"}
        forms.publish(form)
    newer = forms.find_published(form.public_id)
    assert newer is not None
    assert forms.read_showing(newer, token).standing is Standing.OUTDATED


def test_tokens_of_other_forms_and_purposes_are_foreign(published: PublishedForm) -> None:
    other = make_published()
    payload = {"f": published.form.public_id, "v": 1, "e": "hosted", "o": "", "p": "", "n": ""}
    for token in (
        "",
        "x",
        "x" * 5000,
        "ä.b.c",
        forms.sign_showing(other, Embed.HOSTED),
        forms.sign_showing(published, Embed.HOSTED)[:-2],
        tokens.sign_timed(tokens.Purpose.CONFIRM, payload),
        tokens.sign_timed(tokens.Purpose.FORM, "no mapping"),
    ):
        assert forms.read_showing(published, token).standing is Standing.FOREIGN
