"""Receipts for the person they are about: to read, keep, print, have mailed. Their links open nothing else."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailer import consent, receipts
from mailer.contacts import Contact
from mailer.foundation.addresses import mask_address, parse_address
from mailer.foundation.database import unit_of_work
from mailer.foundation.errors import NotFound, TooMany
from mailer.foundation.throttle import Limit, is_within
from mailer.receipts import Part, Thread
from mailer.web.consent_stations import Station, stations_of
from mailer.web.documents import as_file
from mailer.web.public.letterhead import letterhead

bp = Blueprint("receipts", __name__)

MAILS_A_DAY = 3
DAY = 24 * 3600
MAILED = "The receipt is on its way to the address we know. It comes within a minute or so."
TOO_MANY = (
    "Three receipts were sent today already. Please look into the mailbox, or try again tomorrow. You can "
    "always read and keep the receipt here."
)


@dataclass(frozen=True, slots=True)
class ReceiptLink:
    """One thing that is recorded about a person, with the link to its receipt."""

    thread: Thread
    url: str

    @property
    def name(self) -> str:
        """The list, or what else was asked."""
        return self.thread.topic.name

    @property
    def is_standing(self) -> bool:
        """Whether a consent stands."""
        return self.thread.is_standing

    @property
    def was_given(self) -> bool:
        """Whether a consent was ever given."""
        return self.thread.given is not None

    @property
    def how(self) -> str:
        """How the newest consent came about; empty when none was ever given."""
        given = self.thread.given
        return consent.how(receipts.provenance_in(given)) if given else ""

    @property
    def stations(self) -> list[Station]:
        """The consent line; asked of the log each time, so only where it is drawn."""
        return stations_of(self.thread)


@bp.get("/r/<token>", strict_slashes=False)
def show(token: str) -> str:
    """One receipt, or with the link to all of them what there is."""
    contact, topic_id = receipts.read_link(token)
    return _one(contact, topic_id, token) if topic_id else _all(contact)


@bp.get("/r/<token>/receipt.json")
def receipt(token: str) -> Response:
    """The signed receipt as a file (R-011)."""
    return as_file(receipts.issue(_thread(token)), "receipt")


@bp.get("/r/<token>/record.json")
def record(token: str) -> Response:
    """The consent record as a file, for other systems (R-001)."""
    return as_file(receipts.compose_record(_thread(token)), "record")


@bp.get("/r/<token>/kantara.json")
def kantara(token: str) -> Response:
    """The consent as a Kantara receipt (R-010)."""
    return as_file(receipts.export_kantara(_thread(token)), "kantara")


@bp.post("/r/<token>/mail")
def send_by_mail(token: str) -> ResponseReturnValue:
    """Mail the receipt to the address we know, never to another."""
    contact = _thread(token).contact
    mailbox = (
        parse_address(contact.address).mailbox_digest if contact.address else contact.public_id
    )
    if not is_within([Limit(f"receipt:{mailbox}", MAILS_A_DAY, DAY)]):
        raise TooMany(TOO_MANY, retry_after=DAY)
    with unit_of_work():
        receipts.plan_receipt_mail(_thread(token))
    return redirect(url_for("receipts.show", token=token, done="mailed"), 303)


def links_of(contact: Contact, topics: Collection[str] | None = None) -> dict[str, ReceiptLink]:
    """The receipts of a person by topic (a list's public id, or `tracking`): of `topics`, or all."""
    return {
        thread.topic.id: ReceiptLink(
            thread=thread,
            url=url_for("receipts.show", token=receipts.sign_link(contact, thread.topic.id)),
        )
        for thread in receipts.list_threads(contact)
        if topics is None or thread.topic.id in topics
    }


def all_url(contact: Contact) -> str:
    """The page with all receipts of a person."""
    return url_for("receipts.show", token=receipts.sign_link(contact))


def _one(contact: Contact, topic_id: str, token: str) -> str:
    thread = receipts.get_thread(contact, topic_id)
    parts: list[Part] = receipts.tell(receipts.issue(thread))
    return render_template(
        "public/receipts/receipt.html",
        token=token,
        thread=thread,
        parts=parts,
        stations=stations_of(thread),
        masked_address=mask_address(contact.address or ""),
        done=MAILED if request.args.get("done") == "mailed" else "",
        all_url=all_url(contact),
        **letterhead(thread.organisation),
    )


def _all(contact: Contact) -> str:
    threads = receipts.list_threads(contact)
    if not threads:
        raise NotFound("Nothing is recorded about this.")
    return render_template(
        "public/receipts/all.html",
        links=list(links_of(contact).values()),
        masked_address=mask_address(contact.address or ""),
        **letterhead(threads[0].organisation),
    )


def _thread(token: str) -> Thread:
    contact, topic_id = receipts.read_link(token)
    return receipts.get_thread(contact, topic_id)
