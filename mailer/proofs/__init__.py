"""Proofs: one file that shows one person's consent to somebody who has nothing else of ours.

Enters: the ledger's records about a person and a list or measuring, their texts and mail, their places in
the log.
Leaves: a bundle, the policy by which others check it, and the mailed link to one's own bundles.
Always holds: nothing is stored; the same members give the same bytes; a bundle that the log has not signed
yet says so and passes no verifier.
"""

from __future__ import annotations

from mailer.proofs.building import Bundle, build_bundle, verifier_hashes
from mailer.proofs.gathering import Provable, list_provable, read_topic, topic_of
from mailer.proofs.letter import LINK_LIFE, mail_proof_link, read_proof_token
from mailer.proofs.signing import maker_vkeys, policy_text

__all__ = [
    "LINK_LIFE",
    "Bundle",
    "Provable",
    "build_bundle",
    "list_provable",
    "mail_proof_link",
    "maker_vkeys",
    "policy_text",
    "read_proof_token",
    "read_topic",
    "topic_of",
    "verifier_hashes",
]
