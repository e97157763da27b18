from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from mailer import forms
from mailer.devkit import EmbeddedRedis
from mailer.forms import Asking, PublishedForm
from mailer.foundation.addresses import Address, parse_address
from mailer.foundation.settings import Settings
from tests.conftest import settings_for
from tests.support.factories import make_form, make_list, make_organisation

pytestmark = [pytest.mark.requirement("S-030"), pytest.mark.usefixtures("redis_server")]


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return settings_for(
        tmp_path,
        MAILER_DATABASE_URL=database_url,
        MAILER_SIGNUPS_PER_IP_HOUR="3",
        MAILER_SIGNUPS_PER_DOMAIN_HOUR="5",
        MAILER_SIGNUPS_PER_FORM_HOUR="15",
        MAILER_SIGNUPS_PER_HOUR="20",
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


def admit(published: PublishedForm, address: Address, ip: str) -> bool:
    (answer,) = forms.admit([Asking(published, address, ip)])
    return bool(answer)


def test_the_first_request_passes(published: PublishedForm) -> None:
    assert admit(published, parse_address("cleo@example.org"), "192.0.2.1")


def test_one_network_is_limited_and_others_are_not(published: PublishedForm) -> None:
    passed = [
        admit(published, parse_address(f"p{n}@d{n}.example.org"), f"2001:db8::{n:x}")
        for n in range(4)
    ]
    assert passed == [True, True, True, False]
    assert admit(published, parse_address("q@example.net"), "2001:db8:0:1::1")


def test_one_address_is_limited_however_it_is_written(published: PublishedForm) -> None:
    forms_of_it = ["cleo@example.org", "CLEO@Example.ORG"]
    passed = [admit(published, parse_address(forms_of_it[n % 2]), f"192.0.2.{n}") for n in range(6)]
    assert passed == [True] * 5 + [False]  # the limit of the domain is the smaller one here


def test_one_mail_domain_is_limited(published: PublishedForm) -> None:
    passed = [
        admit(published, parse_address(f"p{n}@example.org"), f"192.0.2.{n}") for n in range(6)
    ]
    assert passed == [True] * 5 + [False]
    assert admit(published, parse_address("p@example.net"), "192.0.2.99")


def test_one_form_is_limited_and_so_is_everything_together(
    published: PublishedForm, caplog: pytest.LogCaptureFixture
) -> None:
    other = make_published()

    def tries(form: PublishedForm, start: int) -> int:
        return sum(
            admit(form, parse_address(f"p@d{n}.example"), f"198.51.100.{n}")
            for n in range(start, start + 16)
        )

    assert tries(published, 0) == 15
    assert tries(other, 100) == 5
    assert "p@d" not in caplog.text


def test_without_redis_limits_still_hold(app: Flask, redis_server: EmbeddedRedis) -> None:
    published = make_published()
    redis_server.stop()
    passed = [
        admit(published, parse_address(f"p{n}@d{n}.example.org"), "203.0.113.5") for n in range(4)
    ]
    assert passed[0]
    assert not passed[-1]
