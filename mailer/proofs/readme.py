"""README.txt of a bundle: what lies in it, how to check it without us, and where the proof ends. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from mailer import consent
from mailer.consent import Origin, Provenance

_TEXT = """\
{title}: {topic_name}
{organisation}, put together {made_at}

WHAT THIS IS
This ZIP file holds everything that was recorded about one person and {matter}. It can be checked
without the service that made it, without any network, and years from now. Keep it as it is: a ZIP file that
was unpacked and packed again is another file.

HOW THE CONSENT CAME ABOUT
{how}
{standing}
WHAT LIES IN IT
summary.html                            to read and to print
manifest.json                           every other member with its length and SHA-256
manifest.note                           the signature of whoever put the bundle together
records/NNN-state/payload.json          what was recorded, in canonical form (RFC 8785)
records/NNN-state/salt.hex              32 random bytes that make the seal below unguessable
records/NNN-state/leaf.json             the line of the public log; holds nothing personal
records/NNN-state/inclusion.tlog-proof  that this line is in the log (C2SP tlog-proof)
later-events.json                       what came after each consent, a withdrawal above all
texts/                                  the texts that the records name, such as form, notice, page and
                                        wording, under their SHA-256
mail/                                   the mail with the link to the button as it left, if there was one, the
                                        secrets of its links blotted out (each character an asterisk); the
                                        reply of the mail server stands in the payload, with the SHA-256 of
                                        the mail before and after that
checkpoint/checkpoint.note              the signed state of the log (C2SP tlog-checkpoint)
checkpoint/cosigned.note                the same with the signatures of witnesses
tsa/                                    time stamps over checkpoint.note (RFC 3161), with certificates

HOW TO CHECK IT
1. Get the policy: a text file that says whose signatures count. Get it another way than this bundle, for
   example from a copy that you or your authority kept. The newest one is published at
   {policy_url}
   Keys or certificates that lie in a bundle are never believed.
2. Get a verifier, and compare its SHA-256:
{verifiers}
   Both are published with the source of Mailer, and at {verify_url}
3. Run   python verify.py BUNDLE.zip --policy POLICY.txt   (needs Python and the package cryptography),
   or open verify.html in a browser, from your disk, and choose both files.
   Each line says on its own what was verified. Exit status 0 means: everything the policy demands.

BY HAND (in an unpacked copy; more in docs/proof-bundle.md of Mailer)
Seal of a record   the member "commitment" of leaf.json equals the output of
                   (printf 'mailer.consent.v1\\0'; xxd -r -p salt.hex; cat payload.json) | sha256sum
Texts and mail     sha256sum texts/* mail/*      equals their names, which the payload names
Time stamp         openssl ts -verify -in tsa/01.tsr -data checkpoint/checkpoint.note -CAfile ROOT.pem

WHAT IT DOES NOT PROVE
{limits}
- What the blotted secrets of the links in a mail were. The payload names the SHA-256 of each link of the mail,
  and of the link that was pressed. A DKIM signature in the mail holds for the mail before the blotting.
- That nothing else happened. What the maker left out, or what came later, does not show. Ask for a newer
  bundle to see what came later.
- Without a witness or a time stamp that your policy names, everything here is the word of the operator alone.
"""
_WAITING = """
NOT YET ANCHORED: the log has not signed all of these records yet, so this bundle does not pass. Ask for a
new one in a minute.
"""


def write_readme(
    *,
    organisation: str,
    topic_name: str,
    is_about_measuring: bool,
    made_at: str,
    is_waiting: bool,
    public_url: str,
    verifiers: Mapping[str, str],
    origins: Sequence[Origin],
) -> bytes:
    """The text; `verifiers` are the SHA-256 of their files, by name, `origins` those of the consents."""
    is_given = not {Origin.NOT_GIVEN, Origin.UNPROVEN} & set(origins)
    lines = [f"   {sha256}  {name}" for name, sha256 in verifiers.items()]
    return _TEXT.format(
        title="Proof of consent" if is_given else "What is recorded, without a proof of consent",
        how="\n".join(_wrapped(consent.how(Provenance(origin)), "") for origin in origins),
        limits="\n".join(_wrapped(limit, "- ") for limit in consent.not_proven(origins)),
        organisation=organisation,
        topic_name=topic_name,
        matter="measuring" if is_about_measuring else "one mailing list",
        made_at=made_at,
        standing=_WAITING if is_waiting else "",
        policy_url=f"{public_url}/log/policy",
        verify_url=f"{public_url}/verify",
        verifiers="\n".join(lines),
    ).encode()


def _wrapped(sentence: str, mark: str) -> str:
    indent = " " * len(mark)
    return textwrap.fill(sentence, 110, initial_indent=mark, subsequent_indent=indent)
