"""A time-stamp authority (RFC 3161) of our own: real ASN.1, real certificates, and every fault one asks for.

Root, intermediate and signer are made once for each authority. `answer` takes a request's bytes; `serve`
puts it on a socket.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.support import der

POLICY = "1.3.6.1.4.1.99999.3161.1"
SHA256_OID, DATA_OID = "2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.7.2"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.47"
ECDSA_SHA256, RSA_ENCRYPTION = "1.2.840.10045.4.3.2", "1.2.840.113549.1.1.1"
SHA256_ALGORITHM = der.sequence(der.oid(SHA256_OID))

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Usage:
    """What a signer's certificate says it may be used for."""

    purposes: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.TIME_STAMPING,)
    is_critical: bool = True


@dataclass(frozen=True)
class Faults:
    """What the authority does wrong; nothing by default."""

    status: int = 0
    nonce: int | None = None
    leaves_nonce_out: bool = False
    imprint: bytes | None = None
    policy: str = POLICY
    at: datetime | None = None
    leaves_certificates_out: bool = False
    names_other_certificate: bool = False
    signs_other_content: bool = False
    http_status: int = 200
    content_type: str = "application/timestamp-reply"
    body: bytes | None = None


@dataclass
class TimeAuthority:
    """An authority with a chain of three; `days` from today until its signer's certificate ends."""

    days: int = 400
    began_days_ago: int = 30
    usage: Usage | None = field(default_factory=Usage)
    is_rsa: bool = False
    faults: Faults = field(default_factory=Faults)
    requests: list[bytes] = field(default_factory=list)
    list_at: str = ""
    revoked: bytes = b""

    def __post_init__(self) -> None:
        number = next(_numbers)
        root_key, self._middle_key = self._new_key(), self._new_key()
        root_name = _name(f"Test Root {number}")
        middle_name = _name(f"Test Authority {number}")
        self.root = self._certify(root_name, root_key, root_name, root_key, is_authority=True)
        self.middle = self._certify(
            middle_name, self._middle_key, root_name, root_key, is_authority=True
        )
        self.change_signer(self.days)

    def change_signer(self, days: int, list_at: str = "") -> None:
        """Stamp with a new key from now on, under a certificate that ends in `days` and that names
        `list_at` as the address of its revocation list.
        """
        self.days, self.list_at = days, list_at
        self.key = self._new_key()
        name = _name(f"Test Stamps {next(_numbers)}")
        self.signer = self._certify(
            name, self.key, self.middle.subject, self._middle_key, is_authority=False
        )

    @property
    def roots_pem(self) -> bytes:
        return self.root.public_bytes(Encoding.PEM)

    def list_revoked(
        self, *certificates: x509.Certificate, by: TimeAuthority | None = None
    ) -> bytes:
        """A revocation list (DER) of the intermediate, signed by it or by that of another authority."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.middle.subject)
            .last_update(now)
            .next_update(now + timedelta(days=7))
        )
        for certificate in certificates:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(certificate.serial_number)
                .revocation_date(now)
                .build()
            )
        return builder.sign((by or self)._middle_key, SHA256()).public_bytes(Encoding.DER)

    def with_faults(self, **faults: Any) -> TimeAuthority:
        self.faults = replace(Faults(), **faults)
        return self

    def answer(self, request: bytes) -> bytes:
        """A TimeStampResp for a TimeStampReq."""
        self.requests.append(request)
        if self.faults.body is not None:
            return self.faults.body
        status = der.sequence(der.integer(self.faults.status))
        if self.faults.status > 1:
            return der.sequence(status)
        return der.sequence(status, self._token(request))

    def _token(self, request: bytes) -> bytes:
        faults, asked = self.faults, _read_request(request)
        nonce = faults.nonce if faults.nonce is not None else asked.nonce
        info = der.sequence(
            der.integer(1),
            der.oid(faults.policy),
            der.sequence(
                der.sequence(der.oid(SHA256_OID)), der.octets(faults.imprint or asked.imprint)
            ),
            der.integer(next(_numbers)),
            der.general_time(faults.at or datetime.now(UTC)),
            b"" if nonce is None or faults.leaves_nonce_out else der.integer(nonce),
        )
        certificates = b"".join(
            sorted(one.public_bytes(Encoding.DER) for one in (self.signer, self.middle))
        )
        signed_data = der.sequence(
            der.integer(3),
            der.set_of(SHA256_ALGORITHM),
            der.sequence(der.oid(TST_INFO), der.tlv(0xA0, der.octets(info))),
            b"" if faults.leaves_certificates_out else der.tlv(0xA0, certificates),
            der.set_of(self._signer_info(info)),
        )
        return der.sequence(der.oid(DATA_OID), der.tlv(0xA0, signed_data))

    def _signer_info(self, info: bytes) -> bytes:
        signed = info + b"!" if self.faults.signs_other_content else info
        named = self.middle if self.faults.names_other_certificate else self.signer
        hashed = hashlib.sha256(named.public_bytes(Encoding.DER)).digest()
        attributes = sorted(
            (
                _attribute(CONTENT_TYPE, der.oid(TST_INFO)),
                _attribute(MESSAGE_DIGEST, der.octets(hashlib.sha256(signed).digest())),
                _attribute(
                    SIGNING_CERTIFICATE,
                    der.sequence(der.sequence(der.sequence(der.octets(hashed)))),
                ),
            )
        )
        algorithm = (
            der.sequence(der.oid(RSA_ENCRYPTION), der.NULL)
            if self.is_rsa
            else der.sequence(der.oid(ECDSA_SHA256))
        )
        return der.sequence(
            der.integer(1),
            der.sequence(self.signer.issuer.public_bytes(), der.integer(self.signer.serial_number)),
            SHA256_ALGORITHM,
            der.tlv(0xA0, *attributes),
            algorithm,
            der.octets(self._sign(der.tlv(der.SET, *attributes))),
        )

    def _sign(self, message: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(message, padding.PKCS1v15(), SHA256())
        return self.key.sign(message, ec.ECDSA(SHA256()))

    def _new_key(self) -> Key:
        if self.is_rsa:
            return rsa.generate_private_key(65537, 2048)
        return ec.generate_private_key(ec.SECP256R1())

    def _certify(
        self, name: x509.Name, key: Key, issuer: x509.Name, issuer_key: Key, *, is_authority: bool
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        end = now + timedelta(days=3650 if is_authority else self.days)
        began = now - timedelta(days=3650 if is_authority else self.began_days_ago)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(began)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(_key_usage(is_authority=is_authority), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
            )
        )
        if self.list_at and not is_authority:
            place = x509.UniformResourceIdentifier(self.list_at)
            point = x509.DistributionPoint([place], None, None, None)
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
        if self.usage and not is_authority:
            purposes = x509.ExtendedKeyUsage(self.usage.purposes)
            builder = builder.add_extension(purposes, critical=self.usage.is_critical)
        return builder.sign(issuer_key, SHA256())

    @contextmanager
    def serve(self) -> Iterator[str]:
        """The address where it answers."""
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = self.rfile.read(int(self.headers["Content-Length"]))
                body = authority.answer(request)
                self.send_response(authority.faults.http_status)
                self.send_header("Content-Type", authority.faults.content_type)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(authority.revoked)))
                self.end_headers()
                self.wfile.write(authority.revoked)

            def log_message(self, *args: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}/tsa"
            finally:
                server.shutdown()
                thread.join()


@dataclass(frozen=True)
class _Asked:
    imprint: bytes
    nonce: int | None
    wants_certificates: bool


def _read_request(request: bytes) -> _Asked:
    parts = der.parts_of(der.read(request)[1])
    imprint = der.read(der.parts_of(der.read(parts[1])[1])[1])[1]
    nonces = [der.read(part)[1] for part in parts[2:] if part[0] == 2]
    nonce = int.from_bytes(nonces[0], "big") if nonces else None
    return _Asked(imprint, nonce, b"\x01\x01\xff" in parts)


def asks_for_certificates(request: bytes) -> bool:
    """Whether certReq is TRUE."""
    return _read_request(request).wants_certificates


def nonce_of(request: bytes) -> int | None:
    return _read_request(request).nonce


def imprint_of(request: bytes) -> bytes:
    return _read_request(request).imprint


def _attribute(kind: str, value: bytes) -> bytes:
    return der.sequence(der.oid(kind), der.set_of(value))


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Time"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )
