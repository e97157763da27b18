"""Makes the published vectors anew: `python -m tests.vectors.make_vectors` (needs the openssl command).

Each vector is a bundle, a policy, and what every verifier has to say to each line. The keys are made from
words and are worth nothing; time stamps are new each time, so the files differ and the answers do not.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from mailer.proofs.packing import pack
from mailer.verifier.verify import LINES
from tests.support.making_bundles import (
    MAIL,
    SHA,
    WHOLE_MAIL,
    Cosigner,
    Json,
    Making,
    Members,
    about_measuring,
    mail_told,
    payload_of,
    remake,
    seed,
    story,
    told_in,
)
from tests.support.stamping import P256, P384, RSA, Stamping
from tests.support.time_authority import TimeAuthority, Usage

HERE = Path(__file__).parent
GIVEN = "records/002-given"
LOG_NOTE, COSIGNED = "checkpoint/checkpoint.note", "checkpoint/cosigned.note"


@dataclass(frozen=True)
class Vector:
    """A bundle and a policy by name, and the lines that fail or are not demanded; all others are verified.

    `origin` is where its consent comes from, and `standing` what is said of it, where that is what it shows.
    """

    name: str
    body: bytes
    policy: str
    failed: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    origin: str = ""
    standing: str = ""

    def expected(self) -> dict[str, object]:
        lines = {
            line: "failed" if line in self.failed else "none" if line in self.none else "ok"
            for line in LINES
        }
        told = {"origin": self.origin, "standing": self.standing} if self.origin else {}
        return {
            "bundle": f"{self.name}.zip",
            "policy": f"{self.policy}.txt",
            "ok": not self.failed,
            "lines": lines,
            **told,
        }


EVERY = tuple(LINES)
AFTER_FILE = EVERY
UNASKED = ("maker", "timestamp")
NO_OUTSIDE = ("maker", "witnesses", "timestamp")


@dataclass
class Workshop:
    """One honest bundle with all its parts, and the authorities that stamped it."""

    directory: Path
    making: Making = field(init=False)
    members: Members = field(init=False)
    policies: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        rsa = Stamping(self.directory / "rsa", RSA, "sha256", "sha1")
        curve = Stamping(self.directory / "p256", P256, "sha512", "sha256")
        self.stranger = Stamping(self.directory / "p384", P384, "sha384", "sha256")
        self.careless = TimeAuthority()
        self.loose = TimeAuthority(usage=Usage(is_critical=False))
        self.making = Making(stamp=lambda note: [rsa.stamp(note), curve.stamp(note)])
        self.members = self.making.members()
        self.plain = Making().members()
        self.rsa = rsa
        careless = (_root_line(self.careless), _root_line(self.loose))
        roots = (rsa.policy_line, curve.policy_line, *careless)
        full = (*roots, "#! tsa-quorum any", self.making.signer_line)
        other = Making(
            cosigners=[Cosigner(f"w{number}.example", seed(f"other {number}")) for number in (1, 2)]
        )
        other.log.key = seed("another log")
        self.policies = {
            "full": self.making.policy(*full),
            "one-of-two": self.making.policy(*full, quorum="any"),
            "log-alone": self.making.policy_of_the_log_alone(),
            "no-maker": self.making.policy(*roots),
            "maker": self.making.policy(self.making.signer_line),
            "other-log": other.policy(*full),
            "other-authority": self.making.policy(
                self.stranger.policy_line, "#! tsa-quorum any", self.making.signer_line
            ),
            "other-rules": self.making.policy(*full, "#! tsa-policy 1.2.3.4"),
        }

    def changed(self, path: str, change: Callable[[bytes], bytes]) -> bytes:
        """The bundle with one member changed and the list of members made to agree, by no maker of ours."""
        return remake({**self.plain, path: change(self.plain[path])})

    def without(self, path: str) -> bytes:
        return remake({key: body for key, body in self.plain.items() if key != path})


def _root_line(authority: TimeAuthority) -> str:
    root = authority.root.public_bytes(Encoding.DER)
    return f"#! tsa-root {base64.b64encode(root).decode()}"


def flip(at: int) -> Callable[[bytes], bytes]:
    def flipped(body: bytes) -> bytes:
        changed = bytearray(body)
        changed[at] ^= 1
        return bytes(changed)

    return flipped


def swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def swapped(body: bytes) -> bytes:
        assert old in body
        return body.replace(old, new, 1)

    return swapped


def honest(shop: Workshop) -> Iterator[Vector]:
    good = pack(shop.members)
    yield Vector("good", good, "full")
    yield Vector("good-log-alone", good, "log-alone", none=NO_OUTSIDE)
    yield Vector("good-no-maker", good, "no-maker", none=("maker",))
    yield Vector("good-plain", pack(shop.plain), "maker", none=("timestamp",))
    yield Vector("good-one-of-two", good, "one-of-two")
    refused = Making(payloads=[payload_of(1, "refused", story()[0]["evidence"])])
    yield Vector("good-refused", pack(refused.members()), "log-alone", none=("maker", "mail", "timestamp", "witnesses"))  # fmt: skip
    alone = Making(payloads=story()[:2], cosigners=[])
    yield Vector("good-given", pack(alone.members()), "log-alone", none=NO_OUTSIDE)


def mails(_shop: Workshop) -> Iterator[Vector]:
    """The mail as older records have it, and as it must not be shown."""
    whole = mail_told()["sha256"]
    older = story(mail_told(is_older=True))
    other_link = {**mail_told(), "link_sha256s": ["0" * 64]}
    bare = ("maker", "timestamp", "witnesses")
    for name, payloads, mail, failed, none in (
        ("good-older-record", older, (whole, WHOLE_MAIL), (), bare),
        ("good-older-record-blotted", older, (f"{whole}.blotted", MAIL), (), (*bare, "mail")),
        ("good-other-link", story(other_link), Making.mail, (), bare),
        ("bad-mail-not-blotted", story(), (whole, WHOLE_MAIL), ("mail",), bare),
        ("bad-mail-of-an-older-record", older, (f"{whole}.other", MAIL), ("mail",), bare),
    ):
        making = Making(payloads=payloads, mail=mail)
        yield Vector(name, pack(making.members()), "log-alone", failed, none)
    measured = about_measuring(story())
    yield Vector("good-measuring", pack(Making(payloads=measured).members()), "log-alone", none=bare)  # fmt: skip
    mixed = [measured[0], *story()[1:]]
    yield Vector("bad-measuring-and-list", pack(Making(payloads=mixed).members()), "log-alone", ("payload",), bare)  # fmt: skip
    neither = [{**payload, "mailing_list": None} for payload in story()]
    yield Vector("bad-neither-list-nor-measuring", pack(Making(payloads=neither).members()), "log-alone", ("payload",), bare)  # fmt: skip


def other_trust(shop: Workshop) -> Iterator[Vector]:
    good = pack(shop.members)
    yield Vector("bad-other-log", good, "other-log", failed=("log", "witnesses"))
    yield Vector("bad-other-authority", good, "other-authority", failed=("timestamp",))
    yield Vector("bad-other-rules", good, "other-rules", failed=("timestamp",))
    half = Making(stamp=shop.making.stamp)
    half.cosigners = half.cosigners[:1]
    yield Vector("bad-quorum", pack(half.members()), "full", failed=("witnesses",))
    yield Vector("good-quorum-of-one", pack(half.members()), "one-of-two")
    bare = Making()
    yield Vector("bad-no-stamp", pack(bare.members()), "full", failed=("timestamp",))
    late = Making(stamp=lambda _note: [shop.rsa.stamp(b"something else")])
    yield Vector("bad-stamp-of-something-else", pack(late.members()), "full", failed=("timestamp",))
    yield from _stamped_carelessly(shop)
    waiting = Making(is_anchored=False)
    failed = ("inclusion", "log", "witnesses", "timestamp")
    yield Vector("bad-not-yet-anchored", pack(waiting.members()), "full", failed=failed)


def _stamped_carelessly(shop: Workshop) -> Iterator[Vector]:
    """Authorities whose certificates the policy trusts, and who do one thing wrong."""
    faults: dict[str, dict[str, object]] = {
        "refused": {"status": 2},
        "other-imprint": {"imprint": bytes(32)},
        "other-certificate": {"names_other_certificate": True},
        "other-content": {"signs_other_content": True},
        "no-certificate": {"leaves_certificates_out": True},
        "before-its-time": {"at": datetime(2001, 1, 1, tzinfo=UTC)},
    }

    def made(name: str, authority: TimeAuthority) -> Vector:
        making = Making(stamp=lambda note: [authority.answer(shop.rsa.ask(note))])
        failed = () if name.startswith("good") else ("timestamp",)
        return Vector(name, pack(making.members()), "full", failed=failed)

    yield made("good-stamp", shop.careless.with_faults())
    yield made("bad-stamp-not-for-stamping", shop.loose)
    for name, fault in faults.items():
        yield made(f"bad-stamp-{name}", shop.careless.with_faults(**fault))


def changed_members(shop: Workshop) -> Iterator[Vector]:
    """Members changed by somebody who puts everything else in order again, but has no key."""
    changed = shop.changed
    mail, form = "mail", "texts/" + SHA["form"] + ".json"
    yield Vector("bad-readme", changed("README.txt", flip(3)), "maker", ("maker",), ("timestamp",))
    yield Vector(
        "bad-summary", changed("summary.html", flip(20)), "maker", ("maker",), ("timestamp",)
    )
    payload = changed(f"{GIVEN}/payload.json", swap(b'"method":"POST"', b'"method":"SENT"'))
    yield Vector("bad-payload", payload, "no-maker", ("payload",), UNASKED)
    time = changed(f"{GIVEN}/payload.json", swap(b"22:55:02.257Z", b"22:55:02.258Z"))
    yield Vector("bad-time", time, "no-maker", ("payload", "leaf"), UNASKED)
    salt = changed(f"{GIVEN}/salt.hex", lambda _body: b"ab" * 32 + b"\n")
    yield Vector("bad-salt", salt, "no-maker", ("payload",), UNASKED)
    leaf = changed(f"{GIVEN}/leaf.json", swap(b"lop_1", b"lop_2"))
    yield Vector("bad-leaf", leaf, "no-maker", ("leaf", "inclusion"), UNASKED)
    path = changed(f"{GIVEN}/inclusion.tlog-proof", _other_step)
    yield Vector("bad-path", path, "no-maker", ("inclusion",), UNASKED)
    text = changed(form, swap(b"please", b"Please"))
    yield Vector("bad-text", text, "no-maker", ("texts",), UNASKED)
    yield Vector("bad-text-missing", shop.without(form), "no-maker", ("texts",), UNASKED)
    name = next(key for key in shop.plain if key.startswith(mail))
    yield Vector("bad-mail", changed(name, flip(10)), "no-maker", ("mail",), UNASKED)
    later = changed("later-events.json", swap(b'"stands":false', b'"stands":true'))
    yield Vector("bad-later-events", later, "no-maker", ("events",), UNASKED)
    log = changed(LOG_NOTE, lambda body: body[:-10] + b"AAAAAAAAA\n")
    yield Vector("bad-log-note", log, "no-maker", ("log",), UNASKED)
    note = {path: body.replace(b"\n8\n", b"\n9\n") for path, body in shop.plain.items() if path != "manifest.json"}  # fmt: skip
    size = remake({**note, "manifest.json": shop.plain["manifest.json"]})
    failed = ("inclusion", "log", "witnesses")
    yield Vector("bad-checkpoint-size", size, "no-maker", failed, UNASKED)


def _other_step(body: bytes) -> bytes:
    lines = body.split(b"\n")
    lines[2] = base64.b64encode(bytes(32))
    return b"\n".join(lines)


def hostile(shop: Workshop) -> Iterator[Vector]:
    """Files that want to be more than a bundle."""
    good = pack(shop.plain)
    yield Vector("bad-cut-off", good[:-30], "maker", failed=AFTER_FILE)
    yield Vector("bad-something-behind", good + b"PK", "maker", failed=AFTER_FILE)
    yield Vector("bad-something-before", b"MZ" + good, "maker", failed=AFTER_FILE)
    yield Vector("bad-empty", b"", "maker", failed=AFTER_FILE)
    yield Vector("bad-path-trick", pack({**shop.plain, "../escape.txt": b"x"}), "maker", failed=AFTER_FILE)  # fmt: skip
    yield Vector("bad-absolute-path", pack({**shop.plain, "/etc/x": b"x"}), "maker", failed=AFTER_FILE)  # fmt: skip
    twice = pack({"README.txt": b"one"})
    yield Vector("bad-same-name-twice", twice[: twice.index(b"PK\x01")] + good, "maker", failed=AFTER_FILE)  # fmt: skip
    packed = good.replace(b"PK\x03\x04\x14\0\0\0\0\0", b"PK\x03\x04\x14\0\0\0\x08\0", 1)
    yield Vector("bad-compressed", packed, "maker", failed=AFTER_FILE)
    huge = bytearray(good)
    huge[18:26] = b"\xff" * 8
    yield Vector("bad-huge-length", bytes(huge), "maker", failed=AFTER_FILE)
    stray = pack({**shop.plain, "stray.txt": b"not listed"})
    yield Vector("bad-stray-member", stray, "maker", ("members",), ("timestamp",))
    yield from _hostile_json(shop)


def _hostile_json(shop: Workshop) -> Iterator[Vector]:
    def payload(name: str, change: Callable[[bytes], bytes]) -> Vector:
        body = shop.changed(f"{GIVEN}/payload.json", change)
        failed = ("payload", "texts", "mail", "leaf", "events")
        return Vector(f"bad-json-{name}", body, "no-maker", failed, UNASKED)

    yield payload("same-key-twice", swap(b'{"', b'{"state":"given","'))
    yield payload("fraction", swap(b'"ends":null', b'"ends":1.5'))
    yield payload("huge-number", swap(b'"ends":null', b'"ends":9007199254740993'))
    yield payload("half-character", swap(b'"ends":null', b'"ends":"\\ud800"'))
    yield payload("deep", swap(b'"ends":null', b'"ends":' + b"[" * 5000 + b"]" * 5000))
    yield payload("space", swap(b'"ends":null', b'"ends": null'))
    yield payload("not-utf8", swap(b'"ends":null', b'"ends":"\xff"'))


def other_stories(shop: Workshop) -> Iterator[Vector]:
    """Bundles whose maker tells a story that does not hold together."""
    two = story()
    two[1]["mailing_list"] = {**two[1]["mailing_list"], "id": "lst_2"}
    yield Vector("bad-two-lists", pack(Making(payloads=two).members()), "log-alone", ("payload",), ("maker", "timestamp", "witnesses"))  # fmt: skip
    strangers = [story()[0], payload_of(2, "refused", {"address": "dora@example.org"})]
    strangers[1]["subject"] = "sub_2"
    yield Vector("bad-two-people", pack(Making(payloads=strangers).members()), "log-alone", ("payload",), ("mail", "maker", "timestamp", "witnesses"))  # fmt: skip
    gap = [story()[0], story()[2]]
    yield Vector("bad-gap", pack(Making(payloads=gap).members()), "log-alone", ("events",), ("mail", "maker", "timestamp", "witnesses"))  # fmt: skip
    box = story()
    box[1]["evidence"]["submission"]["controls"][0]["label"] = "Anything."
    yield Vector("bad-box", pack(Making(payloads=box).members()), "log-alone", ("texts",), ("maker", "timestamp", "witnesses"))  # fmt: skip
    told = told_in(shop.plain)
    told["records"] = [*told["records"][1:], told["records"][0]]
    yield Vector("bad-order", remake(shop.plain, told=told), "no-maker", ("events",), UNASKED)


def other_origins() -> Iterator[Vector]:
    """Consents that came about in other ways than by a form of ours."""
    brought = {
        "leg": "import",
        "address": "cleo@example.org",
        "source": "form on old.example",
        "consented_at": "2024-05-01T00:00:00Z",
        "imported_at": "2026-11-23T22:55:01.257Z",
        "evidence_sha256": "ab" * 32,
    }
    bare = {key: brought[key] for key in ("leg", "address", "imported_at")}
    undated = {key: value for key, value in brought.items() if key != "consented_at"}
    asked, mail = payload_of(1, "unknown", {"imported": bare}), story()[1]["evidence"]
    pressed = payload_of(2, "given", {**mail, "submission": bare}, follows="rec_1")
    elsewhere = "Consent was given elsewhere on {day}, as the organisation says, brought here at {at}, confirmed by nobody here,"  # fmt: skip
    at, stands = "2026-11-23T22:55:01.257Z", "and not ended by any record here."
    joined = {"method": "preference page", "shown_sha256": SHA["page"]}

    def made(
        origin: str, payloads: list[Json], standing: str, name: str = "", **none: bool
    ) -> Vector:
        members = Making(payloads=payloads).members()
        left = ("maker", "witnesses", "timestamp", *none)
        return Vector(
            f"good-{name or origin}", pack(members), "log-alone", (), left, origin, standing
        )

    without = {"texts": True, "mail": True}
    yield made("preferences", [payload_of(1, "given", joined)], f"Consent was given on the preference page at {at} {stands}", mail=True)  # fmt: skip
    yield made("permission", [asked, pressed], f"Consent was given with the button behind a permission mail at 2026-11-23T22:55:02.257Z {stands}")  # fmt: skip
    yield made("elsewhere", [payload_of(1, "given", {"imported": brought})], f"{elsewhere.format(day='2024-05-01', at=at)} {stands}", **without)  # fmt: skip
    yield made("elsewhere", [payload_of(1, "given", {"imported": undated})], f"{elsewhere.format(day='a day that is not recorded', at=at)} {stands}", "elsewhere-undated", **without)  # fmt: skip
    yield made(
        "unproven", [asked], f"No consent is proven: brought here without proof at {at}.", **without
    )
    yield made("unrecorded", [payload_of(1, "given", {"method": "told by word of mouth"})], f"A consent was recorded at {at} {stands}", **without)  # fmt: skip


def make(directory: Path) -> dict[str, bytes]:
    """Every file of the vectors by its name."""
    shop = Workshop(directory)
    files = {f"{name}.txt": text.encode() for name, text in shop.policies.items()}
    told = []
    for group in (honest, mails, other_trust, changed_members, hostile, other_stories):
        for vector in group(shop):
            files[f"{vector.name}.zip"] = vector.body
            told.append(vector.expected())
    for vector in other_origins():
        files[f"{vector.name}.zip"] = vector.body
        told.append(vector.expected())
    files["expected.json"] = (json.dumps(told, indent=1) + "\n").encode()
    return files


def main() -> None:
    for old in (*HERE.glob("*.zip"), *HERE.glob("*.txt"), HERE / "expected.json"):
        old.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        for name, body in make(Path(directory)).items():
            (HERE / name).write_bytes(body)


if __name__ == "__main__":
    main()
