"""The answer to a permission mail: a button confirms, another link says no; opening changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from mailer import consent, contacts, subscriptions, transactional
from mailer.consent import About, ConsentRecord
from mailer.contacts import Contact, ContactDraft
from mailer.foundation.addresses import mask_address, parse_address
from mailer.foundation.clock import now
from mailer.foundation.database import db
from mailer.foundation.errors import LinkExpired, LinkInvalid
from mailer.foundation.tokens import Purpose, read_lasting, read_timed
from mailer.imports.dry_run import add_counts, counted
from mailer.imports.importing import blank, subject_of
from mailer.imports.models import Import, ImportRow
from mailer.imports.permission_mails import NO_SOURCE
from mailer.imports.states import RowState
from mailer.lists import LANGUAGES, MailingList, get_list_by_id
from mailer.organisations import Organisation, get_organisation_by_id
from mailer.signup import ConfirmingAct, bring_mail_along
from mailer.suppression import Reason, Scope, find_blocking, suppress

_LONGEST_LIFE = timedelta(days=400)  # a link that old is refused unread; the row says what is valid


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionPage:
    """What the page behind the link says: kept as it read, for leg (c)."""

    organisation: Organisation
    mailing_list: MailingList
    masked_address: str
    source: str
    asked_at: datetime | None
    title: str
    sentence: str
    button: str

    @property
    def text(self) -> bytes:
        """The page's words in canonical form."""
        return consent.canonical_json(
            {
                "organisation": self.organisation.legal_name,
                "lists": [self.mailing_list.name],
                "title": self.title,
                "sentence": self.sentence,
                "button": self.button,
            }
        )


def read_permission_token(token: str) -> ImportRow:
    """The row a link belongs to, whatever its state. Raises LinkInvalid."""
    return _row_of(str(read_timed(Purpose.PERMISSION, token, max_age=_LONGEST_LIFE)))


@dataclass(frozen=True, slots=True)
class RefusalLink:
    """What a "do not write to me" link names, with the digest of the address, where either has it still."""

    row: ImportRow
    digest: str | None

    @property
    def is_blocked(self) -> bool:
        """Whether no mail at all goes to the address."""
        return subscriptions.is_blocked(organisation_of_row(self.row), self.digest)


def find_row(public_id: str) -> ImportRow | None:
    """The row that a permission mail goes by."""
    return db.session.scalar(sa.select(ImportRow).where(ImportRow.public_id == public_id))


def read_refusal_token(token: str) -> RefusalLink:
    """What a "do not write to me" link belongs to. Raises LinkInvalid."""
    parts = read_lasting(Purpose.NO_PERMISSION, token)
    row = _row_of(parts[0])
    return RefusalLink(row, parts[1] if len(parts) > 1 else row.address_digest)


def page_of_row(row: ImportRow) -> PermissionPage:
    """The words of the page with the button."""
    found = db.session.get_one(Import, row.import_id)
    organisation = get_organisation_by_id(found.organisation_id)
    mailing_list = get_list_by_id(found.mailing_list_id)
    return PermissionPage(
        organisation=organisation,
        mailing_list=mailing_list,
        masked_address=mask_address(row.address or ""),
        source=str(row.proof.get("source") or NO_SOURCE),
        asked_at=row.mailed_at,
        title="May we write to you?",
        sentence=f"{organisation.legal_name} will send “{mailing_list.name}” to this address.",
        button="Yes, I want this mail",
    )


def organisation_of_row(row: ImportRow) -> Organisation:
    """Whose import a row belongs to."""
    found = db.session.get_one(Import, row.import_id)
    return get_organisation_by_id(found.organisation_id)


def contact_id_of_row(row: ImportRow) -> str | None:
    """The public id of whoever gave permission, while they are known."""
    if row.contact_id is None or row.state is not RowState.CONFIRMED:
        return None
    contact = db.session.get_one(Contact, row.contact_id)
    return contact.public_id if contact.erased_at is None else None


def is_member_of_row(row: ImportRow) -> bool:
    """Whether whoever gave permission is on the list now."""
    if row.contact_id is None or row.state is not RowState.CONFIRMED:
        return False
    found = db.session.get_one(Import, row.import_id)
    contact = db.session.get_one(Contact, row.contact_id)
    return subscriptions.is_active(contact, get_list_by_id(found.mailing_list_id))


