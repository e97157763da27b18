"""Proof of a person's consent as a file, for an authority or a court; each one taken out is put on record."""

from __future__ import annotations

from flask import Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from mailer import accounts, contacts, proofs
from mailer.accounts import Right
from mailer.foundation.database import unit_of_work
from mailer.web.admin.door import bp, needs, signed_in
from mailer.web.admin.people import name_of
from mailer.web.responses import public_url

TOOK_OUT = "took out a proof bundle"


@bp.get("/people/<public_id>/proof")
@needs(Right.PROVE)
def person_proof(public_id: str) -> ResponseReturnValue:
    """What can be proven about a person, list by list and about measuring, and where each proof stands."""
    contact = contacts.get_contact(signed_in().organisation, public_id)
    return render_template(
        "admin/people/proof.html",
        contact=contact,
        name=name_of(contact),
        provable=proofs.list_provable(contact),
        hashes=proofs.verifier_hashes(),
        public_url=public_url(),
    )


@bp.post("/people/<public_id>/proof")
@needs(Right.PROVE)
def take_proof(public_id: str) -> ResponseReturnValue:
    """Hand out the bundle of one person and list, or measuring (T-040), and note who took it."""
    me = signed_in()
    with unit_of_work():
        contact = contacts.get_contact(me.organisation, public_id)
        mailing_list = proofs.read_topic(me.organisation, request.form.get("list", ""))
        bundle = proofs.build_bundle(contact, mailing_list)
        accounts.note(
            me.organisation,
            me.account,
            TOOK_OUT,
            contact.public_id,
            mailing_list=proofs.topic_of(mailing_list),
        )
    return _as_file(bundle)


def _as_file(bundle: proofs.Bundle) -> Response:
    """A bundle as a download that nobody keeps on the way."""
    response = make_response(bundle.body)
    response.mimetype = "application/zip"
    response.headers["Content-Disposition"] = f'attachment; filename="{bundle.filename}"'
    response.headers["Cache-Control"] = "no-store"
    return response
