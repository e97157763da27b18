"""From the form to a file that a stranger checks: a real witness, a real time stamp, two verifiers, and by hand."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from mailer import proofs, transparency
from mailer.contacts import Contact
from mailer.foundation import context
from mailer.foundation.database import db
from mailer.foundation.setting_entries import WitnessAddress
from mailer.foundation.settings import Settings
from mailer.jobs.anchoring import AnchorKeeper
from mailer.lists import MailingList
from mailer.transparency import AnchorKind
from tests.support.keeping import keep
from tests.support.make_consents import make_cleo
from tests.support.time_authority import TimeAuthority
from tests.support.verifying import ROOT, judge, judge_in_browser, open_verifier
from tests.support.waiting import wait_for
from tests.support.witnesses import NAME, RunningWitness, run_witness


@dataclass(frozen=True)
class Taken:
    """What a stranger gets: the bundle, and from elsewhere the policy and the authority's root."""

    bundle: bytes
    policy: bytes
    root: bytes


@pytest.fixture
def signed(client: FlaskClient, settings: Settings) -> tuple[int, int]:
    """Row ids of a person and a list whose records the log has signed; what was refused later included."""
    cleo = make_cleo(client)
    cleo.leave(cleo.letter)
    keep(settings)
    return cleo.contact.id, cleo.letter.id


@pytest.fixture
def witness(signed: tuple[int, int], tmp_path: Path) -> Iterator[RunningWitness]:
    (vkey,) = transparency.log_vkeys()
    with run_witness(tmp_path / "witness", vkey) as running:
        yield running


@pytest.fixture
def taken(signed: tuple[int, int], witness: RunningWitness, tmp_path: Path) -> Taken:
    authority = TimeAuthority()
    (tmp_path / "root.pem").write_bytes(authority.roots_pem)
    with authority.serve() as url:
        context.extensions()[context.KEY] = replace(
            context.settings(),
            log_witnesses=(WitnessAddress(NAME, witness.vkey, witness.url),),
            tsa_url=url,
            tsa_roots=tmp_path / "root.pem",
        )
        anchors = AnchorKeeper()
        wait_for(lambda: anchors.turn() >= 0 and have_answered())
        anchors.close()
    contact, mailing_list = signed
    bundle = proofs.build_bundle(
        db.session.get_one(Contact, contact), db.session.get_one(MailingList, mailing_list)
    )
    return Taken(bundle.body, proofs.policy_text().encode(), authority.roots_pem)


def have_answered() -> bool:
    states = transparency.list_anchors()
    return {state.kind for state in states if state.answered_at} == set(AnchorKind)


@pytest.mark.requirement("T-030")
@pytest.mark.requirement("T-041")
@pytest.mark.requirement("T-045")
def test_both_verifiers_see_witness_and_time_stamp(taken: Taken, browser: Browser) -> None:
    answer = judge(taken.bundle, taken.policy)
    assert set(answer["lines"].values()) == {"ok"}, answer["sentences"]
    assert f"1 of 1: {NAME}" in answer["sentences"][9]
    assert answer["sentences"][10].startswith("Seen by an authority of the policy at ")
    assert "and ended: withdrawn at" in answer["sentences"][11]
    assert not answer["not_proven"][0].startswith("Operator-asserted only")
    page = open_verifier(browser)
    assert judge_in_browser(page, taken.bundle, taken.policy) == answer
    page.context.close()


@pytest.mark.requirement("T-041")
def test_a_stranger_with_nothing_else_of_ours_checks_it(taken: Taken, tmp_path: Path) -> None:
    alone = tmp_path / "elsewhere"
    alone.mkdir()
    shutil.copy(ROOT / "mailer" / "verifier" / "verify.py", alone)
    (alone / "proof.zip").write_bytes(taken.bundle)
    (alone / "policy.txt").write_bytes(taken.policy)
    answer = subprocess.run(
        [sys.executable, "-I", "verify.py", "proof.zip", "--policy", "policy.txt"],
        cwd=alone,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (answer.returncode, answer.stderr) == (0, ""), answer.stdout
    assert answer.stdout.endswith("Everything that the policy demands is verified.\n")


@pytest.mark.requirement("T-031")
@pytest.mark.requirement("T-040")
def test_the_page_tells_how_to_check_it_by_hand_and_so_it_is(taken: Taken, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(taken.bundle)) as bundle:
        bundle.extractall(tmp_path / "copy")
        given = next(name for name in bundle.namelist() if name.endswith("-given/payload.json"))
        texts = [name for name in bundle.namelist() if name.startswith(("texts/", "mail/"))]
    copy = tmp_path / "copy"
    (copy / "root.pem").write_bytes(taken.root)

    def run(command: str, where: Path = copy) -> str:
        if shutil.which("xxd") is None:  # a bare machine has another tool for the same
            command = command.replace(
                "xxd -r -p salt.hex", "tr a-f A-F <salt.hex | basenc -d --base16"
            )
        done = subprocess.run(command, shell=True, cwd=where, capture_output=True, text=True, check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    page = (ROOT / "docs" / "proof-bundle.md").read_text()
    seal = r"(printf 'mailer.consent.v1\0'; xxd -r -p salt.hex; cat payload.json) | sha256sum"
    stamp = (
        "openssl ts -verify -in tsa/01.tsr -data checkpoint/checkpoint.note \\\n"
        "  -CAfile root.pem -untrusted tsa/01-chain.pem"
    )
    assert seal in page
    assert stamp in page
    directory = (copy / given).parent
    assert f'"commitment":"{run(seal, directory)[:64]}"' in (directory / "leaf.json").read_text()
    run(stamp)
    for line in run("sha256sum texts/* mail/*").splitlines():
        sha256, name = line.split()
        assert Path(name).stem == sha256
    assert len(texts) == len(run("ls texts mail").split()) - 2
    assert run("sha256sum manifest.json")[:64] in (copy / "manifest.note").read_text()
