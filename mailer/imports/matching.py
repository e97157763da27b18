"""Where the people of a slice stand here, asked at once for all of them, and what that makes of their rows.

An import never raises anybody: who stopped our mail, left the list, left its box unticked, was erased or is
restricted stays where they are (C-082, C-083).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from mailer.consent import ConsentRecord, ConsentState
from mailer.contacts import Contact
from mailer.foundation.database import db
from mailer.imports.models import Import, ImportRow
from mailer.imports.states import Refusal, RowState
from mailer.signup import SignupRequest
from mailer.subscriptions import Subscription, SubscriptionState
from mailer.suppression import Reason, Scope, SuppressionEntry, outranks

_NOS = (ConsentState.WITHDRAWN, ConsentState.INVALIDATED, ConsentState.REFUSED)
_WAS_ASKED = (RowState.ASKED, RowState.CONFIRMED, RowState.DISPUTED)


@dataclass(frozen=True, slots=True)
class ConsentMoment:
    """When a consent was given, and whether that was confirmed here or only told by an import."""

    given_at: datetime
    is_confirmed_here: bool

    def yields_to(self, opt_out_at: datetime | None) -> bool:
        """Whether an opt-out of that moment, or of no known one, holds against this consent."""
        return outranks(opt_out_at, self.given_at, is_confirmed_here=self.is_confirmed_here)


@dataclass(slots=True)
class AddressMatch:
    """What is known here about one address."""

    contact: Contact | None = None
    membership: SubscriptionState | None = None
    consents: list[ConsentMoment] = field(default_factory=list)  # behind active memberships
    has_said_no: bool = False
    was_asked: bool = False
    stops: list[SuppressionEntry] = field(default_factory=list)

    def stops_for(self, opt_out: str | None) -> list[SuppressionEntry]:
        """The suppressions that make another opt-out of this kind needless.

        A bounce is no wish and may be lifted, so it makes only another bounce needless.
        """
        return [
            one for one in self.stops if one.reason is not Reason.BOUNCE or opt_out == "bounced"
        ]

    def live_consents(self, opt_out: str | None) -> list[ConsentMoment]:
        """The consents that no suppression of that weight stands against yet."""
        stops = self.stops_for(opt_out)
        if any(entry.scope is Scope.ALL_MAIL for entry in stops):
            return []
        moments = [None if entry.is_undated else entry.created_at for entry in stops]
        return [one for one in self.consents if not any(map(one.yields_to, moments))]


def match_addresses(found: Import, digests: Collection[str]) -> dict[str, AddressMatch]:
    """What is known of every address of a slice; locks the people it finds until the transaction ends."""
    matches = {digest: AddressMatch() for digest in digests}
    for entry in db.session.scalars(
        sa.select(SuppressionEntry).where(
            SuppressionEntry.organisation_id == found.organisation_id,
            SuppressionEntry.address_digest.in_(digests),
            SuppressionEntry.lifted_at.is_(None),
        )
    ):
        matches[entry.address_digest].stops.append(entry)
    by_contact: dict[int, AddressMatch] = {}
    for contact in db.session.scalars(
        sa.select(Contact)
        .where(
            Contact.organisation_id == found.organisation_id, Contact.address_digest.in_(digests)
        )
        .order_by(Contact.id)
        .with_for_update()
    ):
        by_contact[contact.id] = matches[contact.address_digest or ""]
        by_contact[contact.id].contact = contact
    if by_contact:
        _note_memberships(found, by_contact)
        _note_answers(found, by_contact)
    for asked in db.session.scalars(_asked_elsewhere(found, digests)):
        matches[asked or ""].was_asked = True
    return matches


def decide(
    state: RowState,
    match: AddressMatch,
    *,
    opt_out: str | None = "",
    opt_out_at: datetime | None = None,
) -> tuple[RowState, Refusal | None]:
    """What a row that says `state`, and in which way out, comes to, given where the person stands."""
    if state is RowState.OPTED_OUT:
        return _opted_out(match, opt_out, opt_out_at)
    refusal = _refusal(state, match)
    if refusal is not None:
        return RowState.REFUSED, refusal
    if match.membership is not None:
        return RowState.KNOWN, None
    return state, None


def _opted_out(
    match: AddressMatch, opt_out: str | None, opt_out_at: datetime | None
) -> tuple[RowState, Refusal | None]:
    """What an opt-out comes to: it holds unless a newer consent, or one confirmed here, stands against it.

    Where it holds for some lists and not for others, the refusal says so.
    """
    ended = [one.yields_to(opt_out_at) for one in match.live_consents(opt_out)]
    if not all(ended):
        state = RowState.OPTED_OUT if any(ended) else RowState.REFUSED
        return state, Refusal.OPTED_OUT_KNOWN
    if match.stops_for(opt_out) and not ended:
        return RowState.REFUSED, Refusal.OPTED_OUT  # they are stopped here already
    return RowState.OPTED_OUT, Refusal.OPTED_OUT


def detail_of(refusal: Refusal | None, opt_out_at: datetime | None) -> str:
    """Which day of an opt-out did not hold against a consent; empty for everything else."""
    if refusal is Refusal.OPTED_OUT_KNOWN and opt_out_at is not None:
        return f"opted out on {opt_out_at:%-d %B %Y}"
    return ""


def _refusal(state: RowState, match: AddressMatch) -> Refusal | None:
    if any(entry.reason is Reason.ERASURE for entry in match.stops):
        return Refusal.ERASED
    if match.stops:
        return Refusal.SUPPRESSED
    if match.contact is not None and match.contact.restricted_at is not None:
        return Refusal.RESTRICTED
    if match.membership is SubscriptionState.ENDED:
        return Refusal.ENDED
    if match.has_said_no and match.membership is None:
        return Refusal.ENDED
    if match.was_asked and state is RowState.UNPROVEN:
        return Refusal.ASKED_BEFORE
    return None


def _note_memberships(found: Import, by_contact: dict[int, AddressMatch]) -> None:
    for contact_id, list_id, state, given_at, recorded_at in db.session.execute(
        sa.select(
            Subscription.contact_id,
            Subscription.mailing_list_id,
            Subscription.state,
            ConsentRecord.given_at,
            ConsentRecord.recorded_at,
        )
        .outerjoin(ConsentRecord, ConsentRecord.id == Subscription.proof_id)
        .where(Subscription.contact_id.in_(by_contact))
    ):
        match = by_contact[contact_id]
        if list_id == found.mailing_list_id:
            match.membership = state
        if state is SubscriptionState.ACTIVE:
            match.consents.append(ConsentMoment(given_at or recorded_at, given_at is None))


def _note_answers(found: Import, by_contact: dict[int, AddressMatch]) -> None:
    """Withdrawals and boxes left unticked, under any of the subjects a person stands under."""
    subjects = {
        match.contact.subject_id: match
        for match in by_contact.values()
        if match.contact is not None
    }
    for contact_id, subject_id in db.session.execute(
        sa.select(SignupRequest.contact_id, SignupRequest.subject_id).where(
            SignupRequest.contact_id.in_(by_contact)
        )
    ):
        subjects[subject_id] = by_contact[contact_id or 0]
    for subject_id in db.session.scalars(
        sa.select(ConsentRecord.subject_id).where(
            ConsentRecord.subject_id.in_(subjects),
            ConsentRecord.mailing_list_id == found.mailing_list_id,
            ConsentRecord.state.in_(_NOS),
        )
    ):
        subjects[subject_id].has_said_no = True


def _asked_elsewhere(found: Import, digests: Collection[str]) -> sa.Select[str | None]:
    """Who was sent a permission mail for this list by another import."""
    return (
        sa.select(ImportRow.address_digest)
        .join(Import, Import.id == ImportRow.import_id)
        .where(
            ImportRow.address_digest.in_(digests),
            ImportRow.import_id != found.id,
            ImportRow.state.in_(_WAS_ASKED),
            Import.mailing_list_id == found.mailing_list_id,
        )
    )