def give_permission(row: ImportRow, act: ConfirmingAct) -> Contact:
    """Record the consent with its three legs and begin the membership; pressing twice is pressing once (C-030).

    Raises LinkExpired when the link's time is over, LinkInvalid when it was answered with no, or undone.
    """
    db.session.refresh(row, with_for_update=True)
    if row.state is RowState.CONFIRMED and row.contact_id is not None:
        return db.session.get_one(Contact, row.contact_id)
    found = db.session.get_one(Import, row.import_id, with_for_update=True)
    organisation = get_organisation_by_id(found.organisation_id)
    _require_answerable(organisation, row)
    mailing_list = get_list_by_id(found.mailing_list_id)
    own = subject_of(row)
    contact = contacts.get_or_create(organisation, _draft(organisation, mailing_list, row), own)
    subject = consent.get_subject(contact.subject_id)
    asked = db.session.get_one(ConsentRecord, row.record_id)
    bring_mail_along(row.mail_evidence, own, subject)
    evidence = _three_legs(row, act, asked)
    proof = consent.record_given(subject, About(mailing_list), evidence, follows=asked)
    subscriptions.activate(contact, mailing_list, proof)
    _settle(found, row, RowState.CONFIRMED)
    row.contact_id = contact.id
    db.session.flush()
    return contact


def refuse_permission(link: RefusalLink, evidence: Mapping[str, Any]) -> bool:
    """Stop all mail to the address, end what a permission brought about, keep the record (C-032).

    Saying it twice is saying it once. Returns whether the address is blocked now: not when the row was erased
    and the link does not bring the digest along.
    """
    row = link.row
    db.session.refresh(row, with_for_update=True)
    digest = link.digest or row.address_digest
    if digest is None:
        return False
    found = db.session.get_one(Import, row.import_id, with_for_update=True)
    organisation = get_organisation_by_id(found.organisation_id)
    if find_blocking(organisation, digest, scope=Scope.ALL_MAIL) is None:
        suppress(organisation, digest, scope=Scope.ALL_MAIL, reason=Reason.NOT_ME)
    if row.address_digest is None or row.state is RowState.DISPUTED or row.record_id is None:
        return True
    asked = db.session.get_one(ConsentRecord, row.record_id)
    if row.state is RowState.CONFIRMED and row.contact_id is not None:
        contact = db.session.get_one(Contact, row.contact_id)
        subscriptions.invalidate_answers(contact, [asked.id], evidence)
    else:
        consent.record_invalidated(asked, {**evidence, "confirmation_mail": row.mail_evidence})
    if row.public_id is not None:
        transactional.forget_addressee(row.public_id)
    _settle(found, row, RowState.DISPUTED)
    return True


def _row_of(public_id: str) -> ImportRow:
    row = find_row(public_id)
    if row is None:
        raise LinkInvalid("This link belongs to no question we know.")
    return row


def _require_answerable(organisation: Organisation, row: ImportRow) -> None:
    digest = row.address_digest
    if digest and find_blocking(organisation, digest, scope=Scope.ALL_MAIL) is not None:
        raise LinkInvalid("This address was blocked by its owner.")
    if row.state is RowState.ASKED and row.expires_at is not None and row.expires_at > now():
        return
    if row.state in (RowState.ASKED, RowState.EXPIRED):
        raise LinkExpired("This link has expired.", row.public_id)
    raise LinkInvalid("This question is no longer open.")


def _draft(organisation: Organisation, mailing_list: MailingList, row: ImportRow) -> ContactDraft:
    """What the file says of a person, without what they told us themselves, which stays."""
    address = parse_address(row.address or "")
    known = contacts.find_by_address(organisation, address)
    told = known.fields if known is not None else {}
    return ContactDraft(
        address=address,
        first_name="" if known is not None and known.first_name else row.first_name,
        last_name="" if known is not None and known.last_name else row.last_name,
        language=row.language if row.language in LANGUAGES else mailing_list.language,
        fields={str(key): str(value) for key, value in row.fields.items() if not told.get(key)},
    )


def _three_legs(row: ImportRow, act: ConfirmingAct, asked: ConsentRecord) -> dict[str, Any]:
    """The import in the place of a submission, the permission mail, and the confirming act (C-040)."""
    payload = consent.read_payload(asked) or {}
    return {
        "submission": payload.get("evidence", {}).get("imported"),
        "confirmation_mail": row.mail_evidence,
        "confirmation": act.leg(page_of_row(row).text),
    }


def _settle(found: Import, row: ImportRow, state: RowState) -> None:
    changes = Counter({row.state.value: -1})
    digest = row.address_digest
    row.state, row.settled_at, row.mail_evidence = state, now(), None
    blank(row)
    row.address_digest = digest  # the block holds, and only the same link can take it back
    changes.update(counted(state, None))
    add_counts(found, changes)
    db.session.flush()
