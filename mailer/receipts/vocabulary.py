"""The words of the documents: IRIs of the W3C Data Privacy Vocabulary 2.3, and the few of our own. Pure data.

Which states the ledger knows and how the vocabulary calls them stands in `consent.DPV_TERMS` (R-007).
"""

from __future__ import annotations

from mailer.consent import ConsentState, Matter

RECORD_SCHEMA = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
RECEIPT_SCHEMA = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"
PREFIXES = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "loc": "https://w3id.org/dpv/loc#",
    "legal-eu": "https://w3id.org/dpv/legal/eu#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "dct": "http://purl.org/dc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}

# Members of ours, in the namespace `x`; each with what it says.
OWN_TERMS = {
    "x:algorithm": "how a commitment or a signature was made",
    "x:answeredAt": "when the next mail server answered",
    "x:broughtAt": "when a consent that was given elsewhere was brought here",
    "x:checkpoint": "the newest checkpoint of the log, as a signed note",
    "x:commitment": "SHA-256 over a fixed tag, a secret salt and the whole evidence, hexadecimal",
    "x:confirmationMail": "the confirmation mail of a double opt-in",
    "x:consentOrigin": "where a consent comes from: form, preferences, permission, elsewhere, unproven, "
    "not_given, or unrecorded",
    "x:digests": "SHA-256 of each part of the document, to tell which part was altered",
    "x:ends": "the record of the ledger that this one ends",
    "x:follows": "the record of the ledger that this one answers",
    "x:keyId": "the name of the key that signed, as the page of the keys lists it",
    "x:keysAt": "where the public keys are published",
    "x:log": "the log of all consents, and its newest checkpoint",
    "x:logIndex": "the position of the record in the log",
    "x:logState": "whether the record stands below the checkpoint: anchored, or not yet anchored",
    "x:madeValidBy": "the record of the ledger that made the consent valid",
    "x:messageId": "the Message-ID of a mail",
    "x:noticeNumber": "which version of the privacy notice",
    "x:origin": "the name of the log",
    "x:pageSha256": "SHA-256 of the page with the button, as it read",
    "x:recordId": "the line of the ledger this event stands in",
    "x:replyCode": "what the next mail server answered",
    "x:rootHash": "the root of the log at the checkpoint, base64",
    "x:sha256": "SHA-256 of the mail as it left, hexadecimal",
    "x:shownOn": "the page the form stood on, without its query",
    "x:signature": "the signature of this service over the rest of the document",
    "x:signedAt": "when the checkpoint was signed",
    "x:size": "how many leaves the log had at the checkpoint",
    "x:textSha256": "SHA-256 of the words as they were shown, hexadecimal",
    "x:timeStamps": "who has put a time stamp on the checkpoint (RFC 3161), and when",
    "x:value": "the signature itself, base64",
    "x:witnesses": "who else signed the checkpoint",
}

LEGAL_BASES = ("eu-gdpr:A6-1-a", "dpv:ExpressedConsent")  # both matters rest on consent alone
PURPOSES = {Matter.MAILING: "dpv:DirectMarketing", Matter.TRACKING: "dpv:ServiceUsageAnalytics"}
RIGHTS = {
    "eu-gdpr:A7-3": "withdraw consent",
    "eu-gdpr:A13": "be informed",
    "eu-gdpr:A15": "access",
    "eu-gdpr:A16": "have wrong data put right",
    "eu-gdpr:A17": "erasure",
    "eu-gdpr:A18": "restriction",
    "eu-gdpr:A19": "have recipients told",
    "eu-gdpr:A20": "take the data along",
    "eu-gdpr:A21": "object",
    "eu-gdpr:A22": "no decision by a machine alone",
    "eu-gdpr:A77": "complain to an authority",
}
# Whose act a state is: what no person said, the organisation wrote down.
BY_CONTROLLER = frozenset({ConsentState.EXPIRED, ConsentState.TERMINATED, ConsentState.UNKNOWN})
_UNION = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
MEMBER_STATES = frozenset(_UNION.split())


def context(public_url: str) -> dict[str, str]:
    """The `@context` of a document: the prefixes, and where our own terms are explained."""
    return {**PREFIXES, "x": f"{public_url}/receipts/terms#"}
