"""A time-stamp authority made with the openssl command: another's ASN.1 than ours, for vectors and tests."""

from __future__ import annotations

import base64
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

OPENSSL = shutil.which("openssl")

_CONFIG = """
[tsa]
default_tsa = stamping
[stamping]
dir = {directory}
serial = {directory}/serial
crypto_device = builtin
signer_cert = {directory}/signer.pem
certs = {directory}/chain.pem
signer_key = {directory}/signer.key
signer_digest = {digest}
default_policy = 1.3.6.1.4.1.32473.1
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = {ess}
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
[issuing]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
[signer]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
"""
RSA = ("rsa", "-pkeyopt", "rsa_keygen_bits:2048")
P256 = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
P384 = ("ec", "-pkeyopt", "ec_paramgen_curve:P-384")


@dataclass
class Stamping:
    """An authority: a root, an issuing certificate, a signer, all in one directory."""

    directory: Path
    kind: tuple[str, ...] = RSA
    digest: str = "sha256"
    ess: str = "sha256"

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        config = _CONFIG.format(directory=self.directory, digest=self.digest, ess=self.ess)
        (self.directory / "openssl.cnf").write_text(config)
        (self.directory / "serial").write_text("01\n")
        self._certify("root", "", "root", "Example Time Root")
        self._certify("issuing", "root", "issuing", "Example Time Issuing")
        self._certify("signer", "issuing", "signer", "Example Time Stamping")
        chain = [(self.directory / f"{name}.pem").read_text() for name in ("issuing", "root")]
        (self.directory / "chain.pem").write_text("".join(chain))

    @property
    def root(self) -> bytes:
        """The root certificate in DER, as a policy names it."""
        text = (self.directory / "root.pem").read_text()
        return base64.b64decode("".join(text.strip().split("\n")[1:-1]))

    @property
    def policy_line(self) -> str:
        return f"#! tsa-root {base64.b64encode(self.root).decode()}"

    def stamp(self, stamped: bytes) -> bytes:
        """The answer of the authority for these bytes."""
        self.ask(stamped)
        self._run("ts", "-reply", "-config", "openssl.cnf", "-queryfile", "asked", "-out", "answer")
        return (self.directory / "answer").read_bytes()

    def ask(self, stamped: bytes) -> bytes:
        """A question for these bytes, to this authority or to any other."""
        (self.directory / "stamped").write_bytes(stamped)
        self._run("ts", "-query", "-data", "stamped", "-sha256", "-cert", "-out", "asked")
        return (self.directory / "asked").read_bytes()

    def _certify(self, name: str, issuer: str, section: str, title: str) -> None:
        self._run("genpkey", "-algorithm", *self.kind, "-out", f"{name}.key")
        self._run(
            "req", "-new", "-key", f"{name}.key", "-subj", f"/CN={title}", "-out", f"{name}.csr"
        )
        by = ("-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial")
        self._run(
            "x509", "-req", "-in", f"{name}.csr", "-days", "36500", "-extfile", "openssl.cnf",
            "-extensions", section, f"-{self.digest}", "-out", f"{name}.pem",
            *(by if issuer else ("-signkey", f"{name}.key")),
        )  # fmt: skip

    def _run(self, *arguments: str) -> None:
        assert OPENSSL is not None
        subprocess.run([OPENSSL, *arguments], cwd=self.directory, check=True, capture_output=True)
