"""What a witness answers over its socket, word for word of C2SP tlog-witness and tlog-cosignature."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.support.little_log import LittleLog, key_id, proof_of, request, root_of
from tests.support.witnesses import NAME, Answer, RunningWitness, run_witness

pytestmark = pytest.mark.requirement("T-030")


@pytest.fixture(scope="module")
def logs() -> dict[str, LittleLog]:
    """One log for each test, by its name: a witness remembers."""
    return {name: LittleLog(origin=f"{name}.example/log") for name in LOGS}


LOGS = ("first", "grows", "forks", "older", "liar", "signs", "formats", "double", "empty", "long")


@pytest.fixture(scope="module")
def witness(
    logs: dict[str, LittleLog], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningWitness]:
    directory = tmp_path_factory.mktemp("witness")
    with run_witness(directory, *(log.vkey for log in logs.values())) as running:
        yield running


def cosigned_at(answer: Answer, witness: RunningWitness, note: str) -> int:
    """The time of the cosignature in `answer`, which must be this witness's over `note`."""
    assert answer.status == 200, answer
    dash, name, encoded = answer.body.split(" ")
    public = base64.b64decode(witness.vkey.split("+", 2)[2])[1:]
    value = base64.b64decode(encoded)
    assert (dash, name, encoded[-1]) == ("—", NAME, "\n")
    assert value[:4] == key_id(NAME, 4, public)
    at = int.from_bytes(value[4:12], "big")
    text = note.rpartition("\n\n")[0] + "\n"
    Ed25519PublicKey.from_public_bytes(public).verify(
        value[12:], f"cosignature/v1\ntime {at}\n{text}".encode()
    )
    return at


def test_the_first_checkpoint_of_a_log_is_cosigned_with_the_time(
    witness: RunningWitness, logs: dict[str, LittleLog]
) -> None:
    log = logs["first"]
    log.grow(5)
    before = int(time.time())
    at = cosigned_at(witness.post(log.request(0)), witness, log.note())
    assert before <= at <= time.time()


def test_a_log_that_only_grows_is_cosigned_again_and_again(
    witness: RunningWitness, logs: dict[str, LittleLog]
) -> None:
    log, known = logs["grows"], 0
    for count in (1, 1, 2, 3, 60, 1, 130):
        log.grow(count)
        cosigned_at(witness.post(log.request(known)), witness, log.note())
        known = len(log.leaves)
    cosigned_at(witness.post(log.request(known)), witness, log.note())


def test_a_rewritten_log_is_refused_at_every_size(
    witness: RunningWitness, logs: dict[str, LittleLog]
) -> None:
    log = logs["forks"]
    log.grow(8)
    assert witness.post(log.request(0)).status == 200
    fork = LittleLog([b"another leaf", *log.leaves[1:]], log.origin, log.key)

    same_size = witness.post(request(8, [], fork.note()))
    assert (same_size.status, same_size.body) == (409, "8\n")
    fork.grow(4)
    assert witness.post(fork.request(8)).status == 422
    assert witness.post(request(8, [], fork.note())).status == 422
    assert witness.post(request(8, [root_of([])] * 63, fork.note())).status == 422
    honest = [*log.leaves, *fork.leaves[8:]]
    assert witness.post(request(8, proof_of(8, honest), fork.note())).status == 422
    log.leaves = honest
    assert witness.post(log.request(8)).status == 200


def test_a_log_that_went_back_is_told_how_far_it_had_come(
    witness: RunningWitness, logs: dict[str, LittleLog]
) -> None:
    log = logs["older"]
    log.grow(20)
    assert witness.post(log.request(0)).status == 200
    for old, size in ((0, 10), (0, 20), (5, 10), (10, 20), (10, 10), (19, 20)):
        told = witness.post(log.request(old, size))
        assert told == Answer(409, "20\n", "text/x.tlog.size"), (old, size)
    assert witness.post(request(20, [], log.note(10))).status == 400


def test_a_log_that_names_an_old_size_it_never_had_is_refused(
    witness: RunningWitness, logs: dict[str, LittleLog]
) -> None:
    log = logs["liar"]
    log.grow(6)
    assert witness.post(log.request(4)).body == "0\n"
    assert witness.post(request(0, [root_of([])], log.note())).status == 422
    assert witness.post(log.request(0)).status == 200


