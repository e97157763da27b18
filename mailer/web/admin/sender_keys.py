"""Keys that sign the mails of a sender's domain (DKIM): made, published, taken into use, replaced."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from mailer import accounts, organisations
from mailer.accounts import Right
from mailer.foundation import dns_lookup
from mailer.foundation.database import db, unit_of_work
from mailer.foundation.errors import Invalid
from mailer.organisations import DomainDns, DomainKey, DomainKeyState, RecordFinding, Sender
from mailer.rendering import ED25519, RSA
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.responses import see_other

_NAMES = {RSA: "RSA-2048", ED25519: "Ed25519"}
_SHOWN_REPLACED = 4
_FOUND = {
    RecordFinding.RIGHT: ("proven", "found in the DNS"),
    RecordFinding.MISSING: ("waiting", "not in the DNS yet"),
    RecordFinding.OTHER: ("refused", "another record is there"),
    RecordFinding.SILENT: ("held", "DNS did not answer"),
}


def ask_dns(sender: Sender, *, anew: bool = False) -> DomainDns | None:
    """What DNS says of a sender’s domain; None where look-ups are off. Ends the transaction that reads."""
    question = organisations.dns_question(sender)
    if question is None:
        return None
    db.session.rollback()
    return organisations.read_dns(question, dns_lookup.look_up_texts(question.names, anew=anew))


def keys_of(sender: Sender) -> dict[str, Any]:
    """What the sender's page says of its domain's keys, and what DNS says of them."""
    domain_dns = ask_dns(sender)
    domain = organisations.signing_domain(sender)
    found = organisations.list_domain_keys(signed_in().organisation, domain)
    found.sort(key=lambda key: key.algorithm, reverse=True)

    def shown(state: DomainKeyState) -> list[dict[str, Any]]:
        return [
            {
                "key": key,
                "name": _NAMES[key.algorithm],
                "record": organisations.dns_record(key),
                "found": _found(domain_dns, key),
            }
            for key in found
            if key.state is state
        ]

    return {
        "domain": domain,
        "dns": domain_dns,
        "waiting": shown(DomainKeyState.WAITING),
        "signing": shown(DomainKeyState.SIGNING),
        "replaced": shown(DomainKeyState.REPLACED)[:_SHOWN_REPLACED],
    }


@bp.post("/settings/senders/<public_id>/keys")
@needs(Right.MANAGE)
def make_sender_keys(public_id: str) -> ResponseReturnValue:
    """New keys for the sender's domain, to be published."""
    me = signed_in()
    domain = _domain(public_id)
    # Never Ed25519 alone: many receivers cannot check it yet (E-040).
    algorithms = (RSA, ED25519) if request.form.get("ed25519") else (RSA,)
    with unit_of_work():
        organisations.make_domain_keys(me.organisation, domain, algorithms)
        accounts.note(me.organisation, me.account, "made keys that sign mails", domain)
    return _back(public_id, "Made. Publish what is shown below.")


@bp.post("/settings/senders/<public_id>/keys/use")
@needs(Right.MANAGE)
def use_sender_keys(public_id: str) -> ResponseReturnValue:
    """Sign with the keys that were published."""
    me = signed_in()
    domain = _domain(public_id)
    domain_dns = ask_dns(organisations.get_sender(me.organisation, public_id), anew=True)
    try:
        with unit_of_work():
            organisations.use_published_keys(me.organisation, domain, domain_dns)
            accounts.note(me.organisation, me.account, "began to sign mails with new keys", domain)
    except Invalid as error:
        return _back(public_id, str(error), kind="error")
    unasked = (
        " DNS was not asked for the record: MAILER_MX_LOOKUP is off." if not domain_dns else ""
    )
    return _back(public_id, f"Mails of {domain} are signed from now on.{unasked}")


@bp.post("/settings/senders/<public_id>/keys/discard")
@needs(Right.MANAGE)
def discard_sender_keys(public_id: str) -> ResponseReturnValue:
    """Forget keys that were never used."""
    me = signed_in()
    domain = _domain(public_id)
    with unit_of_work():
        organisations.discard_domain_keys(me.organisation, domain)
        accounts.note(me.organisation, me.account, "discarded keys that sign mails", domain)
    return _back(public_id, "Discarded. Nothing was signed with them.")


@bp.post("/settings/senders/<public_id>/keys/stop")
@needs(Right.MANAGE)
def stop_sender_keys(public_id: str) -> ResponseReturnValue:
    """Sign no more."""
    me = signed_in()
    domain = _domain(public_id)
    with unit_of_work():
        organisations.stop_signing(me.organisation, domain)
        accounts.note(me.organisation, me.account, "stopped signing mails", domain)
    return _back(public_id, f"Mails of {domain} leave here unsigned from now on.")


def _domain(public_id: str) -> str:
    return organisations.signing_domain(
        organisations.get_sender(signed_in().organisation, public_id)
    )


def _found(domain_dns: DomainDns | None, key: DomainKey) -> tuple[str, str] | None:
    """Mark and word of what DNS says of a key's record; None where it was not asked."""
    if domain_dns is None or key.state is DomainKeyState.REPLACED:
        return None
    name = organisations.dns_record(key).name
    return _FOUND[domain_dns.keys.get(name, RecordFinding.SILENT)]


def _back(public_id: str, notice: str, *, kind: str = "success") -> ResponseReturnValue:
    return see_other(url_for(".sender", public_id=public_id, _anchor="keys"), notice, kind=kind)
