"""A bundle put together by hand from the definitions: what verifiers are tried with, honest or not."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mailer.proofs.packing import MANIFEST, MANIFEST_NOTE, list_members, pack, text_to_sign
from mailer.verifier.verify import list_later_events
from tests.support.little_log import LittleLog, key_id, root_of, vkey

Members = dict[str, bytes]
Json = Any


def seed(word: str) -> Ed25519PrivateKey:
    """The same key for the same word, so that vectors can be made again."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(word.encode()).digest())


def plain_key(name: str, kind: int, key: Ed25519PrivateKey) -> str:
    return vkey(name, kind, key.public_key().public_bytes_raw())


@dataclass
class Cosigner:
    """A witness that cosigns whatever it is shown."""

    name: str
    key: Ed25519PrivateKey

    @property
    def policy_line(self) -> str:
        return f"witness {self.name} {plain_key(self.name, 4, self.key)}"

    def cosign(self, text: str, at: int = 1_795_000_000) -> str:
        identity = key_id(self.name, 4, self.key.public_key().public_bytes_raw())
        signature = self.key.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
        line = base64.b64encode(identity + at.to_bytes(8, "big") + signature).decode()
        return f"— {self.name} {line}\n"


def path_of(position: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962 2.1.1."""
    if len(leaves) == 1:
        return []
    split = 2 ** ((len(leaves) - 1).bit_length() - 1)
    if position < split:
        return [*path_of(position, leaves[:split]), root_of(list(leaves[split:]))]
    return [*path_of(position - split, leaves[split:]), root_of(list(leaves[:split]))]


FORM = {
    "kind": "form-version",
    "form": "frm_1",
    "definition": {
        "title": "The monthly letter",
        "language": "en",
        "controls": [
            {"key": "a", "matter": "mailing", "lists": ["lst_1"], "label": "Yes, the “letter” – please."},
            {"key": "b", "matter": "tracking", "lists": [], "label": "You may measure."},
        ],
        "button": "Ask for the confirmation mail",
    },
    "notice": {"number": 1, "sha256": "0" * 64},
}  # fmt: skip
NOTICE = {"kind": "privacy-notice", "title": "Privacy notice", "language": "en", "sections": []}
PAGE = {
    "title": "Confirm your subscription",
    "sentence": "Shop sends “letter”.",
    "button": "Confirm",
}
SECRET = "Ab_9-" * 8 + "xYz"
TOKEN = f"InJlcV8xIg.aS0k_w.{SECRET}"
WHOLE_MAIL = (
    "From: Shop <letters@shop.example>\r\nTo: cleo@example.org\r\nSubject: Please confirm\r\n"
    f"Message-ID: <1@shop.example>\r\n\r\nConfirm my subscription: https://shop.example/c/{TOKEN}\r\n"
).encode()
MAIL = WHOLE_MAIL.replace(SECRET.encode(), b"*" * len(SECRET))
TEXT = {
    key: rfc8785.dumps(value) for key, value in (("form", FORM), ("notice", NOTICE), ("page", PAGE))
}
SHA = {key: hashlib.sha256(body).hexdigest() for key, body in TEXT.items()}


def payload_of(number: int, state: str, evidence: Json, **links: str) -> Json:
    return {
        "schema": "mailer.consent/1",
        "record": f"rec_{number}",
        "organisation": "org_1",
        "subject": "sub_1",
        "matter": "mailing",
        "mailing_list": {"id": "lst_1", "name": "letter", "purpose": "News."},
        "state": state,
        "status": f"dpv:Consent{state.capitalize()}",
        "recorded_at": f"2026-11-23T22:55:0{number}.257Z",
        "follows": links.get("follows"),
        "ends": links.get("ends"),
        "evidence": evidence,
    }


def mail_told(*, is_older: bool = False) -> Json:
    """What a record says of the mail; older ones name only the whole of it."""
    told = {
        "outcome": "accepted",
        "sha256": hashlib.sha256(WHOLE_MAIL).hexdigest(),
        "reply_code": "250",
        "reply_text": "2.0.0 queued as 4Wz9",
    }
    if is_older:
        return told
    links = [hashlib.sha256(token.encode()).hexdigest() for token in ("another", TOKEN)]
    return {
        **told,
        "blotted_sha256": hashlib.sha256(MAIL).hexdigest(),
        "link_sha256s": links,
    }


def story(mail: Json = None) -> list[Json]:
    """Asked, given, withdrawn."""
    submission = {
        "leg": "submission",
        "address": "Cleo@example.org",
        "definition_sha256": SHA["form"],
        "notice_sha256": SHA["notice"],
        "controls": [
            {"matter": "mailing", "mailing_list": "lst_1", "is_ticked": True,
             "label": "Yes, the “letter” – please."},
            {"matter": "tracking", "mailing_list": "", "is_ticked": False, "label": "You may measure."},
        ],
    }  # fmt: skip
    given = {
        "submission": submission,
        "confirmation_mail": mail or mail_told(),
        "confirmation": {
            "method": "POST",
            "page_sha256": SHA["page"],
            "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest(),
        },
    }
    return [
        payload_of(1, "requested", submission),
        payload_of(2, "given", given, follows="rec_1"),
        payload_of(3, "withdrawn", {"leg": "act", "method": "button"}, ends="rec_2"),
    ]


def about_measuring(payloads: list[Json]) -> list[Json]:
    """The same story about measuring, which belongs to no list."""
    return [{**payload, "matter": "tracking", "mailing_list": None} for payload in payloads]


@dataclass
class Making:
    """Everything that a bundle is made of; `payloads` may be anything, the rest follows from them."""

    payloads: list[Json] = field(default_factory=story)
    log: LittleLog = field(default_factory=lambda: LittleLog(key=seed("log")))
    cosigners: list[Cosigner] = field(
        default_factory=lambda: [
            Cosigner(f"w{number}.example", seed(f"w{number}")) for number in (1, 2)
        ]
    )
    signer: Ed25519PrivateKey = field(default_factory=lambda: seed("signer"))
    stamp: Callable[[bytes], list[bytes]] = field(default=lambda _note: [])
    is_anchored: bool = True
    mail: tuple[str, bytes] = (hashlib.sha256(MAIL).hexdigest(), MAIL)

    def members(self) -> Members:
        """The members, honest, with manifest and its signature."""
        members = {
            "README.txt": b"How to check this bundle.\n",
            "summary.html": b"<!doctype html>\n<html lang=en><title>Summary</title>\n",
            f"mail/{self.mail[0]}.eml": self.mail[1],
            **{f"texts/{SHA[key]}.json": body for key, body in TEXT.items()},
        }
        told = self._put_records(members)
        return sign(members, told, self.signer)

    def _put_records(self, members: Members) -> Json:
        self.log.leaves = [b"another leaf 0", b"another leaf 1"]
        records = []
        for number, payload in enumerate(self.payloads, 1):
            salt = hashlib.sha256(f"salt {number}".encode()).digest()
            body = rfc8785.dumps(payload)
            leaf = rfc8785.dumps(
                {
                    "alg": "sha256-salted-jcs-v1",
                    "commitment": hashlib.sha256(b"mailer.consent.v1\0" + salt + body).hexdigest(),
                    "id": payload["record"],
                    "organisation": "lop_1",
                    "time": payload["recorded_at"],
                    "type": "consent",
                }
            )
            directory = f"records/{number:03}-{payload['state']}"
            members[f"{directory}/payload.json"] = body
            members[f"{directory}/salt.hex"] = f"{salt.hex()}\n".encode()
            members[f"{directory}/leaf.json"] = leaf
            position = len(self.log.leaves) if self.is_anchored else None
            records.append(
                {
                    "directory": directory,
                    "id": payload["record"],
                    "position": position,
                    "state": payload["state"],
                }
            )
            self.log.leaves += [leaf, f"between {number}".encode()]
        members["later-events.json"] = rfc8785.dumps(list_later_events(records, self.payloads))
        told = {"checkpoint": None, "records": records, "timestamps": []}
        return self._put_checkpoint(members, told) if self.is_anchored else told

    def _put_checkpoint(self, members: Members, told: Json) -> Json:
        note = self.log.note()
        text = note.partition("\n\n")[0] + "\n"
        cosigned = note + "".join(cosigner.cosign(text) for cosigner in self.cosigners)
        members["checkpoint/checkpoint.note"] = note.encode()
        members["checkpoint/cosigned.note"] = cosigned.encode()
        for record in told["records"]:
            path = path_of(record["position"], self.log.leaves)
            lines = "".join(base64.b64encode(step).decode() + "\n" for step in path)
            head = f"c2sp.org/tlog-proof@v1\nindex {record['position']}\n{lines}\n"
            members[f"{record['directory']}/inclusion.tlog-proof"] = (head + cosigned).encode()
        timestamps = []
        for number, token in enumerate(self.stamp(note.encode()), 1):
            members[f"tsa/{number:02}.tsr"] = token
            timestamps.append(
                {"authority": "time.example", "path": f"tsa/{number:02}.tsr", "renews": None}
            )
        checkpoint = {"origin": self.log.origin, "size": len(self.log.leaves)}
        return {**told, "checkpoint": checkpoint, "timestamps": timestamps}

    def policy(self, *more: str, quorum: str = "all") -> str:
        """The policy that this bundle is made for; `more` are lines of it."""
        names = " ".join(cosigner.name for cosigner in self.cosigners)
        return "\n".join(
            [
                "# For the tests only.",
                f"log {self.log.vkey} https://{self.log.origin}",
                *(cosigner.policy_line for cosigner in self.cosigners),
                f"group witnesses {quorum} {names}",
                "quorum witnesses",
                *more,
                "",
            ]
        )

    def policy_of_the_log_alone(self) -> str:
        return f"log {self.log.vkey}\nquorum none\n"

    @property
    def signer_line(self) -> str:
        return f"#! signer {plain_key('shop.example/maker', 1, self.signer)}"


def sign(members: Members, told: Json, signer: Ed25519PrivateKey) -> Members:
    """Add manifest and signature to members that have none."""
    manifest = list_members(told, members)
    text = text_to_sign(manifest)
    name = "shop.example/maker"
    identity = key_id(name, 1, signer.public_key().public_bytes_raw())
    line = base64.b64encode(identity + signer.sign(text.encode())).decode()
    note = f"{text}\n— {name} {line}\n".encode()
    return {**members, MANIFEST: manifest, MANIFEST_NOTE: note}


def told_in(members: Members) -> Json:
    """What a manifest says beside the list of members."""
    manifest = json.loads(members[MANIFEST])
    return {key: manifest[key] for key in ("checkpoint", "records", "timestamps")}


def remake(
    members: Members, signer: Ed25519PrivateKey | None = None, told: Json | None = None
) -> bytes:
    """A file whose list of members agrees with it again, as somebody without the maker's key would do it."""
    told = told_in(members) if told is None else told
    bare = {path: body for path, body in members.items() if path not in (MANIFEST, MANIFEST_NOTE)}
    return pack(sign(bare, told, signer or seed("somebody else")))
