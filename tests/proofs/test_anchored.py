"""From the form to the verdict with real anchors: a witness in a process of its own, an authority over HTTP.

And the attack they are there for: whoever has the log's key and database writes another history.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from mailer import proofs, transparency
from mailer.contacts import Contact
from mailer.foundation import context, signing_keys
from mailer.foundation.database import db
from mailer.foundation.setting_entries import WitnessAddress
from mailer.foundation.settings import Settings
from mailer.jobs.anchoring import AnchorKeeper
from mailer.lists import MailingList
from mailer.transparency import LogDirectory, Note
from mailer.transparency.keys import read_keys
from mailer.verifier import verify
from tests.support.keeping import keep, queue_leaves
from tests.support.little_log import request
from tests.support.make_consents import make_cleo
from tests.support.time_authority import TimeAuthority
from tests.support.verifying import Answer, judge, judge_in_browser, open_verifier
from tests.support.waiting import wait_for
from tests.support.witnesses import NAME, RunningWitness, run_witness

pytestmark = pytest.mark.requirement("T-030")


@dataclass(frozen=True)
class Anchored:
    """Cleo, whose consent is under a checkpoint that is cosigned and stamped; and who did that."""

    contact_id: int
    letter_id: int
    witness: RunningWitness
    authority: TimeAuthority
    anchors: AnchorKeeper
    sign: Callable[[], None]

    def stamps(self) -> list[transparency.TimeStamp]:
        """Those of the first anchored checkpoint."""
        db.session.rollback()
        first = transparency.find_anchored_checkpoint()
        return transparency.timestamps_of(first) if first else []

    def bundle(self) -> bytes:
        contact = db.session.get(Contact, self.contact_id)
        letter = db.session.get(MailingList, self.letter_id)
        assert contact is not None
        assert letter is not None
        return proofs.build_bundle(contact, letter).body


@pytest.fixture
def anchored(
    app: Flask, client: FlaskClient, settings: Settings, tmp_path: Path
) -> Iterator[Anchored]:
    authority, anchors = TimeAuthority(days=10), AnchorKeeper()
    (tmp_path / "roots.pem").write_bytes(authority.roots_pem)
    cleo = make_cleo(client)
    ids = cleo.contact.id, cleo.letter.id
    keep(settings)
    (vkey,) = transparency.log_vkeys()
    with authority.serve() as tsa, run_witness(tmp_path / "witness", vkey) as witness:
        context.extensions()[context.KEY] = replace(
            context.settings(),
            log_witnesses=(WitnessAddress(NAME, witness.vkey, witness.url),),
            tsa_url=tsa,
            tsa_roots=tmp_path / "roots.pem",
            tsa_minutes=0,
        )

        def sign() -> None:
            """The keeper's turns until both anchors have answered for the newest checkpoint."""
            keep(settings)
            done: list[int] = []
            wait_for(lambda: done.append(anchors.turn()) or sum(done) >= 2)
            db.session.rollback()

        sign()
        yield Anchored(*ids, witness, authority, anchors, sign)
        anchors.close()


def anchors_in(answer: Answer) -> tuple[str, str]:
    return answer["lines"]["witnesses"], answer["lines"]["timestamp"]


@pytest.mark.browser
@pytest.mark.requirement("T-043")
@pytest.mark.requirement("T-045")
def test_both_verifiers_find_the_witness_and_the_time_stamp_of_a_bundle(
    anchored: Anchored, browser: Browser
) -> None:
    bundle, policy = anchored.bundle(), proofs.policy_text().encode()
    page = open_verifier(browser)
    for answer in (judge(bundle, policy), judge_in_browser(page, bundle, policy)):
        assert answer["ok"], answer["sentences"]
        assert anchors_in(answer) == ("ok", "ok")
        assert not any("Operator-asserted" in line for line in answer["not_proven"])
        assert any(NAME in sentence for sentence in answer["sentences"])


@pytest.mark.requirement("T-032")
def test_a_renewed_stamp_is_in_the_bundle_and_passes(anchored: Anchored) -> None:
    anchored.authority.change_signer(days=900)
    queue_leaves(None, "lea_next")
    anchored.sign()
    wait_for(lambda: anchored.anchors.turn() + len(anchored.stamps()) == 2)
    bundle = anchored.bundle()
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened:
        stamps = [name for name in opened.namelist() if name.endswith(".tsr")]
    assert stamps == ["tsa/01.tsr", "tsa/02.tsr"]
    assert anchors_in(judge(bundle, proofs.policy_text().encode())) == ("ok", "ok")


def test_another_witness_or_another_root_in_the_policy_is_not_satisfied(
    anchored: Anchored, tmp_path: Path
) -> None:
    bundle, policy = anchored.bundle(), proofs.policy_text()
    with run_witness(tmp_path / "other", *transparency.log_vkeys()) as other:
        elsewhere = policy.replace(anchored.witness.vkey, other.vkey)
    answer = judge(bundle, elsewhere.encode())
    assert not answer["ok"]
    assert answer["lines"]["witnesses"] == "failed"
    root = next(line for line in policy.splitlines() if line.startswith("#! tsa-root"))
    (tmp_path / "others.pem").write_bytes(TimeAuthority().roots_pem)
    changed = replace(context.settings(), tsa_roots=tmp_path / "others.pem")
    context.extensions()[context.KEY] = changed
    other_root = proofs.policy_text()
    assert root not in other_root
    assert judge(bundle, other_root.encode())["lines"]["timestamp"] != "ok"


@pytest.mark.requirement("T-015")
@pytest.mark.requirement("T-021")
def test_a_second_history_signed_with_the_log_s_own_key_gets_no_witness(
    anchored: Anchored, settings: Settings
) -> None:
    """The operator signs another tree with the real key. Only the witness tells it from the first one."""
    newest = transparency.find_latest_checkpoint()
    assert newest is not None
    (key,) = read_keys(LogDirectory(settings.log_directory), settings.log_origin)
    public = transparency.read_key(transparency.log_vkeys()[0])
    for size, status in ((newest.size, 409), (newest.size + 1, 422)):
        text = str(transparency.CheckpointText(settings.log_origin, size, b"\x01" * 32))
        forged = str(Note(text, (key.sign(text),)))
        read = transparency.read_note(forged)
        assert transparency.verified_by(read, [public], signing_keys.is_signed_by) == [public]
        assert anchored.witness.post(request(newest.size, [], forged)).status == status
    policy = verify.Policy.read(proofs.policy_text().encode())
    assert not policy.is_reached(policy.quorum, set())