def test_logs_it_does_not_know_and_keys_it_does_not_trust_get_nothing(
    witness: RunningWitness, logs: dict[str, LittleLog]
) -> None:
    log = logs["signs"]
    log.grow(3)
    stranger = LittleLog(log.leaves, "stranger.example/log")
    assert witness.post(stranger.request(0)).status == 404
    thief = LittleLog(log.leaves, log.origin)
    assert witness.post(thief.request(0)).status == 403
    # The right name and key ID over a wrong signature.
    text, _, line = log.note().rpartition("\n\n")
    value = bytearray(base64.b64decode(line.split(" ")[2]))
    value[10] ^= 1
    wrong = f"{text}\n\n— {log.origin} {base64.b64encode(value).decode()}\n"
    assert witness.post(request(0, [], wrong)).status == 403
    moved = log.note().replace(f"{log.origin}\n3\n", f"{log.origin}\n4\n")
    assert witness.post(request(0, [], moved)).status == 403


def test_signatures_of_others_beside_the_log_are_ignored(
    witness: RunningWitness, logs: dict[str, LittleLog]
) -> None:
    log = logs["double"]
    log.grow(3)
    other = LittleLog(log.leaves, "other.example/log").sign("x\n").rpartition("\n\n")[2]
    note = log.note() + other * 15
    cosigned_at(witness.post(request(0, [], note)), witness, log.note())


def test_extension_lines_are_cosigned_with_the_rest(
    witness: RunningWitness, logs: dict[str, LittleLog]
) -> None:
    log = logs["long"]
    log.grow(2)
    encoded = base64.b64encode(root_of(log.leaves)).decode()
    note = log.sign(f"{log.origin}\n2\n{encoded}\nan extension\nand another\n")
    cosigned_at(witness.post(request(0, [], note)), witness, note)


def test_an_empty_log_may_be_cosigned_and_then_grow(
    witness: RunningWitness, logs: dict[str, LittleLog]
) -> None:
    log = logs["empty"]
    assert witness.post(request(0, [], log.note(0, root_of([b"something"])))).status == 422
    assert witness.post(log.request(0)).status == 200
    log.grow(1)
    assert witness.post(log.request(0)).status == 200


def hostile(log: LittleLog) -> dict[str, bytes]:
    """Requests that are none, by what is wrong with them."""
    good, note = log.request(2), log.note()
    line = good.split("\n")[1]
    return {
        "nothing": b"",
        "no text": b"\xff\xfe\x00old 0\n\n",
        "no old size": good.replace("old 2\n", "").encode(),
        "leading zero": good.replace("old 2", "old 02").encode(),
        "negative": good.replace("old 2", "old -2").encode(),
        "plus": good.replace("old 2", "old +2").encode(),
        "other digits": good.replace("old 2", "old ٢").encode(),
        "huge": good.replace("old 2", "old " + "9" * 4000).encode(),
        "beyond 2^63": good.replace("old 2", f"old {2**63}").encode(),
        "two spaces": good.replace("old 2", "old  2").encode(),
        "carriage returns": good.replace("\n", "\r\n").encode(),
        "short hash": good.replace(line, base64.b64encode(b"x" * 31).decode()).encode(),
        "no base64": good.replace(line, "!" * 44).encode(),
        "loose base64": good.replace(line, line.rstrip("=")).encode(),
        "64 lines": request(2, [root_of([])] * 64, note).encode(),
        "no note": b"old 0\n\n",
        "no signature": b"old 0\n\nx\n0\n" + base64.b64encode(b"x" * 32) + b"\n",
        "size with zero": request(0, [], note.replace("\n4\n", "\n04\n")).encode(),
        "root too short": request(
            0, [], log.sign(f"{log.origin}\n4\n{base64.b64encode(b'x').decode()}\n")
        ).encode(),
        "two lines": request(0, [], log.sign(f"{log.origin}\n4\n")).encode(),
        "no last newline": request(0, [], note[:-1]).encode(),
        "a zero byte": request(0, [], note.replace("\n4\n", "\n4\0\n")).encode(),
        "65 signatures": request(0, [], note + note.rpartition("\n\n")[2] * 64).encode(),
        "a hyphen": request(0, [], note.replace("— ", "- ")).encode(),
    }


def test_what_is_no_request_is_refused_with_a_sentence_and_changes_nothing(
    witness: RunningWitness, logs: dict[str, LittleLog]
) -> None:
    log = logs["formats"]
    log.grow(4)
    assert witness.post(log.request(0, 2)).status == 200
    for what, body in hostile(log).items():
        answer = witness.post(body)
        assert answer.status == 400, (what, answer)
        assert answer.body.endswith(".\n"), (what, answer)
    assert witness.post(log.request(2)).status == 200
