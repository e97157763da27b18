"""RFC 3161 time stamps: asking an authority, and believing only what can be verified (T-031, T-032).

The only importer of rfc3161_client, which verifies the signature and the chain with OpenSSL, at the time that
the stamp names. No database.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import rfc3161_client as rfc3161
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from mailer.foundation.clock import now
from mailer.foundation.errors import SettingsInvalid
from mailer.foundation.setting_entries import LOOPBACK
from mailer.transparency.reaching import AnchorFailed, post
from mailer.transparency.revocation import list_revocations

QUERY_TYPE, REPLY_TYPE = "application/timestamp-query", "application/timestamp-reply"
GRANTED = 0
CLOCK = timedelta(hours=1)
RENEW_BEFORE = timedelta(days=30)  # before the first certificate of a stamp ends
LONGEST_CHAIN = 8
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A verified time stamp: the whole response (DER), its time, its certificates from signer to root
    (PEM), when the first of them ends, and the revocation lists (PEM) of the moment it came.
    """

    token: bytes
    gen_time: datetime
    chain: bytes
    expires_at: datetime
    revocation: bytes = b""


def ask_authority(
    url: str, content: bytes, roots: Sequence[x509.Certificate], policy: str = ""
) -> Stamp:
    """Have `content` stamped: SHA-256 of it, a random nonce, certificates wanted. Raises AnchorFailed."""
    request = (
        rfc3161.TimestampRequestBuilder()
        .data(content)
        .hash_algorithm(rfc3161.HashAlgorithm.SHA256)
        .nonce(nonce=True)
        .cert_request(cert_request=True)
        .build()
    )
    reply = post(url, request.as_bytes(), QUERY_TYPE)
    if reply.status != 200 or reply.content_type != REPLY_TYPE:
        raise AnchorFailed(
            f"It answers with status {reply.status} and {reply.content_type or 'no type'}, "
            "not with a time stamp."
        )
    stamp = verify_stamp(reply.body, content, roots, policy=policy, nonce=request.nonce)
    if abs(stamp.gen_time - now()) > CLOCK:
        raise AnchorFailed("The time in its stamp and our clock are more than an hour apart.")
    is_local = urlsplit(url).hostname in LOOPBACK
    chain = x509.load_pem_x509_certificates(stamp.chain)
    return replace(stamp, revocation=list_revocations(chain, allows_local=is_local))


def verify_stamp(
    response: bytes,
    content: bytes,
    roots: Sequence[x509.Certificate],
    *,
    policy: str = "",
    nonce: int | None = None,
) -> Stamp:
    """The stamp in a response over `content`, when status, imprint, nonce, policy, signature, critical
    purpose and chain to one of `roots` all hold, the chain at the stamp's own time.

    Raises AnchorFailed with what does not hold.
    """
    try:
        read = rfc3161.decode_timestamp_response(response)
        if read.status != GRANTED:
            words = "; ".join(read.status_string) or f"status {read.status}"
            raise AnchorFailed(f"It grants no time stamp: {words[:200]}.")
        info = read.tst_info
        if info.message_imprint.message != hashlib.sha256(content).digest():
            raise AnchorFailed("Its stamp is over something else than what was sent.")
        if nonce is not None and info.nonce != nonce:
            raise AnchorFailed("Its stamp answers another question: the nonce is not ours.")
        if policy and info.policy.dotted_string != policy:
            raise AnchorFailed(f"It stamps under policy {info.policy.dotted_string}, not {policy}.")
        rfc3161.VerifierBuilder(roots=list(roots)).build().verify_message(read, content)
        certificates = [
            x509.load_der_x509_certificate(one) for one in read.signed_data.certificates
        ]
        signer = _signer(read, certificates)
        _check_purpose(signer)
        chain = _chain(signer, certificates, roots)
        gen_time = info.gen_time
    except rfc3161.VerificationError as error:
        raise AnchorFailed(f"Its stamp does not verify: {_reason(error)}.") from None
    except UNREADABLE as error:
        raise AnchorFailed(f"Its stamp cannot be read: {error}.") from None
    return Stamp(
        token=response,
        gen_time=gen_time,
        chain=b"".join(one.public_bytes(Encoding.PEM) for one in chain),
        expires_at=min(one.not_valid_after_utc for one in chain),
    )


def read_roots(path: Path) -> list[x509.Certificate]:
    """The certificates in a PEM file, at least one. Raises SettingsInvalid."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsInvalid(f"MAILER_TSA_ROOTS: no certificates in {path}: {error}") from None


def as_der(certificate: x509.Certificate) -> bytes:
    """The bytes by which a certificate is named in a policy."""
    return certificate.public_bytes(Encoding.DER)


def _reason(error: Exception) -> str:
    """What OpenSSL says in words, out of all that it says."""
    words = re.findall(r'(?:reason|data): "([^"]+)"', str(error))
    return words[-1].removeprefix("Verify error: ") if words else str(error)


def _signer(
    read: rfc3161.TimeStampResponse, certificates: Sequence[x509.Certificate]
) -> x509.Certificate:
    signers = list(read.signed_data.signer_infos)
    if len(signers) != 1:
        raise AnchorFailed("Its stamp has not exactly one signer.")
    for certificate in certificates:
        same_number = certificate.serial_number == signers[0].serial_number
        if same_number and certificate.issuer == signers[0].issuer:
            return certificate
    raise AnchorFailed("Its stamp comes without the certificate of its signer.")


def _check_purpose(signer: x509.Certificate) -> None:
    """RFC 3161 2.3: for time stamping, for nothing else, and marked critical."""
    try:
        found = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        raise AnchorFailed("Its certificate is not one for time stamping.") from None
    if not found.critical or list(found.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise AnchorFailed("Its certificate is not one for time stamping alone.")


def _chain(
    signer: x509.Certificate,
    certificates: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
) -> list[x509.Certificate]:
    """The certificates from the signer to a root; the signature over each was verified before."""
    chain = [signer]
    while chain[-1] not in roots:
        above = (one for one in (*roots, *certificates) if _issued(one, chain[-1]))
        found = next(above, None)
        if found is None or len(chain) == LONGEST_CHAIN:
            raise AnchorFailed("Its certificate does not lead to a root in MAILER_TSA_ROOTS.")
        chain.append(found)
    return chain


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*UNREADABLE, InvalidSignature):
        return False
    return True
