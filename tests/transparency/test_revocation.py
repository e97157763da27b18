"""What the issuers of an authority's certificates say of them at the moment of a stamp."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography import x509

from mailer.transparency.reaching import AnchorFailed, get
from mailer.transparency.timestamping import Stamp, ask_authority
from tests.support.time_authority import TimeAuthority

pytestmark = pytest.mark.requirement("T-032")


@pytest.fixture
def authority() -> TimeAuthority:
    return TimeAuthority()


@pytest.fixture
def url(authority: TimeAuthority) -> Iterator[str]:
    """The authority at work, its signer's certificate naming a list at the same address."""
    with authority.serve() as url:
        authority.change_signer(400, list_at=url.replace("/tsa", "/list?of=revoked"))
        yield url


def stamp(authority: TimeAuthority, url: str) -> Stamp:
    return ask_authority(url, b"note", [authority.root])


def test_the_list_of_the_moment_is_kept_with_the_stamp(authority: TimeAuthority, url: str) -> None:
    authority.revoked = authority.list_revoked()
    kept = x509.load_pem_x509_crl(stamp(authority, url).revocation)
    assert kept == x509.load_der_x509_crl(authority.revoked)


def test_a_stamp_by_a_revoked_certificate_is_refused(authority: TimeAuthority, url: str) -> None:
    authority.revoked = authority.list_revoked(authority.signer)
    with pytest.raises(AnchorFailed, match="was revoked on 20"):
        stamp(authority, url)


def test_a_list_that_others_signed_or_nobody_can_read_counts_for_nothing(
    authority: TimeAuthority, url: str
) -> None:
    for body in (
        authority.list_revoked(authority.signer, by=TimeAuthority()),
        TimeAuthority().list_revoked(authority.signer),
        b"no list",
        b"-----BEGIN nothing",
        b"",
        b"0" * 5_000_000,
    ):
        authority.revoked = body
        assert stamp(authority, url).revocation == b""


@pytest.mark.requirement("S-065")
def test_a_certificate_cannot_point_us_behind_our_own_wall(
    authority: TimeAuthority, url: str
) -> None:
    port = url.split(":")[2].split("/", maxsplit=1)[0]
    for address in (
        f"http://127.0.0.1:{port}/list",
        "http://127.0.0.1/list",
        "http://localhost/list",
        "http://[::1]/list",
        "http://10.0.0.1/list",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:127.0.0.1]/list",
        "http://0.0.0.0/list",
        "ftp://example.org/list",
        "file:///etc/passwd",
        "ldap://example.org/list",
        "http://a:b@example.org/list",
    ):
        with pytest.raises(AnchorFailed):
            get(address, largest=1000, allows_local=False)
