"""Whether certificates of a time stamp were revoked when it was made: lists from their issuers (T-032).

What the issuers said is kept beside the stamp, so that it can be looked at when they are gone. A list that
cannot be had takes nothing from the stamp; a certificate that is on its list does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

from mailer.transparency.reaching import AnchorFailed, get

LARGEST_LIST = 4 * 1024 * 1024
MOST_ADDRESSES = 4


def list_revocations(chain: Sequence[x509.Certificate], *, allows_local: bool) -> bytes:
    """The revocation lists (PEM) for a chain from signer to root, as far as they can be had.

    Raises AnchorFailed when one says that a certificate of the chain was revoked.
    """
    found = []
    for certificate, issuer in pairwise(chain):
        listed = _find_list(certificate, issuer, allows_local=allows_local)
        if listed is None:
            continue
        entry = listed.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry is not None:
            raise AnchorFailed(
                f"A certificate of its stamp was revoked on {entry.revocation_date_utc:%Y-%m-%d}."
            )
        found.append(listed.public_bytes(Encoding.PEM))
    return b"".join(found)


def _find_list(
    certificate: x509.Certificate, issuer: x509.Certificate, *, allows_local: bool
) -> x509.CertificateRevocationList | None:
    """The first list that is signed by the issuer, among the addresses that the certificate names."""
    for url in _addresses(certificate)[:MOST_ADDRESSES]:
        try:
            reply = get(url, largest=LARGEST_LIST, allows_local=allows_local)
            listed = _read(reply.body)
            key = cast("CertificateIssuerPublicKeyTypes", issuer.public_key())
            if listed.issuer == issuer.subject and listed.is_signature_valid(key):
                return listed
        except (AnchorFailed, ValueError, TypeError, UnsupportedAlgorithm):
            continue
    return None


def _read(body: bytes) -> x509.CertificateRevocationList:
    if body.startswith(b"-----BEGIN"):
        return x509.load_pem_x509_crl(body)
    return x509.load_der_x509_crl(body)


def _addresses(certificate: x509.Certificate) -> list[str]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [
        name.value
        for point in points
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier)
    ]
