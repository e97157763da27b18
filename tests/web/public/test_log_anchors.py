"""What the public pages of the log say about who vouches for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mailer import transparency
from mailer.foundation import context
from mailer.foundation.database import db
from mailer.foundation.settings import Settings
from mailer.jobs.anchoring import AnchorKeeper
from mailer.transparency import Checkpoint
from tests.support.keeping import keep, queue_leaves
from tests.support.odd_witness import NAME, OddWitness, note_of
from tests.support.waiting import wait_for

pytestmark = pytest.mark.requirement("T-030")


@pytest.fixture
def checkpoint(app: Flask, settings: Settings) -> Checkpoint:
    queue_leaves(None, "lea_first")
    return keep(settings)


@pytest.fixture
def witness(app: Flask) -> Iterator[OddWitness]:
    """A witness that is configured and cosigns everything."""
    witness = OddWitness()
    witness.says = lambda request: witness.cosigns(note_of(request), int(time.time()))
    with witness.listening():
        changed = replace(context.settings(), log_witnesses=(witness.address,))
        context.extensions()[context.KEY] = changed
        yield witness


def test_without_an_anchor_page_and_policy_say_operator_asserted_only(
    checkpoint: Checkpoint, client: FlaskClient
) -> None:
    assert "Operator-asserted only" in client.get("/log").text
    policy = client.get("/log/policy").text
    assert "quorum none\n" in policy
    assert "operator-asserted only" in policy
    assert client.get("/log/checkpoint").text == checkpoint.note


def test_a_configured_witness_that_has_not_answered_is_no_anchor(
    checkpoint: Checkpoint, witness: OddWitness, client: FlaskClient
) -> None:
    assert "Operator-asserted only" in client.get("/log").text
    assert f"quorum {NAME}\n" in client.get("/log/policy").text


def test_a_cosignature_is_published_behind_the_signature_of_the_log(
    checkpoint: Checkpoint, witness: OddWitness, client: FlaskClient
) -> None:
    anchors = AnchorKeeper()
    wait_for(anchors.turn)
    anchors.close()
    db.session.rollback()
    page = client.get("/log").text
    assert "Operator-asserted only" not in page
    assert NAME in page
    published = client.get("/log/checkpoint").text
    assert published.startswith(checkpoint.note)
    note = transparency.read_note(published)
    assert [signature.name for signature in note.signatures] == ["localhost/log", NAME]
    assert f"witness {NAME} {witness.signer.vkey}\n" in client.get("/log/policy").text
